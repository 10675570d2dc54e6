// The layout of a file system on its partition, as a map: every structure, with the offset and the
// unit of each field. Everything is little-endian; blocks are PAGE_SIZE bytes; block 0 is the first
// of the partition.
//
//   block 0                superblock, copy 0
//   journalStart           journalBlocks blocks: the redo log (journal-log.ts)
//   bitmapStart            bitmapBlocks blocks: bit n of the map says that block n is in use; a
//   block
//                          has BITMAP_BITS bits and its checksum, or is all zeros: nothing is in
//                          use
//   inodeBitmapStart       inodeBitmapBlocks blocks: bit n says that inode n + 1 is in use
//   stateBlock             one block: counts, and the head of the orphan list
//   inodeTableStart        inodeTableBlocks blocks of 16 inodes; inode 1 is the root directory
//   dataStart              file data, directory blocks, overflow blocks of extent lists
//   nrBlocks - 1           superblock, copy 1
//
// An inode keeps 11 extents in itself; further ones stand in a chain of overflow blocks, of
// which none need be full.
// A directory's blocks hold records of variable length (dirent) that fill the block to its tail.
// An inode without a name that still has blocks is on the orphan list, which begins in the state
// block and goes on through the inodes' nextOrphan; so is a file that is being truncated in more
// than one transaction. A mount frees the ones, and the blocks past the size of the others.
//
// Feature words: a mount refuses a superblock with an unknown incompat bit, mounts read-only where
// it does not know a roCompat bit, and does not care about unknown compat bits.

import assert from 'node:assert/strict';
import { PAGE_SIZE } from '../units.js';
import { crc32c, crc32cChanged } from './crc32c.js';

export const BLOCK_SIZE = PAGE_SIZE;

export type FieldType = 'u8' | 'u16' | 'u32' | 'u64';

export interface Field {
  /** Offset in the structure, in bytes. */
  readonly at: number;
  readonly type: FieldType;
  readonly unit: string;
}

export type Fields = Readonly<Record<string, Field>>;
export type Values<F extends Fields> = { readonly [K in keyof F]: number };

const field = (at: number, type: FieldType, unit: string): Field => ({ at, type, unit });

/** 'LHFS' read as a little-endian word. */
export const SUPERBLOCK_MAGIC = 0x5346484c;
export const FORMAT_VERSION = 2;

/** What this code knows of each feature word. */
export const knownFeatures = { compat: 0, incompat: 1, roCompat: 0 } as const;
/** Bit of incompat: metadata is logged; the log must be replayed before anything is read. */
export const INCOMPAT_JOURNAL = 1;

export const flavorCodes = { ext4: 1, xfs: 2 } as const;
export type DiskFlavor = keyof typeof flavorCodes;

export const superblockLayout = {
  magic: field(0, 'u32', 'SUPERBLOCK_MAGIC'),
  version: field(4, 'u32', 'FORMAT_VERSION'),
  blockSize: field(8, 'u32', 'bytes'),
  flavor: field(12, 'u32', 'flavorCodes'),
  nrBlocks: field(16, 'u32', 'blocks of the partition'),
  nrInodes: field(20, 'u32', 'inodes in the table'),
  journalStart: field(24, 'u32', 'block'),
  journalBlocks: field(28, 'u32', 'blocks'),
  bitmapStart: field(32, 'u32', 'block'),
  bitmapBlocks: field(36, 'u32', 'blocks'),
  inodeTableStart: field(40, 'u32', 'block'),
  inodeTableBlocks: field(44, 'u32', 'blocks'),
  dataStart: field(48, 'u32', 'block'),
  rootIno: field(52, 'u32', 'inode number'),
  sequence: field(56, 'u64', 'writes of the superblock since mkfs; the higher copy is the newer'),
  state: field(64, 'u32', '0 unmounted cleanly, 1 mounted'),
  inodeBitmapStart: field(68, 'u32', 'block'),
  inodeBitmapBlocks: field(72, 'u32', 'blocks'),
  stateBlock: field(76, 'u32', 'block'),
  compat: field(80, 'u32', 'bits, see above'),
  incompat: field(84, 'u32', 'bits, see above'),
  roCompat: field(88, 'u32', 'bits, see above'),
  checksum: field(252, 'u32', 'crc32c of the 256 bytes, this field as 0'),
} as const satisfies Fields;
export const SUPERBLOCK_LEN = 256;
export type SuperblockValues = Values<typeof superblockLayout>;

