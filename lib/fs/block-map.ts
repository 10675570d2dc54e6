// How blocks come to a file and leave it: the only place that joins extent lists, the allocator and
// struct page's owners. Every call runs under i_rwsem or invalidate_lock, in one transaction.

import { isErrno } from '../errno.js';
import type { Task } from '../sched/index.js';
import type { Pgoff } from '../units.js';
import { runsOf, type BlockRun, type Extent, type ExtentList } from './extent.js';
import type { BlockFate } from './fs-env.js';
import type { Inode } from './inode.js';
import type { JournalHandle } from './journal.js';
import type { ReferencedBlocks } from './layout-break.js';
import { assertDisk } from './store-kinds.js';

/** zeroed: the blocks hold zeros and count as written. unwritten: they read as zeros. */
export type NewBlocks = 'zeroed' | 'unwritten';

/** Give blocks to the holes of [start, end). ENOSPC: nothing was changed. */
export async function fillHoles(
  task: Task,
  inode: Inode,
  start: Pgoff,
  end: Pgoff,
  how: NewBlocks,
): Promise<void> {
  const holesIn = () => inode.extents.segments(start, end).filter((s) => s.block === null);
  if (holesIn().length === 0) return;
  await inode.fs.transaction(task, (handle) => {
    const { extents } = inode;
    const holes = holesIn(); // again: a fault may have filled some while the journal let us wait
    const before = extents.clone();
    const taken: BlockRun[] = [];
    try {
      for (const hole of holes) takeRuns(handle, inode, hole.pgoff, hole.nrPages, how, taken);
      assertDisk(inode.fs).write(handle, inode.record);
    } catch (e) {
      extents.assign(before);
      assertDisk(inode.fs).allocator.free(handle, taken, 'data');
      throw e;
    }
    for (const e of extents.within(start, end)) {
      if (before.lookup(e.pgoff) === undefined) tellAlloc(inode, e, before);
    }
  });
}

/**
 * Give blocks to the holes of as much of [start, end) as there is space for; one past the last page
 * that has one. ENOSPC: not even the first page.
 */
export async function fillAsMuch(
  task: Task,
  inode: Inode,
  start: Pgoff,
  end: Pgoff,
  how: NewBlocks,
): Promise<Pgoff> {
  let at = start;
  let nrPages = end - start;
  while (at < end) {
    const to = Math.min(end, at + nrPages);
    try {
      await fillHoles(task, inode, at, to, how);
      at = to;
    } catch (e) {
      if (!isErrno(e, 'ENOSPC') || (nrPages === 1 && at === start)) throw e;
      if (nrPages === 1) break;
      nrPages = Math.floor(nrPages / 2);
    }
  }
  return at;
}

function takeRuns(
  handle: JournalHandle,
  inode: Inode,
  pgoff: Pgoff,
  nrPages: number,
  how: NewBlocks,
  taken: BlockRun[],
): void {
  const { allocator, partition } = assertDisk(inode.fs);
  const previous = pgoff > 0 ? inode.extents.blockOf(pgoff - 1) : undefined;
  const goal = previous === undefined ? 0 : previous + 1;
  let at = pgoff;
  for (const run of allocator.alloc(handle, nrPages, 'data', goal)) {
    taken.push(run);
    if (how === 'zeroed') {
      partition.zero(run.block, run.nrBlocks);
      handle.order(run);
    }
    const { block, nrBlocks } = run;
    inode.extents.insert({ pgoff: at, nrPages: nrBlocks, block, unwritten: how === 'unwritten' });
    inode.fs.setOwners(inode, at, block, nrBlocks);
    at += nrBlocks;
  }
}

function tellAlloc(inode: Inode, e: Extent, before: ExtentList): void {
  const { fs, ino, generation } = inode;
  const { blockAlloc } = fs.env.events;
  if (blockAlloc === undefined) return;
  for (let i = 0; i < e.nrPages; i++) {
    if (before.lookup(e.pgoff + i) !== undefined) continue;
    const block = e.block + i;
    const owner = { mount: fs.id, ino, generation, pgoff: e.pgoff + i };
    blockAlloc({ mount: fs.id, pfn: assertDisk(fs).partition.pfnOf(block), block, owner });
  }
}

/** Let unwritten blocks of [start, end) count as written. Their bytes are the caller's affair. */
export async function markWritten(
  task: Task,
  inode: Inode,
  start: Pgoff,
  end: Pgoff,
): Promise<void> {
  if (!inode.extents.within(start, end).some((e) => e.unwritten)) return;
  await inode.fs.transaction(task, (handle) => {
    for (const run of runsOf(inode.extents.within(start, end))) handle.order(run);
    inode.extents.mark(start, end, false);
    assertDisk(inode.fs).write(handle, inode.record);
  });
}

