// What an inode keeps on the device, and its translation from and to bytes: the 256 bytes in the
// inode table and the chain of overflow blocks of its extent list. Pure bytes, no device.

import assert from 'node:assert/strict';
import { Errno } from '../errno.js';
import { ExtentList, type Extent } from './extent.js';
import {
  BLOCK_SIZE,
  EXTENT_LEN,
  EXTENT_UNWRITTEN,
  INLINE_AT,
  INLINE_EXTENTS,
  INLINE_LEN,
  INODE_LEN,
  OVERFLOW_EXTENTS,
  OVERFLOW_HEADER_LEN,
  OVERFLOW_MAGIC,
  decode,
  encode,
  extentLayout,
  inodeFlags,
  inodeLayout,
  kindOf,
  overflowLayout,
  seal,
  sealed,
  type FileKind,
  type InodeValues,
} from './format.js';

/** The state of one inode that outlives a mount. */
export class InodeRecord {
  readonly ino: number;
  generation: number;
  readonly kind: FileKind;
  /** Permission bits, set-id and sticky included: mode & 0o7777. */
  perm: number;
  nlink: number;
  uid: number;
  gid: number;
  size: number;
  atimeNs: number;
  mtimeNs: number;
  ctimeNs: number;
  immutable: boolean;
  append: boolean;
  /** FS_XFLAG_DAX: a wish that what is made in a directory inherits; the mount decides. */
  daxFlag: boolean;
  /** Lives only until its last reference goes; mount frees it. */
  orphan: boolean;
  /** Of a directory: the inode number of the one above. Else 0. */
  parent: number;
  /** Of a short symbolic link. A long one has it in its first block. */
  target: string | null;
  readonly extents: ExtentList;
  /** The overflow blocks of the extent list, in order, and how many extents each one has. */
  overflow: number[];
  leaves: number[];
  /** The extent list as it was last written: what differs from it is what a write changes. */
  stored: readonly Extent[];
  /**
   * The size is set, and blocks past it are still to go: on the orphan list, so that a mount goes
   * on with it (fs/ext4/inode.c:ext4_truncate). Kept by that list alone.
   */
  truncating: boolean;

  /** One by one, so that all records look alike to the engine. */
  constructor(of: RecordFields) {
    this.ino = of.ino;
    this.generation = of.generation;
    this.kind = of.kind;
    this.perm = of.perm;
    this.nlink = of.nlink;
    this.uid = of.uid;
    this.gid = of.gid;
    this.size = of.size;
    this.atimeNs = of.atimeNs;
    this.mtimeNs = of.mtimeNs;
    this.ctimeNs = of.ctimeNs;
    this.immutable = of.immutable;
    this.append = of.append;
    this.daxFlag = of.daxFlag;
    this.orphan = of.orphan;
    this.parent = of.parent;
    this.target = of.target;
    this.extents = of.extents;
    this.overflow = of.overflow;
    this.leaves = of.leaves;
    this.stored = of.stored;
    this.truncating = of.truncating;
  }
}

export type RecordFields = { readonly [Name in keyof InodeRecord]: InodeRecord[Name] };

const UINT32 = 2 ** 32;
const CHECKSUM_AT = inodeLayout.checksum.at;
const fromUtf8 = new TextDecoder();

export const MAX_INLINE_TARGET = INLINE_LEN;

function writeExtent(e: Extent, bytes: Uint8Array, at: number): void {
  const values = {
    pgoffLow: e.pgoff % UINT32,
    pgoffHigh: Math.floor(e.pgoff / UINT32),
    flags: e.unwritten ? EXTENT_UNWRITTEN : 0,
    block: e.block,
    nrPages: e.nrPages,
  };
  encode(extentLayout, values, bytes, at);
}

function readExtent(bytes: Uint8Array, at: number): Extent {
  const v = decode(extentLayout, bytes, at);
  const pgoff = v.pgoffHigh * UINT32 + v.pgoffLow;
  const unwritten = (v.flags & EXTENT_UNWRITTEN) !== 0;
  return { pgoff, nrPages: v.nrPages, block: v.block, unwritten };
}

/** The bytes of the inode's slot in the table; nextOrphan: who follows it on the orphan list. */
export function inodeBytes(
  record: InodeRecord,
  mode: number,
  nextOrphan = 0,
  bytes = new Uint8Array(INODE_LEN),
): Uint8Array {
  bytes.fill(0);
  const { extents, overflow, target } = record;
  const flags =
    (record.immutable ? inodeFlags.immutable : 0) |
    (record.append ? inodeFlags.append : 0) |
    (record.orphan ? inodeFlags.orphan : 0) |
    (record.daxFlag ? inodeFlags.dax : 0) |
    (target !== null ? inodeFlags.inlineLink : 0);
  const values: InodeValues = {
    mode,
    nlink: record.nlink,
    uid: record.uid,
    gid: record.gid,
    generation: record.generation,
    size: record.size,
    atimeNs: record.atimeNs,
    mtimeNs: record.mtimeNs,
    ctimeNs: record.ctimeNs,
    flags,
    nrExtents: extents.length,
    overflow: overflow[0] ?? 0,
    parent: record.parent,
    nextOrphan,
    checksum: 0,
  };
  encode(inodeLayout, values, bytes);
  if (target !== null) {
    bytes.set(new TextEncoder().encode(target), INLINE_AT);
  } else {
    const inline = Math.min(extents.length, INLINE_EXTENTS);
    for (let i = 0; i < inline; i++) writeExtent(extents.all[i]!, bytes, inlineAt(i));
  }
  seal(bytes, CHECKSUM_AT);
  return bytes;
}

const inlineAt = (i: number): number => INLINE_AT + i * EXTENT_LEN;

