// Page-table entries: 32 bits each, in shared memory, so that a lockless pin on another thread
// reads them (gup_fast). Every load and store is sequentially consistent: the argument stands in
// native/page_counters.h, where an entry is the half of the race that the counters are not.
//
//   31        4   3      2      1       0
//   |   pfn   | NOGUP | DIRTY | WRITE | PRESENT |
//
// 0 is an empty entry. A page number without PRESENT is an entry of a VMA without any access right
// (PROT_NONE): the page is still mapped, but every access faults and the fast path stops.

import type { Pfn } from '../units.js';

export const PTE_PRESENT = 1;
export const PTE_WRITE = 2;
export const PTE_DIRTY = 4;
/** The lockless fast path leaves it alone (pte_special): the zero page, device memory. */
export const PTE_NOGUP = 8;

const PFN_SHIFT = 4;
export const MAX_PFN = 2 ** (32 - PFN_SHIFT) - 1;

export const pteOf = (pfn: Pfn, bits: number): number => (pfn << PFN_SHIFT) | bits | 0;
export const pfnOfPte = (pte: number): Pfn => pte >>> PFN_SHIFT;

/** Whether an access through this entry needs no fault. */
export const pteAllows = (pte: number, write: boolean): boolean =>
  (pte & PTE_PRESENT) !== 0 && (!write || (pte & PTE_WRITE) !== 0);

/** An empty table of nrPages entries. */
export const newPageTable = (nrPages: number): Int32Array =>
  new Int32Array(new SharedArrayBuffer(nrPages * Int32Array.BYTES_PER_ELEMENT));
