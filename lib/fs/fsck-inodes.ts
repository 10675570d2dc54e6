// fsck, inodes and their blocks: every inode that the map calls in use can be read, and no block
// has two owners. An inode that cannot be read is lost; of two owners the one with the lower number
// keeps the block.

import { isErrno } from '../errno.js';
import {
  BITMAP_BITS,
  BITMAP_CHECKSUM_AT,
  BLOCK_SIZE,
  INODE_LEN,
  kindModes,
  sealed,
} from './format.js';
import type { BlockRun } from './extent.js';
import type { Fsck } from './fsck.js';
import { denseLeaves } from './extent-leaves.js';
import { slotOf } from './inode-map.js';
import { inodeBytes, overflowBytes, readInodeRecord, type InodeRecord } from './inode-record.js';

export interface KnownInodes {
  readonly records: Map<number, InodeRecord>;
  /** Numbers that were in use and cannot be read. */
  readonly lost: Set<number>;
}

/** A set of blocks, with memory for those parts of the partition alone that have any. */
export class BlockSet {
  readonly #parts = new Map<number, Uint8Array>();
  count = 0;

  has(block: number): boolean {
    const part = this.#parts.get(Math.floor(block / BITMAP_BITS));
    const bit = block % BITMAP_BITS;
    return part !== undefined && (part[bit >>> 3]! & (1 << (bit & 7))) !== 0;
  }

  add(block: number): void {
    const index = Math.floor(block / BITMAP_BITS);
    const part = this.#parts.get(index) ?? new Uint8Array(BLOCK_SIZE);
    const bit = block % BITMAP_BITS;
    part[bit >>> 3]! |= 1 << (bit & 7);
    this.#parts.set(index, part);
    this.count += 1;
  }

  /** The bits of one bitmap block, without its checksum. */
  part(index: number): Uint8Array {
    return this.#parts.get(index)?.slice() ?? new Uint8Array(BLOCK_SIZE);
  }
}

/**
 * The numbers that may be in use: those with their bit set; all of a bitmap block that is damaged.
 */
function* candidates(fsck: Fsck): IterableIterator<number> {
  const { partition, sb } = fsck;
  for (let i = 0; i < sb.inodeBitmapBlocks; i++) {
    const bytes = partition.read(sb.inodeBitmapStart + i, 0, BLOCK_SIZE);
    const empty = bytes.every((b) => b === 0);
    const damaged = !empty && !sealed(bytes, BITMAP_CHECKSUM_AT);
    if (damaged) fsck.found('map', `inode bitmap block ${i}: its checksum`, 'made anew');
    const first = i * BITMAP_BITS;
    const end = Math.min(first + BITMAP_BITS, sb.nrInodes);
    for (let bit = first; bit < end && !empty; bit++) {
      const at = bit - first;
      if (!damaged && (bytes[at >>> 3]! & (1 << (at & 7))) === 0) continue;
      if (!damaged || slotInUse(fsck, bit + 1)) yield bit + 1;
    }
  }
}

function slotInUse(fsck: Fsck, ino: number): boolean {
  const { block, offset } = slotOf(fsck.sb, ino);
  return fsck.partition.read(block, offset, INODE_LEN).some((b) => b !== 0);
}

function readRecord(fsck: Fsck, ino: number): InodeRecord | null {
  const { partition, sb } = fsck;
  const { block, offset } = slotOf(sb, ino);
  const isData = (b: number): boolean => b >= sb.dataStart && b < sb.nrBlocks - 1;
  const readBlock = (b: number): Uint8Array => partition.read(b, 0, BLOCK_SIZE);
  return readInodeRecord(partition.read(block, offset, INODE_LEN), ino, { isData, readBlock });
}

function readOrLose(fsck: Fsck, ino: number): InodeRecord | null {
  try {
    const record = readRecord(fsck, ino);
    if (record !== null) return record;
    fsck.found('inode', `inode ${ino}: marked in use and empty`, 'marked free');
  } catch (e) {
    if (!isErrno(e, 'EUCLEAN')) throw e;
    fsck.found('inode', e.message, 'the inode is given up');
  }
  fsck.inodes.lost.add(ino);
  const { block, offset } = slotOf(fsck.sb, ino);
  fsck.partition.write(block, offset, new Uint8Array(INODE_LEN));
  return null;
}

/** Write a record back after a change of its fields or of fewer extents. */
export function rewriteInode(fsck: Fsck, record: InodeRecord, nextOrphan = 0): void {
  record.leaves = denseLeaves(record.extents.length);
  record.overflow.splice(record.leaves.length);
  const { block, offset } = slotOf(fsck.sb, record.ino);
  const mode = kindModes[record.kind] | record.perm;
  fsck.partition.write(block, offset, inodeBytes(record, mode, nextOrphan));
  record.stored = [...record.extents.all];
  for (const { block: leaf, bytes } of overflowBytes(record)) fsck.partition.write(leaf, 0, bytes);
}

/** FS_XFLAG_DAX is for files and directories (fs/xfs/scrub/inode.c:xchk_inode_flags2). */
function dropDaxFlag(fsck: Fsck, record: InodeRecord): void {
  fsck.found('inode', `inode ${record.ino}: the DAX flag on a link`, 'cleared');
  record.daxFlag = false;
  rewriteInode(fsck, record);
}

/** Take the record's blocks; those that have an owner already leave it. */
function claim(fsck: Fsck, record: InodeRecord, owned: BlockSet): void {
  const { ino, extents, overflow } = record;
  if (overflow.some((block) => owned.has(block))) {
    fsck.found('block', `inode ${ino}: its extent list has two owners`, 'its blocks are given up');
    extents.remove(0, Infinity);
    overflow.length = 0;
    record.leaves.length = 0;
    rewriteInode(fsck, record);
  }
  const twice: BlockRun[] = [];
  for (const e of [...extents.all]) {
    for (let i = 0; i < e.nrPages; i++) {
      if (!owned.has(e.block + i)) continue;
      extents.remove(e.pgoff + i, e.pgoff + i + 1);
      twice.push({ block: e.block + i, nrBlocks: 1 });
    }
  }
  if (twice.length > 0) {
    const where = `${twice.length} blocks from ${twice[0]!.block} on`;
    fsck.found('block', `inode ${ino}: ${where} have another owner`, 'left to the other');
    rewriteInode(fsck, record);
  }
  for (const e of extents.all) for (let i = 0; i < e.nrPages; i++) owned.add(e.block + i);
  for (const block of overflow) owned.add(block);
}

/** Read all inodes and note whose each block is. */
export function checkInodes(fsck: Fsck): BlockSet {
  const owned = new BlockSet();
  for (const ino of candidates(fsck)) {
    const record = readOrLose(fsck, ino);
    if (record === null) continue;
    if (record.daxFlag && record.kind === 'link') dropDaxFlag(fsck, record);
    claim(fsck, record, owned);
    fsck.inodes.records.set(ino, record);
  }
  return owned;
}
