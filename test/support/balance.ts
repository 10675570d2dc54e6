// The balance: what every test ends with. Nobody holds a page, nothing maps one, no account is
// charged.

import type { ExecutionContext } from 'ava';
import type { Machine } from '../../lib/machine.js';
import type { MMEnv } from '../../lib/mm/mm-env.js';
import type { MM } from '../../lib/mm/mm.js';
import { seconds } from '../../lib/units.js';
import { watchNoMore } from './end-of-file.js';

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
  watchNoMore(env);
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

/** A process that will not end by then is stuck. */
const endsWithinNs = seconds(600);

function assertProcessesGone(t: ExecutionContext, machine: Machine): void {
  for (const process of machine.processes.all) {
    t.is(process.fds.nrOpen, 0, `${process.name}: descriptors`);
    t.is(process.mm.vmas.size, 0, `${process.name}: VMAs`);
    t.is(process.mm.pinnedVm, 0, `${process.name}: pinned_vm`);
    t.is(process.mm.lockedVm, 0, `${process.name}: locked_vm`);
    t.is(process.user.lockedVm, 0, `user ${process.user.uid}: locked_vm`);
  }
}

function assertFilesBalanced(t: ExecutionContext, machine: Machine): void {
  for (const [point, fs] of machine.mounts) {
    const { blocks, free, used, unlinkedOpen, orphaned, busy } = fs.statfs();
    t.is(free + used + unlinkedOpen + orphaned + busy, blocks, `${point}: blocks`);
    t.deepEqual([unlinkedOpen, orphaned, busy], [0, 0, 0], `${point}: blocks of nobody`);
    for (const inode of fs.mount.inodes) {
      t.is(inode.refs, 0, `${point}: ${inode.label} is open`);
      t.is(inode.leases.leases.length, 0, `${point}: leases of ${inode.label}`);
    }
  }
}

function assertPagesIdle(t: ExecutionContext, machine: Machine): void {
  const { pages, pinTable, vmstat } = machine.mm;
  t.is(pinTable.size, 0, 'pins in the table');
  t.is(vmstat.pinsOutstanding, 0, 'nr_foll_pin_acquired - nr_foll_pin_released');
  for (const { kind, words, basePfn, endPfn } of pages.regions) {
    t.is(words.findIndex((count) => count !== 0) >> 1, -1, `${kind}: a page is held`);
    for (let pfn = basePfn; pfn < endPfn; pfn++) {
      if (pages.mapcount(pfn) !== 0) t.fail(`pfn ${pfn}: mapcount ${pages.mapcount(pfn)}`);
    }
  }
}

/**
 * Kill what runs, power machine off, and fail t unless everything came back: descriptors, VMAs,
 * accounts, leases, blocks (free + used + unlinked + orphaned + busy), what drivers held,
 * references, pins and mapcounts. Harmless for a machine that is off.
 */
export async function assertMachineBalanced(t: ExecutionContext, machine: Machine): Promise<void> {
  for (const process of machine.processes.alive) process.sendSignal('SIGKILL');
  const ended = Promise.all(machine.processes.all.map((process) => process.ended));
  t.true(await machine.sched.runUntil(ended, endsWithinNs), 'every process ends when it is killed');
  await machine.sched.settle();
  assertProcessesGone(t, machine);
  if (!machine.device.closed) assertFilesBalanced(t, machine);
  t.deepEqual(await machine.powerOff(), [], 'drivers leave nothing behind');
  assertPagesIdle(t, machine);
}
