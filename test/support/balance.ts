// The balance: what every test ends with. Nobody holds a page, nothing maps one, no account is
// charged.

import type { ExecutionContext } from 'ava';
import type { MMEnv } from '../../lib/mm/mm-env.js';
import type { MM } from '../../lib/mm/mm.js';

export interface Expected {
  /** Pins that the test means to leave. */
  readonly pins?: number;
  /** mms whose accounts and VMAs must be empty. */
  readonly mms?: readonly MM[];
  /** RAM pages that files still hold; the zero page is not counted. */
  readonly ramPages?: number;
  /** Entries that may still map pages: false if the test leaves processes alive. */
  readonly unmapped?: boolean;
}

/** Fail t unless references, pins, mapcounts and accounts are back where they began. */
export function assertBalanced(t: ExecutionContext, env: MMEnv, expected: Expected = {}): void {
  const { pages, pinTable, vmstat, allocator } = env;
  const { pins = 0, mms = [], ramPages = 0, unmapped = true } = expected;
  t.is(pinTable.size, pins, 'pins in the table');
  if (pins === 0) {
    t.is(vmstat.pinsOutstanding, 0, 'nr_foll_pin_acquired - nr_foll_pin_released');
    for (const region of pages.regions) {
      const busy = pages.native.firstBusy(region.basePfn, region.nrPages);
      t.is(busy, -1, `a page of ${region.kind} has references left`);
    }
    t.is(pages.nrOrphans, 0, 'orphan pages');
  }
  for (const mm of mms) {
    t.is(mm.pinnedVm, 0, `${mm.label}: pinned_vm`);
    if (mm.process !== null) t.is(mm.process.user.lockedVm, 0, `${mm.label}: user account`);
    if (mm.dead) t.is(mm.vmas.size, 0, `${mm.label}: VMAs after exit`);
    if (mm.dead) t.is(mm.lockedVm, 0, `${mm.label}: locked_vm`);
  }
  if (!unmapped) return;
  for (const region of pages.regions) {
    for (let pfn = region.basePfn; pfn < region.endPfn; pfn++) {
      if (pages.mapcount(pfn) !== 0) t.fail(`pfn ${pfn}: mapcount ${pages.mapcount(pfn)}`);
    }
  }
  const ram = pages.regions.find((region) => region.kind === 'ram');
  if (ram !== undefined && pins === 0) {
    t.is(ram.nrPages - 1 - allocator.nrFree, ramPages, 'RAM pages in use');
  }
}
