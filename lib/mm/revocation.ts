// Revocation: long-term pins are taken back from their holders (facts 11, P8; section 5.6).
//
//   HELD --revoke()--> REVOKING --holder fences its hardware, unpins--> GONE        'revoked'
//                          `-- deadline --> reset() of the device ------^           'reset'
//                                               `-- deadline, or none --> pages stay 'hung'
//
// Each pin's revoke() runs once, on a task of its own; whoever else wants the pages joins. Short
// pins are never revoked: their holders let go by themselves.

import assert from 'node:assert/strict';
import { SideTable, type Task } from '../sched/index.js';
import { tracepoints } from '../trace/events.js';
import { seconds } from '../units.js';
import type { PinnedPages, RevokeReason } from './pinned-pages.js';

export type RevokeResult = 'revoked' | 'reset' | 'hung';

/** How long a holder may take, before its device is reset. */
export const REVOKE_DEADLINE_NS = seconds(1);

export interface RevokeOptions {
  /** For the holder, and again for the reset. REVOKE_DEADLINE_NS if not given. */
  readonly deadlineNs?: number | undefined;
}

/**
 * Take the pins back; the worst that happened to any of them. Waits, holding whatever the caller
 * holds: call it with invalidate_lock dropped. Pins that are irrevocable make it 'hung' at once,
 * after the others were revoked.
 */
export async function revokePins(
  task: Task,
  pins: readonly PinnedPages[],
  why: RevokeReason,
  opts: RevokeOptions = {},
): Promise<RevokeResult> {
  const longterm = pins.filter((pin) => pin.longterm);
  for (const pin of longterm) if (pin.state === 'HELD' && pin.revocable) start(pin, why);
  let worst: RevokeResult = 'revoked';
  for (const pin of longterm) {
    const result = await settle(task, pin, opts.deadlineNs ?? REVOKE_DEADLINE_NS);
    if (severity[result] > severity[worst]) worst = result;
  }
  return worst;
}

const severity: Record<RevokeResult, number> = { revoked: 0, reset: 1, hung: 2 };

const isGone = (pin: PinnedPages): boolean => pin.state === 'GONE';

function start(pin: PinnedPages, why: RevokeReason): void {
  const { request, env } = pin;
  assert('revoke' in request, 'revoke of an irrevocable pin');
  const { device } = pin.origin;
  pin.markRevoking();
  if (tracepoints.gup_revoke.on) {
    tracepoints.gup_revoke.emit(env.sched, { device, nrPages: pin.nrPages, why });
  }
  env.sched.spawn(`revoke ${device}`, async (task) => {
    if (isGone(pin)) return;
    await request.revoke(pin, why, task);
    if (!isGone(pin)) assert.fail(`${device}: revoke() returned with the pages still pinned`);
  });
}

/** Wait for one pin to be gone, resetting its device when the time is up. */
async function settle(task: Task, pin: PinnedPages, deadlineNs: number): Promise<RevokeResult> {
  const { request } = pin;
  if (pin.state === 'GONE') return 'revoked';
  if (!('revoke' in request)) return 'hung';
  if (await isGoneWithin(task, pin, deadlineNs)) return 'revoked';
  if (request.reset === undefined) return 'hung';
  startReset(pin);
  return (await isGoneWithin(task, pin, deadlineNs)) ? 'reset' : 'hung';
}

async function isGoneWithin(task: Task, pin: PinnedPages, ns: number): Promise<boolean> {
  const { clock } = pin.env.sched;
  const end = await pin.gone.waitEvent(task, () => isGone(pin), {
    mode: 'uninterruptible',
    untilNs: clock.nowNs + ns,
    why: `unpin of ${pin.nrPages} pages by ${pin.origin.device}`,
  });
  return end === 'woken';
}

const resetting = new SideTable<PinnedPages, true>();

function startReset(pin: PinnedPages): void {
  const { request, env, origin } = pin;
  if (!('revoke' in request) || request.reset === undefined || resetting.has(pin)) return;
  resetting.set(pin, true);
  const { reset } = request;
  env.sched.spawn(`reset ${origin.device}`, (task) => reset.call(request, task));
}
