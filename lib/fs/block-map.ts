// How blocks come to a file and leave it: the only place that joins extent lists, the allocator and
// struct page's owners. Every call runs under i_rwsem or invalidate_lock, in one transaction.

import { isErrno } from '../errno.js';
import { pageFlags } from '../mm/page-flags.js';
import type { Task } from '../sched/index.js';
import type { Pgoff } from '../units.js';
import { runsOf, type BlockRun, type Extent, type ExtentList } from './extent.js';
import type { BlockFate } from './fs-env.js';
import type { Inode } from './inode.js';
import type { JournalHandle } from './journal.js';
import type { ReferencedBlocks } from './layout-break.js';
import { assertDisk } from './store-kinds.js';
import { AllocationRoom, changeableExtents, freeableFrom } from './transaction-size.js';

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
  const { allocator } = assertDisk(inode.fs);
  const holesIn = () => inode.extents.segments(start, end).filter((s) => s.block === null);
  const holes = holesIn();
  if (holes.length === 0) return;
  allocator.checkSpace(
    holes.reduce((sum, { nrPages }) => sum + nrPages, 0),
    'data',
  );
  let at = start;
  try {
    while (at < end) at = await fillSome(task, inode, at, end, how);
  } catch (e) {
    for (const { pgoff, nrPages } of holes) {
      const to = Math.min(pgoff + nrPages, at);
      if (pgoff < to) await removeBlocks(task, inode, pgoff, to, 'free');
    }
    throw e;
  }
}

