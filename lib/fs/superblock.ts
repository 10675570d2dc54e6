// The superblock: where everything is, in two copies, at the first and the last block.
//
// Both copies are written at mkfs, mount and unmount, the first one first, each with a higher
// sequence number than before. A mount wants both to be intact: EUCLEAN names the damaged copy;
// EINVAL when neither looks like a superblock at all.

import { Errno } from '../errno.js';
import {
  BLOCK_SIZE,
  FORMAT_VERSION,
  INODES_PER_BLOCK,
  ROOT_INO,
  SUPERBLOCK_LEN,
  SUPERBLOCK_MAGIC,
  decode,
  encode,
  flavorCodes,
  seal,
  sealed,
  superblockLayout,
  type DiskFlavor,
  type SuperblockValues,
} from './format.js';
import type { Partition } from './partition.js';

const BITS_PER_BLOCK = BLOCK_SIZE * 8;
const CHECKSUM_AT = superblockLayout.checksum.at;

/** The least blocks a file system takes: its metadata and a little data. */
export const MIN_BLOCKS = 32;

export interface Geometry {
  readonly nrBlocks: number;
  /** How many inodes the table has; by default one for four blocks. */
  readonly nrInodes?: number | undefined;
  readonly journalBlocks?: number | undefined;
}

/** Lay a file system out over a partition. EINVAL: it is too small for that. */
export function planSuperblock(flavor: DiskFlavor, geometry: Geometry): SuperblockValues {
  const { nrBlocks } = geometry;
  const wanted = geometry.nrInodes ?? Math.max(16, Math.floor(nrBlocks / 4));
  const inodeTableBlocks = Math.ceil(wanted / INODES_PER_BLOCK);
  const journalBlocks =
    geometry.journalBlocks ?? Math.min(1024, Math.max(8, Math.floor(nrBlocks / 32)));
  const bitmapBlocks = Math.ceil(nrBlocks / BITS_PER_BLOCK);
  const journalStart = 1;
  const bitmapStart = journalStart + journalBlocks;
  const inodeTableStart = bitmapStart + bitmapBlocks;
  const dataStart = inodeTableStart + inodeTableBlocks;
  if (nrBlocks < MIN_BLOCKS || dataStart + 8 > nrBlocks || nrBlocks > 0xffffffff) {
    throw new Errno('EINVAL', `mkfs: ${nrBlocks} blocks do not hold a file system`);
  }
  return {
    magic: SUPERBLOCK_MAGIC,
    version: FORMAT_VERSION,
    blockSize: BLOCK_SIZE,
    flavor: flavorCodes[flavor],
    nrBlocks,
    nrInodes: inodeTableBlocks * INODES_PER_BLOCK,
    journalStart,
    journalBlocks,
    bitmapStart,
    bitmapBlocks,
    inodeTableStart,
    inodeTableBlocks,
    dataStart,
    rootIno: ROOT_INO,
    sequence: 1,
    state: 0,
    nextGeneration: 1,
    checksum: 0,
  };
}

/** The blocks of the two copies. */
export const superblockCopies = (nrBlocks: number): readonly [number, number] => [0, nrBlocks - 1];

export function flavorOf(sb: SuperblockValues): DiskFlavor {
  return sb.flavor === flavorCodes.xfs ? 'xfs' : 'ext4';
}

/** The bytes of one copy, sealed. */
export function superblockBytes(sb: SuperblockValues): Uint8Array {
  const bytes = new Uint8Array(SUPERBLOCK_LEN);
  encode(superblockLayout, sb, bytes);
  seal(bytes, CHECKSUM_AT);
  return bytes;
}

/** Write both copies, the first one first. */
export function writeSuperblock(partition: Partition, sb: SuperblockValues): void {
  const bytes = superblockBytes(sb);
  for (const block of superblockCopies(partition.nrBlocks)) partition.write(block, 0, bytes);
}

interface Copy {
  readonly name: string;
  readonly values: SuperblockValues;
  /** What is wrong with it; null: nothing. */
  readonly wrong: string | null;
  readonly looksLikeOne: boolean;
}

function wrongIn(sb: SuperblockValues, bytes: Uint8Array, nrBlocks: number): string | null {
  if (sb.magic !== SUPERBLOCK_MAGIC) return 'has no magic number';
  if (!sealed(bytes, CHECKSUM_AT)) return 'does not match its checksum';
  if (sb.version !== FORMAT_VERSION) return `has format version ${sb.version}`;
  if (sb.blockSize !== BLOCK_SIZE) return `has block size ${sb.blockSize}`;
  if (sb.nrBlocks !== nrBlocks) return `tells of ${sb.nrBlocks} blocks where ${nrBlocks} are`;
  if (!Object.values<number>(flavorCodes).includes(sb.flavor)) return `has flavor ${sb.flavor}`;
  const ordered =
    sb.journalStart >= 1 &&
    sb.bitmapStart === sb.journalStart + sb.journalBlocks &&
    sb.bitmapBlocks === Math.ceil(nrBlocks / BITS_PER_BLOCK) &&
    sb.inodeTableStart === sb.bitmapStart + sb.bitmapBlocks &&
    sb.nrInodes === sb.inodeTableBlocks * INODES_PER_BLOCK &&
    sb.dataStart === sb.inodeTableStart + sb.inodeTableBlocks &&
    sb.dataStart < nrBlocks - 1 &&
    sb.rootIno === ROOT_INO;
  return ordered ? null : 'describes areas that do not fit each other';
}

function readCopy(partition: Partition, index: 0 | 1): Copy {
  const block = superblockCopies(partition.nrBlocks)[index];
  const bytes = partition.read(block, 0, SUPERBLOCK_LEN);
  const values = decode(superblockLayout, bytes);
  const wrong = wrongIn(values, bytes, partition.nrBlocks);
  const name = `superblock copy ${index} (block ${block})`;
  return { name, values, wrong, looksLikeOne: values.magic === SUPERBLOCK_MAGIC };
}

/** The newer of the two copies. EINVAL: there is no file system; EUCLEAN: a copy is damaged. */
export function readSuperblock(partition: Partition): SuperblockValues {
  if (partition.nrBlocks < MIN_BLOCKS) {
    throw new Errno('EINVAL', `mount: ${partition.nrBlocks} blocks do not hold a file system`);
  }
  const copies = [readCopy(partition, 0), readCopy(partition, 1)] as const;
  if (!copies.some((copy) => copy.looksLikeOne)) {
    throw new Errno('EINVAL', `mount: no file system here: ${copies[0].name} ${copies[0].wrong}`);
  }
  const damaged = copies.filter((copy) => copy.wrong !== null);
  if (damaged.length > 0) {
    const what = damaged.map((copy) => `${copy.name} ${copy.wrong}`).join('; ');
    throw new Errno('EUCLEAN', `mount: ${what}`);
  }
  return copies[1].values.sequence > copies[0].values.sequence
    ? copies[1].values
    : copies[0].values;
}
