// The three forms of pin tracking under one workload, in figures: what the debate of 2018 was about
// (facts 9.3), to be printed beside each other.
//
//   falsePositives   unpinned pages that were called pinned, over all looks
//   lostToReclaim    pages that a reclaim pass could not see, summed over the passes: a pinned page
//                    is not reclaimed anyway, but nobody ages it or writes its neighbours meanwhile
//   rejuvenated      pages that came back to the young end of their list because they were pinned:
//                    cold pages that reclaim now looks at last
//   counterWrites    atomic writes for all pins and unpins
//   listMoves        moves on or off a list, each under the lock of the LRU
//
// The workload: file pages, some under long-term pins, short pins that go round over all (direct
// I/O), one page with more plain references than a pin weighs (vmsplice), and a reclaim pass after
// every few short pins.

import type { Pfn } from '../units.js';
import type { MMEnv } from './mm-env.js';
import { GUP_PIN_COUNTING_BIAS } from './page.js';
import { newPinTracking, type PinTracking, type PinTrackingForm } from './pin-tracking.js';

export interface PinWorkload {
  readonly nrPages: number;
  /** The first so many pages are pinned all the time. */
  readonly nrLongterm: number;
  readonly nrShortPins: number;
  /** Short pins held at the same time. */
  readonly depth: number;
  /** References on the last page. */
  readonly nrGets: number;
  /** A reclaim pass looks at all pages after so many short pins. */
  readonly passEvery: number;
}

export const usualPinWorkload: PinWorkload = {
  nrPages: 64,
  nrLongterm: 8,
  nrShortPins: 1024,
  depth: 4,
  nrGets: GUP_PIN_COUNTING_BIAS + 1,
  passEvery: 60,
};

export interface PinTrackingFigures {
  readonly form: PinTrackingForm;
  readonly looks: number;
  readonly falsePositives: number;
  readonly lostToReclaim: number;
  readonly rejuvenated: number;
  readonly counterWrites: number;
  readonly listMoves: number;
}

export const pinTrackingForms: readonly PinTrackingForm[] = ['bias', 'own-count', 'off-lru'];

type Tally = { -readonly [K in keyof Omit<PinTrackingFigures, 'form'>]: number };

class Trial {
  readonly #env: MMEnv;
  readonly #tracking: PinTracking;
  readonly #pages: readonly Pfn[];
  readonly #pins = new Map<Pfn, number>();
  readonly tally: Tally = {
    ...{ looks: 0, falsePositives: 0, lostToReclaim: 0, rejuvenated: 0 },
    ...{ counterWrites: 0, listMoves: 0 },
  };

  constructor(env: MMEnv, tracking: PinTracking, pages: readonly Pfn[]) {
    this.#env = env;
    this.#tracking = tracking;
    this.#pages = pages;
  }

  pin(pfn: Pfn): void {
    this.#pins.set(pfn, (this.#pins.get(pfn) ?? 0) + 1);
    this.#counting(pfn, () => this.#tracking.pin(pfn));
  }

  unpin(pfn: Pfn): void {
    this.#pins.set(pfn, this.#pins.get(pfn)! - 1);
    this.#counting(pfn, () => this.#tracking.unpin(pfn));
  }

  /** Every form writes one counter; what it does to the list is seen from outside. */
  #counting(pfn: Pfn, act: () => void): void {
    const { lru } = this.#env.pages;
    const before = lru.has(pfn);
    act();
    this.tally.counterWrites++;
    const after = lru.has(pfn);
    if (before !== after) this.tally.listMoves++;
    if (!before && after) this.tally.rejuvenated++;
  }

  /** What reclaim would find, oldest first. */
  pass(): void {
    const { lru } = this.#env.pages;
    const seen = new Set(lru.oldest(lru.nrInactive));
    for (const pfn of this.#pages) {
      this.tally.looks++;
      if (!seen.has(pfn)) this.tally.lostToReclaim++;
      const pinned = (this.#pins.get(pfn) ?? 0) > 0;
      if (!pinned && this.#tracking.maybePinned(pfn)) this.tally.falsePositives++;
    }
  }
}

function run(trial: Trial, pages: readonly Pfn[], workload: PinWorkload): void {
  const { nrLongterm, nrShortPins, depth, passEvery } = workload;
  for (const pfn of pages.slice(0, nrLongterm)) trial.pin(pfn);
  const inFlight: Pfn[] = [];
  for (let i = 0; i < nrShortPins; i++) {
    const pfn = pages[i % pages.length]!;
    trial.pin(pfn);
    inFlight.push(pfn);
    if (inFlight.length > depth) trial.unpin(inFlight.shift()!);
    if ((i + 1) % passEvery === 0) trial.pass();
  }
  for (const pfn of inFlight) trial.unpin(pfn);
  for (const pfn of pages.slice(0, nrLongterm)) trial.unpin(pfn);
}

/** Run the workload in one form, on RAM pages of env that are given back. ENOMEM: too few. */
export function pinTrackingFigures(
  env: MMEnv,
  form: PinTrackingForm,
  workload: PinWorkload = usualPinWorkload,
): PinTrackingFigures {
  const { allocator, pages } = env;
  const pfns: Pfn[] = [];
  try {
    for (let i = 0; i < workload.nrPages; i++) pfns.push(allocator.allocPage({ movable: true }));
    for (const pfn of pfns) pages.lru.add(pfn);
    const tracking = newPinTracking(form, pages.lru);
    const trial = new Trial(env, tracking, pfns);
    const last = pfns.at(-1)!;
    for (let i = 0; i < workload.nrGets; i++) tracking.get(last);
    run(trial, pfns, workload);
    for (let i = 0; i < workload.nrGets; i++) tracking.put(last);
    return { form, ...trial.tally };
  } finally {
    for (const pfn of pfns) allocator.freePage(pfn);
  }
}

/** All three forms under one workload, in the order of pinTrackingForms. */
export function comparePinTracking(
  env: MMEnv,
  workload: PinWorkload = usualPinWorkload,
): readonly PinTrackingFigures[] {
  return pinTrackingForms.map((form) => pinTrackingFigures(env, form, workload));
}
