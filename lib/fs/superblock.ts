// The superblock: where everything is, in two copies, at the first and the last block.
//
// Both copies are written at mkfs, mount and unmount, the first one first and flushed before the
// second, each with a higher sequence number than before. So one of them is whole at any instant;
// the other one is made anew from it. EUCLEAN: both are damaged; EINVAL: neither looks like one.

import { constant } from '../constant.js';
import { Errno } from '../errno.js';
import {
  BITMAP_BITS,
  BLOCK_SIZE,
  FORMAT_VERSION,
  INCOMPAT_JOURNAL,
  INODES_PER_BLOCK,
  ROOT_INO,
  SUPERBLOCK_LEN,
  SUPERBLOCK_MAGIC,
  decode,
  encode,
  flavorCodes,
  knownFeatures,
  seal,
  sealed,
  superblockLayout,
  type DiskFlavor,
  type SuperblockValues,
} from './format.js';
import type { Partition } from './partition.js';
import { noPersistence, type Persistence } from './persistence.js';
import { posOf } from '../units.js';

const CHECKSUM_AT = superblockLayout.checksum.at;

/** The least blocks a file system takes: its metadata and a little data. */
export const MIN_BLOCKS = 32;

/** One for the log's header, and room for what one transaction changes. */
const MIN_JOURNAL = 8;

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
    geometry.journalBlocks ?? Math.min(8192, Math.max(8, Math.floor(nrBlocks / 32)));
  const bitmapBlocks = Math.ceil(nrBlocks / BITMAP_BITS);
  const journalStart = 1;
  const bitmapStart = journalStart + journalBlocks;
  const inodeBitmapStart = bitmapStart + bitmapBlocks;
  const inodeBitmapBlocks = Math.ceil((inodeTableBlocks * INODES_PER_BLOCK) / BITMAP_BITS);
  const stateBlock = inodeBitmapStart + inodeBitmapBlocks;
  const inodeTableStart = stateBlock + 1;
  const dataStart = inodeTableStart + inodeTableBlocks;
  if (
    nrBlocks < MIN_BLOCKS ||
    journalBlocks < MIN_JOURNAL ||
    dataStart + 8 > nrBlocks ||
    nrBlocks > 0xffffffff
  ) {
    throw new Errno('EINVAL', `mkfs: ${nrBlocks} blocks do not hold a file system`);
  }
  return constant({
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
    ...{ inodeBitmapStart, inodeBitmapBlocks, stateBlock },
    ...{ compat: 0, incompat: INCOMPAT_JOURNAL, roCompat: 0 },
    checksum: 0,
  });
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
export function writeSuperblock(
  partition: Partition,
  sb: SuperblockValues,
  persistence: Persistence = noPersistence,
): void {
  const bytes = superblockBytes(sb);
  for (const block of superblockCopies(partition.nrBlocks)) {
    partition.write(block, 0, bytes);
    persistence.flush(posOf(block), SUPERBLOCK_LEN);
  }
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
  if ((sb.incompat & ~knownFeatures.incompat) !== 0) return `has features ${sb.incompat}`;
  const ordered =
    sb.journalStart === 1 &&
    sb.journalBlocks >= MIN_JOURNAL &&
    sb.nrInodes >= INODES_PER_BLOCK &&
    sb.bitmapStart === sb.journalStart + sb.journalBlocks &&
    sb.bitmapBlocks === Math.ceil(nrBlocks / BITMAP_BITS) &&
    sb.inodeBitmapStart === sb.bitmapStart + sb.bitmapBlocks &&
    sb.inodeBitmapBlocks === Math.ceil(sb.nrInodes / BITMAP_BITS) &&
    sb.stateBlock === sb.inodeBitmapStart + sb.inodeBitmapBlocks &&
    sb.inodeTableStart === sb.stateBlock + 1 &&
    sb.nrInodes === sb.inodeTableBlocks * INODES_PER_BLOCK &&
    sb.dataStart === sb.inodeTableStart + sb.inodeTableBlocks &&
    sb.dataStart < nrBlocks - 1 &&
    sb.rootIno === ROOT_INO;
  return ordered ? null : 'describes areas that do not fit each other';
}

function readCopy(partition: Partition, index: 0 | 1): Copy {
  const block = superblockCopies(partition.nrBlocks)[index];
  const bytes = partition.read(block, 0, SUPERBLOCK_LEN);
  const values = constant(decode(superblockLayout, bytes));
  const wrong = wrongIn(values, bytes, partition.nrBlocks);
  const name = `superblock copy ${index} (block ${block})`;
  return { name, values, wrong, looksLikeOne: values.magic === SUPERBLOCK_MAGIC };
}

export interface FoundSuperblock {
  readonly values: SuperblockValues;
  /** What is wrong with the other copy, which writeSuperblock makes anew; null: nothing. */
  readonly damage: string | null;
}

/** The newer of the intact copies. EINVAL: there is no file system; EUCLEAN: both are damaged. */
export function findSuperblock(partition: Partition): FoundSuperblock {
  if (partition.nrBlocks < MIN_BLOCKS) {
    throw new Errno('EINVAL', `mount: ${partition.nrBlocks} blocks do not hold a file system`);
  }
  const copies = [readCopy(partition, 0), readCopy(partition, 1)] as const;
  if (!copies.some((copy) => copy.looksLikeOne)) {
    throw new Errno('EINVAL', `mount: no file system here: ${copies[0].name} ${copies[0].wrong}`);
  }
  const damaged = copies.filter((copy) => copy.wrong !== null);
  const what = damaged.map((copy) => `${copy.name} ${copy.wrong}`).join('; ');
  const [best] = copies
    .filter((copy) => copy.wrong === null)
    .sort((a, b) => b.values.sequence - a.values.sequence);
  if (best === undefined) throw new Errno('EUCLEAN', `mount: ${what}`);
  return { values: best.values, damage: damaged.length > 0 ? what : null };
}