/** Bits of one block of a bitmap, and where its crc32c stands. */
export const BITMAP_CHECKSUM_AT = BLOCK_SIZE - 4;
export const BITMAP_BITS = BITMAP_CHECKSUM_AT * 8;

/** 'LHST': counts that change with nearly every transaction, and where the orphan list begins. */
export const STATE_MAGIC = 0x5453484c;
export const stateLayout = {
  magic: field(0, 'u32', 'STATE_MAGIC'),
  orphanHead: field(4, 'u32', 'inode number; 0: the list is empty'),
  freeBlocks: field(8, 'u64', 'blocks that the bitmap calls free'),
  freeInodes: field(16, 'u64', 'inodes that the inode bitmap calls free'),
  nextGeneration: field(24, 'u32', 'generation that the next inode gets'),
  checksum: field(60, 'u32', 'crc32c of the 64 bytes, this field as 0'),
} as const satisfies Fields;
export const STATE_LEN = 64;
export type StateValues = Values<typeof stateLayout>;

/** 'LHJH', 'LHJB', 'LHJC': the log's header slots, and the two ends of a record. */
export const JOURNAL_HEADER_MAGIC = 0x484a484c;
export const JOURNAL_BEGIN_MAGIC = 0x424a484c;
export const JOURNAL_COMMIT_MAGIC = 0x434a484c;
/** Records begin, and bodies end, at multiples of it. */
export const JOURNAL_ALIGN = 32;
export const JOURNAL_SLOT_LEN = 64;
export const journalHeaderLayout = {
  magic: field(0, 'u32', 'JOURNAL_HEADER_MAGIC'),
  areaLen: field(4, 'u32', 'bytes of the area'),
  writes: field(8, 'u64', 'writes of the header; the higher slot is the newer'),
  tailPos: field(16, 'u32', 'bytes from the start of the area'),
  tailSequence: field(24, 'u64', 'number of the record that begins at tailPos'),
  checksum: field(60, 'u32', 'crc32c of the 64 bytes, this field as 0'),
} as const satisfies Fields;
export const journalMarkLayout = {
  magic: field(0, 'u32', 'JOURNAL_BEGIN_MAGIC or JOURNAL_COMMIT_MAGIC'),
  bodyLen: field(4, 'u32', 'bytes between the two marks'),
  sequence: field(8, 'u64', 'number of the record'),
  nrWrites: field(16, 'u32', 'writes in the body'),
  bodyCrc: field(20, 'u32', 'crc32c of the body'),
  checksum: field(28, 'u32', 'crc32c of the 32 bytes, this field as 0'),
} as const satisfies Fields;

export const INODE_LEN = 256;
export const INODES_PER_BLOCK = BLOCK_SIZE / INODE_LEN;
export const ROOT_INO = 1;

export const inodeLayout = {
  mode: field(0, 'u16', 'type and permission bits as st_mode; 0: the slot is free'),
  nlink: field(2, 'u16', 'names, and for a directory its own entry and its children'),
  uid: field(4, 'u32', 'user'),
  gid: field(8, 'u32', 'group'),
  generation: field(12, 'u32', 'which use of this inode number'),
  size: field(16, 'u64', 'bytes'),
  atimeNs: field(24, 'u64', 'nanoseconds'),
  mtimeNs: field(32, 'u64', 'nanoseconds'),
  ctimeNs: field(40, 'u64', 'nanoseconds'),
  flags: field(48, 'u32', 'inodeFlags'),
  nrExtents: field(52, 'u32', 'extents, inline and overflow together'),
  overflow: field(56, 'u32', 'first overflow block; 0: none'),
  parent: field(60, 'u32', 'inode number of the directory above, for a directory'),
  nextOrphan: field(240, 'u32', 'inode number of the next on the orphan list; 0: the last'),
  checksum: field(252, 'u32', 'crc32c of the 256 bytes, this field as 0'),
} as const satisfies Fields;
export type InodeValues = Values<typeof inodeLayout>;