/** As much of [start, end) as one transaction takes: one past the last page with a block now. */
async function fillSome(
  task: Task,
  inode: Inode,
  start: Pgoff,
  end: Pgoff,
  how: NewBlocks,
): Promise<Pgoff> {
  const disk = assertDisk(inode.fs);
  return inode.fs.transaction(task, (handle) => {
    const { extents } = inode;
    const room = new AllocationRoom(disk.journal.capacity);
    const before = extents.clone();
    const taken: BlockRun[] = [];
    let at = end;
    try {
      // Looked up here: a fault may have filled some while the journal let us wait.
      for (const { pgoff, nrPages, block } of extents.segments(start, end)) {
        if (block !== null) continue;
        const got = takeRuns(handle, inode, pgoff, nrPages, how, { taken, room });
        if (got === nrPages) continue;
        at = pgoff + got;
        break;
      }
      if (taken.length > 0) disk.write(handle, inode.record);
    } catch (e) {
      extents.assign(before);
      disk.allocator.free(handle, taken, 'data');
      throw e;
    }
    for (const e of extents.within(start, at)) {
      if (before.lookup(e.pgoff) === undefined) tellAlloc(inode, e, before);
    }
    return at;
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

interface Taking {
  readonly taken: BlockRun[];
  readonly room: AllocationRoom;
}

/** Give blocks to pages from pgoff on; how many got one before there was no more room. */
function takeRuns(
  handle: JournalHandle,
  inode: Inode,
  pgoff: Pgoff,
  nrPages: number,
  how: NewBlocks,
  { taken, room }: Taking,
): number {
  const { allocator, partition } = assertDisk(inode.fs);
  const previous = pgoff > 0 ? inode.extents.blockOf(pgoff - 1) : undefined;
  const goal = previous === undefined ? 0 : previous + 1;
  let got = 0;
  for (const found of allocator.find(nrPages, 'data', goal)) {
    const { block } = found;
    const nrBlocks = room.take(found);
    if (nrBlocks === 0) break;
    const run = { block, nrBlocks };
    allocator.take(handle, run, 'data');
    taken.push(run);
    if (how === 'zeroed') {
      partition.zero(block, nrBlocks);
      handle.order(run);
    }
    const at = pgoff + got;
    inode.extents.insert({ pgoff: at, nrPages: nrBlocks, block, unwritten: how === 'unwritten' });
    inode.fs.setOwners(inode, at, block, nrBlocks);
    got += nrBlocks;
    if (nrBlocks < found.nrBlocks) break;
  }
  return got;
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
  const release = (run: Extent, busy: boolean): void => {
    const kept: BlockFate = busy ? wanted : 'free';
    tellFree(inode, run, kept);
    if (kept === 'orphan') orphaned.push(run);
    else if (kept === 'busy') fs.orphans.addBusy(handle, run.block, record, run.pgoff);
    else idle.push(run);
  };
  for (const e of removed) for (const { run, busy } of byBusy(inode, e)) release(run, busy);
  for (const run of idle) {
    const pfn = disk.partition.pfnOf(run.block);
    pages.clearOwners(pfn, run.nrPages);
    // Whoever gets the block next stores to all of it before anybody loads: that mends it.
    for (let i = 0; i < run.nrPages; i++) {
      if (pages.hasFlags(pfn + i, pageFlags.poisoned))
        pages.clearFlags(pfn + i, pageFlags.poisoned);
    }
  }
  disk.allocator.free(handle, runsOf(idle), inode.isRegular ? 'data' : 'metadata');
  if (orphaned.length > 0) fs.orphans.add(handle, orphaned, record);
}

/** The parts of an extent: referenced pages one by one, the idle ones between them as runs. */
function byBusy(inode: Inode, e: Extent): { readonly run: Extent; readonly busy: boolean }[] {
  const { pages } = inode.fs.env.mm;
  const firstPfn = assertDisk(inode.fs).partition.pfnOf(e.block);
  const parts: { run: Extent; busy: boolean }[] = [];
  const add = (from: number, nrPages: number, busy: boolean): void => {
    const { unwritten } = e;
    const run = { pgoff: e.pgoff + from, nrPages, block: e.block + from, unwritten };
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

/**
 * Take the blocks of [start, end) from a file, from its end on: in one transaction if that fits the
 * log, else in several. Without an end the file stays on the orphan list until the last of them.
 */
export async function removeBlocks(
  task: Task,
  inode: Inode,
  start: Pgoff,
  end: Pgoff,
  fate: ReferencedBlocks,
): Promise<void> {
  const disk = assertDisk(inode.fs);
  const { record, extents } = inode;
  const partsOf = (e: Extent): number =>
    fate === 'orphan' ? byBusy(inode, e).filter((part) => part.busy).length : 0;
  for (let to = end; ;) {
    const from = freeableFrom(record, start, to, disk.journal.capacity, partsOf);
    await inode.fs.transaction(task, (handle) => {
      record.truncating = end === Infinity && from > start;
      const removed = extents.remove(from, to);
      releaseBlocks(handle, inode, removed, fate);
      disk.write(handle, record);
    });
    if (from <= start) return;
    to = from;
  }
}

/** The parts of [start, end) whose extents can change in place, each in one transaction. */
function changeable(inode: Inode, start: Pgoff, end: Pgoff): (readonly [Pgoff, Pgoff])[] {
  const most = changeableExtents(assertDisk(inode.fs).journal.capacity);
  const parts: (readonly [Pgoff, Pgoff])[] = [];
  let from = start;
  for (const [i, e] of inode.extents.within(start, end).entries()) {
    if (i === 0 || i % most !== 0) continue;
    parts.push([from, e.pgoff]);
    from = e.pgoff;
  }
  parts.push([from, end]);
  return parts;
}

/** Mark what [start, end) has as written or not, in as many transactions as that takes. */
export async function markBlocks(
  task: Task,
  inode: Inode,
  start: Pgoff,
  end: Pgoff,
  unwritten: boolean,
  also: (handle: JournalHandle, e: Extent) => void = () => {},
): Promise<void> {
  for (const [from, to] of changeable(inode, start, end)) {
    const differ = () => inode.extents.within(from, to).filter((e) => e.unwritten !== unwritten);
    if (differ().length === 0) continue;
    await inode.fs.transaction(task, (handle) => {
      for (const e of differ()) also(handle, e);
      inode.extents.mark(from, to, unwritten);
      assertDisk(inode.fs).write(handle, inode.record);
    });
  }
}

/** Let unwritten blocks of [start, end) count as written. Their bytes are the caller's affair. */
export async function markWritten(
  task: Task,
  inode: Inode,
  start: Pgoff,
  end: Pgoff,
): Promise<void> {
  await markBlocks(task, inode, start, end, false, (handle, { block, nrPages }) =>
    handle.order({ block, nrBlocks: nrPages }),
  );
}

/** Zero the unwritten blocks of [start, end) and let them count as written: before a DAX store. */
export async function zeroUnwritten(
  task: Task,
  inode: Inode,
  start: Pgoff,
  end: Pgoff,
): Promise<void> {
  const { partition } = assertDisk(inode.fs);
  await markBlocks(task, inode, start, end, false, (handle, { block, nrPages }) => {
    partition.zero(block, nrPages);
    handle.order({ block, nrBlocks: nrPages });
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
