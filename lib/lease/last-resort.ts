// The escalation ladder: what happens, step after step, to a pin that did not go when asked.
//
//   lastResort([{ step: 'sigbus', graceNs }, { step: 'sigkill', graceNs }, 'hang'])
//     waitedNs 0 ------------> SIGBUS ------------> SIGKILL ------------> wait for ever
//                    grace of sigbus    grace of sigkill
//
// A step gives its grace to the holder and then the next one is due. The pages are scanned after
// every step. Escalation remembers what was done already, so that a policy can stay pure.

import { strict as assert } from 'node:assert';
import type { ErrnoCode } from '../errno.js';
import type { PinnedPages } from '../mm/pinned-pages.js';
import { seconds } from '../units.js';
import type { BusyVerdict, LayoutChange, LayoutPolicy } from './layout.js';

export type LastResort = 'sigbus' | 'sigkill' | 'revoke' | 'fence' | 'orphan' | 'fail' | 'hang';

/** One step of the ladder. The grace runs from the step before having run out. */
export interface LastResortStep {
  readonly step: LastResort;
  readonly graceNs: number;
}

/** How long the holder has after each step, where the policy does not say. */
export const defaultGraceNs: Readonly<Record<LastResort, number>> = {
  sigbus: seconds(5), // a handler may still unpin
  sigkill: seconds(5), // exit closes the device file, which unpins
  revoke: seconds(2), // the core's own revoke deadline is one second, then a reset
  fence: seconds(2),
  orphan: 0,
  fail: 0,
  hang: 0,
};

/** Steps that end the ladder: nothing can follow them. */
const last: readonly LastResort[] = ['orphan', 'fail', 'hang'];

/**
 * The verdict that is due after waitedNs. A ladder that does not end in orphan, fail or hang
 * ends in hang; so does `fail` where the change may not fail. Pure.
 */
export function lastResort(
  steps: readonly (LastResort | LastResortStep)[],
  errno: ErrnoCode = 'EBUSY',
): (c: LayoutChange, waitedNs: number) => BusyVerdict {
  const ladder = steps.map((s) =>
    typeof s === 'string' ? { step: s, graceNs: defaultGraceNs[s] } : s,
  );
  ladder.forEach((s, i) => {
    assert(s.graceNs >= 0, `last resort ${s.step}: grace ${s.graceNs} ns`);
    assert(!last.includes(s.step) || i === ladder.length - 1, `nothing follows ${s.step}`);
  });
  return (c, waitedNs) => {
    let untilNs = 0;
    for (const { step, graceNs } of ladder) {
      untilNs += graceNs;
      if (last.includes(step)) return lastVerdict(step, c, errno);
      if (waitedNs < untilNs) return stepVerdict(step, untilNs);
    }
    return { do: 'wait' };
  };
}

function stepVerdict(step: LastResort, untilNs: number): BusyVerdict {
  switch (step) {
    case 'sigbus':
      return { do: 'signal', sig: 'SIGBUS', whom: 'pinner', untilNs };
    case 'sigkill':
      return { do: 'signal', sig: 'SIGKILL', whom: 'pinner', untilNs };
    default:
      return { do: step === 'fence' ? 'fence' : 'revoke', untilNs };
  }
}

function lastVerdict(step: LastResort, c: LayoutChange, errno: ErrnoCode): BusyVerdict {
  if (step === 'orphan') return { do: 'proceed', blocks: 'orphan' };
  if (step === 'fail' && c.mayFail) return { do: 'fail', errno };
  return { do: 'wait' };
}

/** A verdict and the pins it is for. For wait, fail and proceed those are all the busy ones. */
export interface BusyAct {
  readonly verdict: BusyVerdict;
  readonly pins: readonly PinnedPages[];
}

/**
 * Asks a policy's onBusy during one layout change. An act is done once to each pin: asked again
 * within its grace, the answer is to wait for the rest of it; pins that came since are acted on.
 */
export class Escalation {
  readonly #policy: LayoutPolicy;
  readonly #change: LayoutChange;
  readonly #done = new Map<string, Set<PinnedPages>>();

  constructor(policy: LayoutPolicy, change: LayoutChange) {
    this.#policy = policy;
    this.#change = change;
  }

  /** What to do about these busy pins now. waitedNs: since the first scan that found any. */
  next(pins: readonly PinnedPages[], waitedNs: number): BusyAct {
    const verdict = this.#policy.onBusy(this.#change, pins, waitedNs);
    const who = `policy ${this.#policy.name}`;
    if (verdict.do === 'fail') assert(this.#change.mayFail, `${who} fails an eviction`);
    if (verdict.do === 'wait' || verdict.do === 'fail' || verdict.do === 'proceed') {
      return { verdict, pins };
    }
    const key = verdict.do === 'signal' ? `${verdict.sig} ${verdict.whom}` : verdict.do;
    const done = this.#done.get(key) ?? new Set();
    this.#done.set(key, done);
    const fresh = pins.filter((p) => p.longterm && !done.has(p));
    for (const p of fresh) done.add(p);
    if (fresh.length > 0) return { verdict, pins: fresh };
    const { untilNs } = verdict;
    assert(untilNs === undefined || untilNs > waitedNs, `${who}: grace is over and no next step`);
    return { verdict: untilNs === undefined ? { do: 'wait' } : { do: 'wait', untilNs }, pins };
  }
}
