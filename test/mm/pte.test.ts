// Goal: an entry carries its page number and its rights, up to the last page.

import test from 'ava';
import {
  MAX_PFN,
  newPageTable,
  pfnOfPte,
  pteAllows,
  pteDirty,
  pteNoGup,
  pteOf,
  PTE_DIRTY,
  PTE_NOGUP,
  PTE_PRESENT,
  PTE_WRITE,
} from '../../lib/mm/pte.js';

test('page numbers and bits come back from an entry, also from the sign bit', (t) => {
  const table = newPageTable(1);
  for (const pfn of [512, 2 ** 27, 2 ** 28, MAX_PFN]) {
    for (const bits of [PTE_PRESENT, PTE_PRESENT | PTE_WRITE | PTE_DIRTY, PTE_NOGUP]) {
      Atomics.store(table, 0, pteOf(pfn, bits));
      const pte = Atomics.load(table, 0);
      t.is(pfnOfPte(pte), pfn);
      t.is(pte & 7, bits);
    }
  }
});

test('an access needs PRESENT, a store WRITE as well', (t) => {
  t.false(pteAllows(0, false));
  t.true(pteAllows(pteOf(512, PTE_PRESENT), false));
  t.false(pteAllows(pteOf(512, PTE_PRESENT), true));
  t.true(pteAllows(pteOf(512, PTE_PRESENT | PTE_WRITE), true));
  t.false(pteAllows(pteOf(512, PTE_WRITE), true), 'an entry of PROT_NONE memory');
});

test('one bit means dirty where a store is allowed, and NOGUP where none is', (t) => {
  const rows: readonly [bits: number, dirty: boolean, noGup: boolean][] = [
    [PTE_PRESENT, false, false],
    [PTE_PRESENT | PTE_WRITE, false, false],
    [PTE_PRESENT | PTE_WRITE | PTE_DIRTY, true, false],
    [PTE_PRESENT | PTE_NOGUP, false, true],
  ];
  for (const [bits, dirty, noGup] of rows) {
    const pte = pteOf(MAX_PFN, bits);
    t.deepEqual([pteDirty(pte), pteNoGup(pte)], [dirty, noGup], `bits ${bits}`);
  }
});

test('a table is shared memory, and its parts are the same memory', (t) => {
  const table = newPageTable(4);
  t.true(table.buffer instanceof SharedArrayBuffer);
  table.subarray(2)[0] = 7;
  t.is(table[2], 7);
});