/** Zero the unwritten blocks of [start, end) and let them count as written: before a DAX store. */
export async function zeroUnwritten(
  task: Task,
  inode: Inode,
  start: Pgoff,
  end: Pgoff,
): Promise<void> {
  const { partition } = assertDisk(inode.fs);
  const unwritten = () => inode.extents.within(start, end).filter((e) => e.unwritten);
  if (unwritten().length === 0) return;
  await inode.fs.transaction(task, (handle) => {
    for (const run of runsOf(unwritten())) {
      partition.zero(run.block, run.nrBlocks);
      handle.order(run);
    }
    inode.extents.mark(start, end, false);
    assertDisk(inode.fs).write(handle, inode.record);
  });
}

/** Give up blocks that just left the extent list; what is referenced goes where `fate` says. */
export function releaseBlocks(
  handle: JournalHandle,
  inode: Inode,
  removed: readonly Extent[],
  fate: ReferencedBlocks,
): void {
  const { fs, record } = inode;
  const { pages } = fs.env.mm;
  const disk = assertDisk(fs);
  // Without a free inode for them, orphans become busy blocks: just as safe, and free at once.
  const wanted = fate === 'orphan' && disk.usage().freeInodes === 0 ? 'busy' : fate;
  const idle: Extent[] = [];
  const orphaned: Extent[] = [];
  for (const { run, busy } of removed.flatMap((e) => byBusy(inode, e))) {
    const kept: BlockFate = busy ? wanted : 'free';
    tellFree(inode, run, kept);
    if (kept === 'orphan') orphaned.push(run);
    else if (kept === 'busy') fs.orphans.addBusy(handle, run.block, record, run.pgoff);
    else idle.push(run);
  }
  for (const run of idle) pages.clearOwners(disk.partition.pfnOf(run.block), run.nrPages);
  disk.allocator.free(handle, runsOf(idle), inode.isRegular ? 'data' : 'metadata');
  if (orphaned.length > 0) fs.orphans.add(handle, orphaned, record);
}

/** The parts of an extent: referenced pages one by one, the idle ones between them as runs. */
function byBusy(inode: Inode, e: Extent): { readonly run: Extent; readonly busy: boolean }[] {
  const { pages } = inode.fs.env.mm;
  const firstPfn = assertDisk(inode.fs).partition.pfnOf(e.block);
  const parts: { run: Extent; busy: boolean }[] = [];
  const add = (from: number, nrPages: number, busy: boolean): void => {
    const run = { ...e, pgoff: e.pgoff + from, block: e.block + from, nrPages };
    if (nrPages > 0) parts.push({ run, busy });
  };
  for (let at = 0; at < e.nrPages;) {
    const found = pages.native.firstBusy(firstPfn + at, e.nrPages - at);
    const idle = found < 0 ? e.nrPages - at : found;
    add(at, idle, false);
    at += idle;
    if (found < 0) break;
    add(at, 1, true);
    at += 1;
  }
  return parts;
}

function tellFree(inode: Inode, run: Extent, fate: BlockFate): void {
  const { fs, ino, generation } = inode;
  const { blockFree } = fs.env.events;
  if (blockFree === undefined) return;
  const pfn = assertDisk(fs).partition.pfnOf(run.block);
  for (let i = 0; i < run.nrPages; i++) {
    const owner = { mount: fs.id, ino, generation, pgoff: run.pgoff + i };
    blockFree({ mount: fs.id, pfn: pfn + i, block: run.block + i, owner, fate });
  }
}

/** Take the blocks of [start, end) from a file, in one transaction. */
export async function removeBlocks(
  task: Task,
  inode: Inode,
  start: Pgoff,
  end: Pgoff,
  fate: ReferencedBlocks,
  also?: () => void,
): Promise<void> {
  await inode.fs.transaction(task, (handle) => {
    also?.();
    const removed = inode.extents.remove(start, end);
    releaseBlocks(handle, inode, removed, fate);
    assertDisk(inode.fs).write(handle, inode.record);
  });
}

/**
 * Put a fresh copy in place of a page that is covered in part and referenced, so that DMA to the
 * old one never shows in the file again. ENOSPC: nothing was changed.
 */
export async function replaceBlock(
  task: Task,
  inode: Inode,
  pgoff: Pgoff,
  fate: ReferencedBlocks,
): Promise<void> {
  const disk = assertDisk(inode.fs);
  const { pages } = inode.fs.env.mm;
  await inode.fs.transaction(task, (handle) => {
    const [run] = disk.allocator.alloc(handle, 1, 'copy');
    const removed = inode.extents.remove(pgoff, pgoff + 1);
    const old = removed[0];
    if (run === undefined || old === undefined) throw new Error('replaceBlock: a hole');
    handle.order(run);
    pages.copyPage(disk.partition.pfnOf(run.block), disk.partition.pfnOf(old.block));
    releaseBlocks(handle, inode, removed, fate);
    inode.extents.insert({ pgoff, nrPages: 1, block: run.block, unwritten: false });
    inode.fs.setOwners(inode, pgoff, run.block, 1);
    disk.write(handle, inode.record);
  });
}
