// fsck, maps and counts: the two bitmaps and the state block say what the inodes say. What differs
// is written anew.

import { isErrno } from '../errno.js';
import { pagesFor } from '../units.js';
import {
  BITMAP_CHECKSUM_AT,
  BLOCK_SIZE,
  INODE_LEN,
  decode,
  inodeLayout,
  seal,
  type StateValues,
} from './format.js';
import type { Fsck } from './fsck.js';
import { BlockSet, rewriteInode } from './fsck-inodes.js';
import { readState, slotOf, stateBytes } from './inode-map.js';
import type { InodeRecord } from './inode-record.js';

const isZero = (bytes: Uint8Array): boolean => bytes.every((b) => b === 0);

/** A block that had bits and has none now. */
const sealedEmpty = new Uint8Array(BLOCK_SIZE);
seal(sealedEmpty, BITMAP_CHECKSUM_AT);

/** Bits set in `a` and not in `b`. */
function bitsOnlyIn(a: Uint8Array, b: Uint8Array): number {
  let n = 0;
  for (let i = 0; i < BITMAP_CHECKSUM_AT; i++) {
    for (let bits = a[i]! & ~b[i]!; bits !== 0; bits &= bits - 1) n += 1;
  }
  return n;
}

interface MapPlace {
  readonly name: string;
  readonly start: number;
  readonly nrBlocks: number;
}

function checkMap(fsck: Fsck, place: MapPlace, expected: BlockSet): void {
  for (let i = 0; i < place.nrBlocks; i++) {
    const wanted = expected.part(i);
    if (!isZero(wanted)) seal(wanted, BITMAP_CHECKSUM_AT);
    const there = fsck.partition.read(place.start + i, 0, BLOCK_SIZE);
    if (Buffer.compare(wanted, there) === 0) continue;
    if (isZero(wanted) && Buffer.compare(there, sealedEmpty) === 0) continue;
    const onlyThere = bitsOnlyIn(there, wanted);
    const onlyWanted = bitsOnlyIn(wanted, there);
    const what = `${onlyThere} in use without an owner, ${onlyWanted} owned and marked free`;
    fsck.found('map', `${place.name} block ${i}: ${what}`, 'made anew');
    fsck.partition.write(place.start + i, 0, wanted);
  }
}

function stateOrNull(fsck: Fsck): StateValues | null {
  const { partition, sb } = fsck;
  try {
    return readState({ read: (b, o, len) => partition.read(b, o, len) }, sb);
  } catch (e) {
    if (!isErrno(e, 'EUCLEAN')) throw e;
    fsck.found('map', e.message, 'made anew');
    return null;
  }
}

/**
 * The orphan list is all inodes without a name, in any order, each once; and any files among them
 * that were being truncated.
 */
function orphansListed(fsck: Fsck, head: number): boolean {
  const { records } = fsck.inodes;
  const nameless = new Set([...records.values()].filter((r) => r.nlink === 0).map((r) => r.ino));
  const seen = new Set<number>();
  let ino = head;
  for (; ino !== 0 && !seen.has(ino); ino = nextOf(fsck, ino)) {
    if (!nameless.delete(ino) && records.get(ino)?.kind !== 'file') return false;
    seen.add(ino);
  }
  fsck.nrOrphans = seen.size;
  return ino === 0 && nameless.size === 0;
}

/** Who belongs on a list that is made anew: bytes past the size are those of a truncate. */
function belongsOnList({ nlink, kind, size, extents }: InodeRecord): boolean {
  if (nlink === 0) return true;
  return kind === 'file' && extents.within(pagesFor(size), Infinity).some((e) => !e.unwritten);
}

function nextOf(fsck: Fsck, ino: number): number {
  const { block, offset } = slotOf(fsck.sb, ino);
  return decode(inodeLayout, fsck.partition.read(block, offset, INODE_LEN)).nextOrphan;
}

function checkState(fsck: Fsck, freeBlocks: number, freeInodes: number): void {
  const { partition, sb } = fsck;
  const records = [...fsck.inodes.records.values()];
  const state = stateOrNull(fsck);
  const newest = records.reduce((max, r) => Math.max(max, r.generation), 0);
  const wrong: string[] = [];
  if (state !== null) {
    if (state.freeBlocks !== freeBlocks) wrong.push(`${state.freeBlocks} blocks free`);
    if (state.freeInodes !== freeInodes) wrong.push(`${state.freeInodes} inodes free`);
  }
  const listed = state !== null && orphansListed(fsck, state.orphanHead);
  if (!listed) fsck.nrOrphans = 0;
  if (state !== null && !listed) fsck.found('orphan', 'the orphan list is broken', 'made anew');
  if (wrong.length > 0) {
    const right = `${freeBlocks} blocks, ${freeInodes} inodes`;
    fsck.found('map', `the state block counts ${wrong.join(', ')}`, right);
  }
  if (state !== null && listed && wrong.length === 0) return;
  let orphanHead = listed ? state.orphanHead : 0;
  for (const record of listed ? [] : records.filter(belongsOnList)) {
    rewriteInode(fsck, record, orphanHead);
    orphanHead = record.ino;
    fsck.nrOrphans += 1;
  }
  const nextGeneration = Math.max(state?.nextGeneration ?? 1, newest + 1);
  const bytes = stateBytes({ orphanHead, freeBlocks, freeInodes, nextGeneration });
  partition.write(sb.stateBlock, 0, bytes);
}

/** owned: the blocks of all inodes. The file system's own are added here. */
export function checkMaps(fsck: Fsck, owned: BlockSet): void {
  const { sb } = fsck;
  const blocks = new BlockSet();
  for (let block = 0; block < sb.dataStart; block++) blocks.add(block);
  blocks.add(sb.nrBlocks - 1);
  for (const record of fsck.inodes.records.values()) {
    for (const e of record.extents.all) for (let i = 0; i < e.nrPages; i++) blocks.add(e.block + i);
    for (const block of record.overflow) blocks.add(block);
  }
  const numbers = new BlockSet();
  for (const ino of fsck.inodes.records.keys()) numbers.add(ino - 1);
  checkMap(fsck, { name: 'bitmap', start: sb.bitmapStart, nrBlocks: sb.bitmapBlocks }, blocks);
  const { inodeBitmapStart: start, inodeBitmapBlocks: nrBlocks } = sb;
  checkMap(fsck, { name: 'inode bitmap', start, nrBlocks }, numbers);
  checkState(fsck, sb.nrBlocks - blocks.count, sb.nrInodes - numbers.count);
  owned.count = blocks.count - sb.dataStart - 1;
}
