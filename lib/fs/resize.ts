// truncate and its relatives: what changes once the layout is broken. Everything here runs under
// i_rwsem and invalidate_lock, on any kind of file.

import type { Task } from '../sched/index.js';
import {
  alignDown,
  alignUp,
  isAligned,
  PAGE_SIZE,
  pagesFor,
  pgoffOf,
  type Pgoff,
} from '../units.js';
import { removeBlocks, replaceBlock } from './block-map.js';
import { unmapForDrop } from './file-data.js';
import type { Inode } from './inode.js';
import type { ReferencedBlocks } from './layout-break.js';
import { assertRam } from './store-kinds.js';

/** What a change of size touches: from the page the new end lies in; nothing when it grows. */
export function shrinkRange(inode: Inode, size: number): { start: Pgoff; end: Pgoff } {
  return size < inode.size() ? { start: pgoffOf(size), end: Infinity } : { start: 0, end: 0 };
}

/** A page that stays in the file in part: let the file have a copy if somebody references it. */
async function unshareEdge(
  task: Task,
  inode: Inode,
  pgoff: Pgoff,
  blocks: ReferencedBlocks,
): Promise<void> {
  const { disk, env } = inode.fs;
  if (blocks === 'free' || disk === null || !inode.dax) return;
  const block = inode.extents.blockOf(pgoff);
  if (block === undefined || env.mm.pages.refs(disk.partition.pfnOf(block)) === 0) return;
  await inode.mapping.unmapMappingRange(task, pgoff, pgoff + 1);
  inode.mapping.delete(pgoff);
  await replaceBlock(task, inode, pgoff, blocks);
}

/** Zero [from, to), which may cover pages in part only at its ends; both lie in one page. */
async function zeroEdge(
  task: Task,
  inode: Inode,
  from: number,
  to: number,
  blocks: ReferencedBlocks,
): Promise<void> {
  if (from >= to) return;
  await unshareEdge(task, inode, pgoffOf(from), blocks);
  await inode.data.zeroBytes(task, inode, from, to);
}

/** Drop pages and blocks of [start, end). */
export async function dropRange(
  task: Task,
  inode: Inode,
  start: Pgoff,
  end: Pgoff,
  blocks: ReferencedBlocks,
): Promise<void> {
  if (start >= end) return;
  inode.data.dropPages(inode, start, end);
  if (inode.fs.disk !== null) await removeBlocks(task, inode, start, end, blocks);
}

/**
 * Bytes past the old end may have been stored through a mapping of the last page. A file system on
 * blocks zeroes them before they become part of the file (ext4_block_zero_page_range,
 * xfs_zero_range); tmpfs lets them show (measured on 6.18).
 */
export async function zeroOldTail(task: Task, inode: Inode, newSize: number): Promise<void> {
  const size = inode.size();
  if (newSize <= size || inode.fs.flavor === 'tmpfs' || isAligned(size)) return;
  await inode.data.zeroBytes(task, inode, size, Math.min(newSize, alignUp(size)));
}

/** Set the size; pages and blocks past it go, and what is left of the last page is zeros. */
export async function setSize(
  task: Task,
  inode: Inode,
  size: number,
  blocks: ReferencedBlocks,
): Promise<void> {
  const { record, fs } = inode;
  const oldSize = record.size;
  if (size > oldSize) await zeroOldTail(task, inode, size);
  else if (!isAligned(size)) await zeroEdge(task, inode, size, alignUp(size), blocks);
  record.size = size;
  record.mtimeNs = fs.nowNs;
  record.ctimeNs = fs.nowNs;
  if (size <= oldSize) {
    const end = pagesFor(size);
    await unmapForDrop(task, inode, end, Infinity, { evenCows: true });
    await dropRange(task, inode, end, Infinity, blocks);
    if (fs.disk !== null) return; // the record went to the device with the last of the blocks
  }
  await fs.writeInode(task, inode);
}

/** Make [pos, pos + len) a hole; pages covered in part are zeroed there. */
export async function punchRange(
  task: Task,
  inode: Inode,
  pos: number,
  len: number,
  blocks: ReferencedBlocks,
): Promise<void> {
  const end = pos + len;
  const first = pagesFor(pos);
  const last = pgoffOf(end);
  const { fs } = inode;
  if (first > last) {
    await zeroEdge(task, inode, pos, end, blocks);
  } else {
    await zeroEdge(task, inode, pos, alignUp(pos), blocks);
    await unmapForDrop(task, inode, first, last);
    await dropRange(task, inode, first, last, blocks);
    await zeroEdge(task, inode, alignDown(end), end, blocks);
  }
  inode.record.mtimeNs = fs.nowNs;
  inode.record.ctimeNs = fs.nowNs;
  await fs.writeInode(task, inode);
}

/** Blocks a file holds, in units of 512 bytes: st_blocks. */
export function statBlocks(inode: Inode): number {
  const sectors = PAGE_SIZE / 512;
  if (inode.fs.disk === null) {
    assertRam(inode.fs);
    return inode.mapping.nrEntries * sectors;
  }
  return (inode.extents.nrBlocks + inode.record.overflow.length) * sectors;
}