/**
 * Bits of inodeLayout.flags. `dax`: FS_XFLAG_DAX, which says nothing of now. `orphan`: has no name
 * and waits for its last reference.
 */
export const inodeFlags = { immutable: 1, append: 2, inlineLink: 4, orphan: 8, dax: 16 } as const;

/** Where the inline extents, or a short symbolic link's target, stand in an inode. */
export const INLINE_AT = 64;
export const INLINE_LEN = 176;

export const extentLayout = {
  pgoffLow: field(0, 'u32', 'pages of the file'),
  pgoffHigh: field(4, 'u16', 'pages of the file, bits 32 to 47'),
  flags: field(6, 'u16', '1: unwritten, reads as zeros'),
  block: field(8, 'u32', 'first block'),
  nrPages: field(12, 'u32', 'pages, which are blocks'),
} as const satisfies Fields;
export const EXTENT_LEN = 16;
export const EXTENT_UNWRITTEN = 1;
export const INLINE_EXTENTS = INLINE_LEN / EXTENT_LEN;

/** 'LHEX': a block of the overflow chain of one inode's extent list. */
export const OVERFLOW_MAGIC = 0x5845484c;
export const overflowLayout = {
  magic: field(0, 'u32', 'OVERFLOW_MAGIC'),
  ino: field(4, 'u32', 'inode number of the owner'),
  generation: field(8, 'u32', 'generation of the owner'),
  nrExtents: field(12, 'u32', 'extents in this block'),
  next: field(16, 'u32', 'next overflow block; 0: the last'),
  checksum: field(28, 'u32', 'crc32c of the block, this field as 0'),
} as const satisfies Fields;
export const OVERFLOW_HEADER_LEN = 32;
export const OVERFLOW_EXTENTS = (BLOCK_SIZE - OVERFLOW_HEADER_LEN) / EXTENT_LEN;

export const direntLayout = {
  ino: field(0, 'u32', 'inode number; 0: the record is unused'),
  recLen: field(4, 'u16', 'bytes to the next record, a multiple of 4'),
  nameLen: field(6, 'u8', 'bytes of UTF-8 that follow the header'),
  kind: field(7, 'u8', 'direntKinds'),
} as const satisfies Fields;
export const DIRENT_HEADER_LEN = 8;
export const NAME_MAX = 255;
export const PATH_MAX = 4096;
export const direntKinds = { file: 1, dir: 2, link: 7 } as const;
export type FileKind = keyof typeof direntKinds;

/** 'LHDI': the tail of a directory block. */
export const DIRECTORY_MAGIC = 0x4944484c;
export const DIRECTORY_TAIL_AT = BLOCK_SIZE - 16;
export const directoryTailLayout = {
  magic: field(DIRECTORY_TAIL_AT, 'u32', 'DIRECTORY_MAGIC'),
  ino: field(DIRECTORY_TAIL_AT + 4, 'u32', 'inode number of the directory'),
  checksum: field(BLOCK_SIZE - 4, 'u32', 'crc32c of the block, this field as 0'),
} as const satisfies Fields;

/** File type bits of st_mode. */
export const S_IFMT = 0o170000;
export const kindModes = { file: 0o100000, dir: 0o040000, link: 0o120000 } as const;

/** The kind that type bits name, or undefined where they name none of ours. */
export function kindOf(mode: number): FileKind | undefined {
  const type = mode & S_IFMT;
  return (['file', 'dir', 'link'] as const).find((kind) => kindModes[kind] === type);
}

// Byte by byte: a DataView for each structure costs more than all of its fields.

