// The fence of recall-fence, for drivers that no protocol can recall from: the whole open file that
// a pin was taken through is taken from its user, with everything that stands on it.
//
//   pins -> their files -> disassociate (release now, ENODEV from here on) -> pins gone   'revoked'
//                                  `-- deadline, or no file --> revokePins
//
// It also reaches pins that are irrevocable: the driver's release() gives them back, as at close.

import type { PinnedPages, RevokeReason } from '../mm/pinned-pages.js';
import { REVOKE_DEADLINE_NS, revokePins, type RevokeResult } from '../mm/revocation.js';
import type { Task } from '../sched/index.js';
import type { NodeFile } from './node-file.js';

/** Fence the owners of the long-term pins; the worst that happened. Waits, as revokePins does. */
export async function fencePins(
  task: Task,
  pins: readonly PinnedPages[],
  why: RevokeReason,
  fileOf: (pin: PinnedPages) => NodeFile | undefined,
): Promise<RevokeResult> {
  const longterm = pins.filter((pin) => pin.longterm);
  const fenced = longterm.filter((pin) => fileOf(pin) !== undefined);
  for (const file of new Set(fenced.map((pin) => fileOf(pin)!))) {
    file.node.device.log(`${file.path} is disassociated: ${why}`);
    task.sched.spawn(`fence ${file.path}`, (own) => file.disassociate(own));
  }
  const untilNs = task.sched.clock.nowNs + REVOKE_DEADLINE_NS;
  for (const pin of fenced) {
    await pin.gone.waitEvent(task, () => isGone(pin), {
      mode: 'uninterruptible',
      untilNs,
      why: `the fence of ${pin.origin.deviceFile}`,
    });
  }
  const left = longterm.filter((pin) => !isGone(pin));
  return left.length === 0 ? 'revoked' : revokePins(task, left, why);
}

const isGone = (pin: PinnedPages): boolean => pin.state === 'GONE';