/** The bytes of each overflow block that `wanted` names by its place in the chain, or of all. */
export function overflowBytes(
  record: InodeRecord,
  wanted: (leaf: number) => boolean = () => true,
): { readonly block: number; readonly bytes: Uint8Array }[] {
  const { ino, generation, extents, overflow, leaves } = record;
  assert.equal(overflow.length, leaves.length);
  let from = Math.min(extents.length, INLINE_EXTENTS);
  const written: { block: number; bytes: Uint8Array }[] = [];
  for (const [i, nr] of leaves.entries()) {
    const part = extents.all.slice(from, from + nr);
    from += nr;
    if (!wanted(i)) continue;
    const bytes = new Uint8Array(BLOCK_SIZE);
    const next = overflow[i + 1] ?? 0;
    const head = { magic: OVERFLOW_MAGIC, ino, generation, nrExtents: part.length, next };
    encode(overflowLayout, { ...head, checksum: 0 }, bytes);
    part.forEach((e, n) => writeExtent(e, bytes, OVERFLOW_HEADER_LEN + n * EXTENT_LEN));
    seal(bytes, overflowLayout.checksum.at);
    written.push({ block: overflow[i]!, bytes });
  }
  assert.equal(from, extents.length);
  return written;
}

/** What a reader of inodes needs to know about the device they are on. */
export interface RecordSource {
  readBlock(block: number): Uint8Array;
  isData(block: number): boolean;
}

/**
 * Read an inode from its slot; null: the slot is free. EUCLEAN names what is damaged: checksum,
 * type, size, an extent outside the data area, an overflow chain that does not fit.
 */
export function readInodeRecord(
  bytes: Uint8Array,
  ino: number,
  source: RecordSource,
): InodeRecord | null {
  const bad = (what: string): never => {
    throw new Errno('EUCLEAN', `inode ${ino}: ${what}`);
  };
  if (bytes.every((b) => b === 0)) return null;
  if (!sealed(bytes, CHECKSUM_AT)) bad('its checksum does not match');
  const v = decode(inodeLayout, bytes);
  if (v.mode === 0) return null;
  const kind = kindOf(v.mode) ?? bad(`mode ${v.mode.toString(8)}`);
  if (!Number.isSafeInteger(v.size)) bad(`size ${v.size}`);
  const inlineLink = (v.flags & inodeFlags.inlineLink) !== 0;
  const target = inlineLink ? targetIn(bytes, v.size, bad) : null;
  const { extents, overflow, leaves } = inlineLink
    ? { extents: [], overflow: [], leaves: [] }
    : readExtents(bytes, ino, v, source, bad);
  const { generation, nlink, uid, gid, size, atimeNs, mtimeNs, ctimeNs, parent } = v;
  return new InodeRecord({
    ...{ ino, generation, kind, perm: v.mode & 0o7777, nlink, uid, gid, size },
    ...{ atimeNs, mtimeNs, ctimeNs, parent, target },
    immutable: (v.flags & inodeFlags.immutable) !== 0,
    append: (v.flags & inodeFlags.append) !== 0,
    daxFlag: (v.flags & inodeFlags.dax) !== 0,
    orphan: (v.flags & inodeFlags.orphan) !== 0,
    extents: new ExtentList(extents),
    ...{ overflow, leaves, stored: extents, truncating: false },
  });
}

type Bad = (what: string) => never;

function targetIn(bytes: Uint8Array, size: number, bad: Bad): string {
  if (size === 0 || size > INLINE_LEN) bad(`link of ${size} bytes`);
  return fromUtf8.decode(bytes.subarray(INLINE_AT, INLINE_AT + size));
}

function readExtents(
  bytes: Uint8Array,
  ino: number,
  v: { readonly nrExtents: number; readonly overflow: number; readonly generation: number },
  source: RecordSource,
  bad: Bad,
): { extents: Extent[]; overflow: number[]; leaves: number[] } {
  const extents: Extent[] = [];
  for (let i = 0; i < Math.min(v.nrExtents, INLINE_EXTENTS); i++) {
    extents.push(readExtent(bytes, inlineAt(i)));
  }
  const overflow: number[] = [];
  const leaves: number[] = [];
  for (let block = v.overflow; block !== 0;) {
    if (!source.isData(block) || overflow.includes(block)) bad(`overflow block ${block}`);
    overflow.push(block);
    const page = source.readBlock(block);
    const head = decode(overflowLayout, page);
    const own = head.magic === OVERFLOW_MAGIC && head.ino === ino;
    if (!own || head.generation !== v.generation) bad(`block ${block} is no overflow block of it`);
    if (!sealed(page, overflowLayout.checksum.at)) bad(`overflow block ${block}: its checksum`);
    if (head.nrExtents > OVERFLOW_EXTENTS)
      bad(`overflow block ${block}: ${head.nrExtents} extents`);
    leaves.push(head.nrExtents);
    for (let n = 0; n < head.nrExtents; n++) {
      extents.push(readExtent(page, OVERFLOW_HEADER_LEN + n * EXTENT_LEN));
    }
    block = head.next;
  }
  if (extents.length !== v.nrExtents) bad(`${extents.length} extents of ${v.nrExtents}`);
  checkExtents(extents, source, bad);
  return { extents, overflow, leaves };
}

function checkExtents(extents: readonly Extent[], source: RecordSource, bad: Bad): void {
  let end = 0;
  for (const e of extents) {
    const where = `extent at page ${e.pgoff}`;
    if (e.nrPages === 0 || e.pgoff < end) bad(`${where} overlaps the one before`);
    if (!source.isData(e.block) || !source.isData(e.block + e.nrPages - 1)) {
      bad(`${where} lies in blocks ${e.block} to ${e.block + e.nrPages - 1}`);
    }
    end = e.pgoff + e.nrPages;
  }
}