function readU32(bytes: Uint8Array, at: number): number {
  const high = (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  return (bytes[at]! | (bytes[at + 1]! << 8) | high) >>> 0;
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

function readField(bytes: Uint8Array, at: number, type: FieldType): number {
  if (type === 'u8') return bytes[at]!;
  if (type === 'u16') return bytes[at]! | (bytes[at + 1]! << 8);
  if (type === 'u32') return readU32(bytes, at);
  // Above 2^53 the number is not exact; such a value is garbage, and its range check says so.
  return readU32(bytes, at) + readU32(bytes, at + 4) * 2 ** 32;
}

function writeField(bytes: Uint8Array, at: number, type: FieldType, value: number): void {
  if (type === 'u8') {
    bytes[at] = value;
  } else if (type === 'u16') {
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
  } else {
    writeU32(bytes, at, value); // modulo 2^32
    if (type === 'u64') writeU32(bytes, at + 4, value / 2 ** 32);
  }
}

const fieldLens: Record<FieldType, number> = { u8: 1, u16: 2, u32: 4, u64: 8 };

interface FieldList {
  readonly entries: readonly (readonly [name: string, at: number, type: FieldType])[];
  /** Where the last of them ends. */
  readonly len: number;
}
const listsByLayout = new WeakMap<Fields, FieldList>();

/** The fields of a layout, listed once: every structure that is read or written asks for them. */
function listOf(layout: Fields): FieldList {
  const known = listsByLayout.get(layout);
  if (known !== undefined) return known;
  const fields = Object.entries(layout);
  const entries = fields.map(([name, { at, type }]) => [name, at, type] as const);
  const len = Math.max(...fields.map(([, { at, type }]) => at + fieldLens[type]));
  const list = { entries, len };
  listsByLayout.set(layout, list);
  return list;
}

/** The fields of the structure that begins at base. Unchecked, but that the bytes are there. */
export function decode<F extends Fields>(layout: F, bytes: Uint8Array, base = 0): Values<F> {
  const { entries, len } = listOf(layout);
  if (base + len > bytes.length) assert.fail(`format: ${base + len} of ${bytes.length} bytes`);
  const values: Record<string, number> = {};
  for (const [name, at, type] of entries) values[name] = readField(bytes, base + at, type);
  return values as Values<F>;
}

/** Write the fields of the structure that begins at base; other bytes stay. */
export function encode<F extends Fields>(
  layout: F,
  values: Values<F>,
  bytes: Uint8Array,
  base = 0,
): void {
  const { entries, len } = listOf(layout);
  if (base + len > bytes.length) assert.fail(`format: ${base + len} of ${bytes.length} bytes`);
  for (const [name, at, type] of entries) {
    const value = values[name as keyof F];
    if (!Number.isSafeInteger(value) || value < 0) assert.fail(`format: ${name} is ${value}`);
    writeField(bytes, base + at, type, value);
  }
}

const noChecksum = new Uint8Array(4);

/** The checksum that belongs in the field at checksumAt of the structure that bytes are. */
export function checksumOf(bytes: Uint8Array, checksumAt: number): number {
  const gap = crc32c(noChecksum, crc32c(bytes, 0, 0, checksumAt));
  return crc32c(bytes, gap, checksumAt + 4);
}

/** Put its checksum into a structure. */
export function seal(bytes: Uint8Array, checksumAt: number): void {
  writeU32(bytes, checksumAt, checksumOf(bytes, checksumAt));
}

/**
 * Put its checksum into a structure that was sealed, or all zeros, before the bytes [start, end)
 * were changed; difference holds at their places what they were xor what they are.
 */
export function reseal(
  bytes: Uint8Array,
  checksumAt: number,
  difference: Uint8Array,
  start: number,
  end: number,
): void {
  const before = readU32(bytes, checksumAt);
  if (before === 0) return seal(bytes, checksumAt);
  const nrBehind = bytes.length - end;
  writeU32(bytes, checksumAt, crc32cChanged(before, difference, start, end, nrBehind));
}

/** Whether a structure carries its checksum. */
export function sealed(bytes: Uint8Array, checksumAt: number): boolean {
  return readU32(bytes, checksumAt) === checksumOf(bytes, checksumAt);
}
