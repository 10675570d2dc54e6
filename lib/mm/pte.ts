// Page-table entries: 32 bits each, in shared memory, so that a lockless pin on another thread
// reads them (gup_fast). Every load and store is sequentially consistent: the argument stands in
// native/page_counters.h, where an entry is the half of the race that the counters are not.
//
//   31        3   2      1       0
//   |   pfn   | MARK | WRITE | PRESENT |
//
//   WRITE  MARK   the entry
//   0      0      may be read
//   1      0      may be written, and was not
//   1      1      DIRTY: was written
//   0      1      NOGUP: the lockless fast path leaves it alone (pte_special): the zero page
//
// Only what may be written gets dirty, so one bit says both, and 29 are left for the page number: a
// device of 1 TiB beside its RAM. 0 is an empty entry. A page number without PRESENT is an entry of
// a VMA without any access right (PROT_NONE): the page is still mapped, but every access faults and
// the fast path stops.

import type { Pfn } from '../units.js';

export const PTE_PRESENT = 1;
export const PTE_WRITE = 2;
/** Set only in an entry that has WRITE. */
export const PTE_DIRTY = 4;
/** The same bit, in an entry without WRITE. */
export const PTE_NOGUP = 4;

const PFN_SHIFT = 3;
export const MAX_PFN = 2 ** (32 - PFN_SHIFT) - 1;

export const pteOf = (pfn: Pfn, bits: number): number => (pfn << PFN_SHIFT) | bits | 0;
export const pfnOfPte = (pte: number): Pfn => pte >>> PFN_SHIFT;

/** Whether a store went through this entry since its page was last told. */
export const pteDirty = (pte: number): boolean =>
  (pte & (PTE_WRITE | PTE_DIRTY)) === (PTE_WRITE | PTE_DIRTY);

/** Whether only the slow path may decide. */
export const pteNoGup = (pte: number): boolean => (pte & (PTE_WRITE | PTE_NOGUP)) === PTE_NOGUP;

/** Whether an access through this entry needs no fault. */
export const pteAllows = (pte: number, write: boolean): boolean =>
  (pte & PTE_PRESENT) !== 0 && (!write || (pte & PTE_WRITE) !== 0);

/** An empty table of nrPages entries. */
export const newPageTable = (nrPages: number): Int32Array =>
  new Int32Array(new SharedArrayBuffer(nrPages * Int32Array.BYTES_PER_ELEMENT));
