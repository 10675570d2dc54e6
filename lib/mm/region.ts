// Region: a stretch of the page numbering that one piece of shared memory stands behind. RAM and
// pmem are two. The counters lie in the same memory, laid out as NativeRegion says.

import type { NativeRegion } from '../native.js';
import type { Pfn } from '../units.js';
import { META_WORDS } from './dax-info-block.js';
import type { StoreLog } from './store-log.js';

export type RegionKind = 'ram' | 'pmem';

/** Where pages and counters are, and the opener row that counts go to, if tallies are kept. */
export type RegionPlace = NativeRegion & { readonly slot?: number };

/** What can become a region: a DAX device, or plain shared memory. */
export interface RegionMemory {
  readonly nrPages: number;
  /** META_WORDS u32 a page (page-meta.ts); the region makes its own if there is none. */
  readonly meta?: Uint32Array;
  /** Where its pages and counters are, numbered from basePfn. */
  region(basePfn: Pfn): RegionPlace;
}

export class Region {
  readonly kind: RegionKind;
  readonly memory: RegionMemory;
  readonly place: RegionPlace;
  readonly basePfn: Pfn;
  readonly nrPages: number;
  /** Two words a page: references beyond idle, pins. Written by native code only. */
  readonly words: Uint32Array;
  /** What is known of each page beside its counts; see page-meta.ts. */
  readonly meta: Uint32Array;
  /** What native calls name it by. */
  index = -1;
  /** Told of the pages that are stored to, while somebody wants to know. */
  stores: StoreLog | null = null;

  constructor(kind: RegionKind, memory: RegionMemory, place: RegionPlace) {
    this.kind = kind;
    this.memory = memory;
    this.place = place;
    this.basePfn = place.basePfn;
    this.nrPages = place.nrPages;
    this.words = new Uint32Array(place.buffer, place.countersPos, place.nrPages * 2);
    this.meta = memory.meta ?? new Uint32Array(place.nrPages * META_WORDS);
  }

  get endPfn(): Pfn {
    return this.basePfn + this.nrPages;
  }

  has(pfn: Pfn): boolean {
    return pfn >= this.basePfn && pfn < this.endPfn;
  }
}
