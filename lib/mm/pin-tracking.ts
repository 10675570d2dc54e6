// Three ways to know that a page is pinned for DMA, side by side: what was proposed, what was
// merged, and what this project counts. For comparison only: the machine itself uses the second.
//
//   bias       a pin adds 1024 to the refcount (merged, 5.7): no field of its own; 1024 plain
//              references look like a pin; room for 2^21 pins
//   own-count  a count of its own (large folios since 5.7; here every page): exact
//   off-lru    Hubbard's second version, 2018 (facts 9.3): the count lies in the list pointers of
//              the LRU, so the page leaves the list while it is pinned, and reclaim cannot see it
//
// Each answers maybePinned(): a false yes is allowed to 'bias' alone, a false no to nobody.

import assert from 'node:assert/strict';
import { Errno } from '../errno.js';
import type { Pfn } from '../units.js';
import type { Lru } from './lru.js';
import { GUP_PIN_COUNTING_BIAS } from './page.js';

export type PinTrackingForm = 'bias' | 'own-count' | 'off-lru';

export interface PinTracking {
  readonly form: PinTrackingForm;
  get(pfn: Pfn): void;
  put(pfn: Pfn): void;
  /** ENOMEM when the count is full (try_grab_page). */
  pin(pfn: Pfn): void;
  unpin(pfn: Pfn): void;
  maybePinned(pfn: Pfn): boolean;
}

/** Counts that are absent are 0. */
class Counts {
  readonly #counts = new Map<Pfn, number>();

  of(pfn: Pfn): number {
    return this.#counts.get(pfn) ?? 0;
  }

  add(pfn: Pfn, n: number): number {
    const count = this.of(pfn) + n;
    if (!(count >= 0)) assert.fail(`pfn ${pfn}: count below zero`);
    if (count === 0) this.#counts.delete(pfn);
    else this.#counts.set(pfn, count);
    return count;
  }
}

const REFCOUNT_MAX = 2 ** 31 - 1;

class BiasTracking implements PinTracking {
  readonly form = 'bias';
  readonly #refcounts = new Counts();

  get(pfn: Pfn): void {
    this.#refcounts.add(pfn, 1);
  }

  put(pfn: Pfn): void {
    this.#refcounts.add(pfn, -1);
  }

  pin(pfn: Pfn): void {
    if (this.#refcounts.of(pfn) + GUP_PIN_COUNTING_BIAS > REFCOUNT_MAX) {
      throw new Errno('ENOMEM', `pfn ${pfn}: its refcount is full`);
    }
    this.#refcounts.add(pfn, GUP_PIN_COUNTING_BIAS);
  }

  unpin(pfn: Pfn): void {
    this.#refcounts.add(pfn, -GUP_PIN_COUNTING_BIAS);
  }

  maybePinned(pfn: Pfn): boolean {
    return this.#refcounts.of(pfn) >= GUP_PIN_COUNTING_BIAS;
  }
}

class OwnCountTracking implements PinTracking {
  readonly form = 'own-count';
  readonly #pins = new Counts();

  get(): void {}

  put(): void {}

  pin(pfn: Pfn): void {
    this.#pins.add(pfn, 1);
  }

  unpin(pfn: Pfn): void {
    this.#pins.add(pfn, -1);
  }

  maybePinned(pfn: Pfn): boolean {
    return this.#pins.of(pfn) > 0;
  }
}

class OffLruTracking implements PinTracking {
  readonly form = 'off-lru';
  readonly #pins = new Counts();
  readonly #taken = new Set<Pfn>();
  readonly #lru: Lru;

  constructor(lru: Lru) {
    this.#lru = lru;
  }

  get(): void {}

  put(): void {}

  pin(pfn: Pfn): void {
    if (this.#pins.add(pfn, 1) > 1 || !this.#lru.has(pfn)) return;
    this.#lru.remove(pfn);
    this.#taken.add(pfn);
  }

  unpin(pfn: Pfn): void {
    if (this.#pins.add(pfn, -1) > 0 || !this.#taken.delete(pfn)) return;
    this.#lru.add(pfn);
  }

  maybePinned(pfn: Pfn): boolean {
    return this.#pins.of(pfn) > 0;
  }
}

/** Start counting; pages that are referenced already count as not. */
export function newPinTracking(form: PinTrackingForm, lru: Lru): PinTracking {
  switch (form) {
    case 'bias':
      return new BiasTracking();
    case 'own-count':
      return new OwnCountTracking();
    case 'off-lru':
      return new OffLruTracking(lru);
  }
}
