// Pages of a device's own: frame buffers, rings, staging areas. Reference counted, because an
// application may still map a buffer, or another device import it, after its driver freed it.
//
//   allocPages -> OWNED --free()--> ORPHANED (mapped or imported) --last put--> GONE

import assert from 'node:assert/strict';
import type { VmOperations } from '../mm/vma.js';
import type { Pfn } from '../units.js';
import { PAGE_SIZE } from '../units.js';

export class PageBlock {
  readonly label: string;
  readonly pfns: Uint32Array;
  readonly #freePage: (pfn: Pfn) => void;
  readonly #onFree: (block: PageBlock) => void;
  #owned = true;
  #refs = 1;

  constructor(
    label: string,
    pfns: Uint32Array,
    freePage: (pfn: Pfn) => void,
    onFree: (block: PageBlock) => void,
  ) {
    this.label = label;
    this.pfns = pfns;
    this.#freePage = freePage;
    this.#onFree = onFree;
  }

  get len(): number {
    return this.pfns.length * PAGE_SIZE;
  }

  get state(): 'OWNED' | 'ORPHANED' | 'GONE' {
    if (this.#owned) return 'OWNED';
    return this.#refs > 0 ? 'ORPHANED' : 'GONE';
  }

  /** Users besides the driver. */
  get nrUsers(): number {
    return this.#refs - (this.#owned ? 1 : 0);
  }

  get(): void {
    assert(this.#refs > 0, `${this.label}: get of freed pages`);
    this.#refs++;
  }

  put(): void {
    assert(this.#refs > 0, `${this.label}: put of freed pages`);
    if (--this.#refs > 0) return;
    for (const pfn of this.pfns) this.#freePage(pfn);
  }

  /** The driver is done with it; once. Mappings and importers keep the pages alive. */
  free(): void {
    assert(this.#owned, `${this.label}: freed twice`);
    this.#owned = false;
    this.#onFree(this);
    this.put();
  }
}

/** The operations of a mapping of block: each part of it keeps the pages, until munmap. */
export const blockVmOps = (ops: VmOperations, block: PageBlock): VmOperations => ({
  ...ops,
  close: () => block.put(),
  open: () => block.get(),
});
