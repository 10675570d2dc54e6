// The info block: what a device file is, and where in it everything lies.
//
// A device file is laid out like a pmem namespace that keeps its page map on the device. All
// numbers are little-endian; positions are bytes from the start of the file. nrGroups =
// ceil(nrPages / 512).
//
//   position          bytes                  unit            what
//   0                 4096                                   info block, written once, checksummed:
//     0                 8                    bytes             magic 'LEASEHLD'
//     8                 4                    number            version, 1
//     12                4                    bytes             page size, 4096
//     16                8                    bytes             data bytes (size)
//     24                8                    pages             nrPages = size / 4096
//     32                4                    number            nrSlots, 16
//     36                4                    pages             pages per group, 512
//     40                8 each               position          openers, tallies, summary, counters,
//                                                              meta, data, then the file's length
//     96                16                   bytes             uuid
//     4092              4                    number            CRC-32 of bytes [0, 4092)
//   openersPos 4096   64 per slot, 16 slots                  who has it open (dax-openers.ts)
//     +0                4                    number            pid; 0: the slot is free
//     +8                8                    clock ticks       start time (/proc/<pid>/stat, 22)
//   mountPos 5120     4                      number          pid of who mounted it; 0: nobody
//     +4                4                    number            mounts so far, modulo 2^32
//   talliesPos 8192   8 * nrGroups per slot  references|pins references by opener and group
//   summaryPos        8 * nrGroups           references      references beyond idle by group
//   countersPos       8 * nrPages            references|pins page words (native/page_counters.h)
//   metaPos           32 * nrPages           8 u32 a page    mapcount, flags, owner (page-meta.ts)
//   dataPos           size                   bytes           the data, page 0 first
//
// Each part starts on a page; the data on 2 MiB where it is 16 MiB or longer, so that huge pages
// could map it. A word marked references|pins holds references in its low half and pins in its high
// half. Locks (F_OFD_SETLK) are taken on byte 0 while opening, on the first byte of an opener's
// record while it lives, and on byte mountPos while mounted.

import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

import { constant } from '../constant.js';
import { Errno } from '../errno.js';
import { MiB, PAGE_SIZE } from '../units.js';

export const NR_SLOTS = 16;
export const SLOT_SIZE = 64;
export const GROUP_PAGES = 512;
/** u32 per page of the meta array. */
export const META_WORDS = 8;

const magic = 'LEASEHLD';
const version = 1;
const checksumPos = PAGE_SIZE - 4;
const minSize = 16 * PAGE_SIZE;
/** 1 TiB: half of the page numbers that an entry can hold (pte.ts), so that RAM finds room too. */
const maxSize = 2 ** 28 * PAGE_SIZE;
const hugePageSize = 2 * MiB;
const hugePageMinSize = 16 * MiB;

/** Where the parts of a device with `size` data bytes lie. */
export interface DaxLayout {
  readonly size: number;
  readonly nrPages: number;
  readonly nrGroups: number;
  readonly openersPos: number;
  readonly mountPos: number;
  readonly talliesPos: number;
  readonly summaryPos: number;
  readonly countersPos: number;
  readonly metaPos: number;
  readonly dataPos: number;
  readonly fileLen: number;
}

/** Refuse what cannot be the data bytes of a device: EINVAL naming `size`. */
export function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < minSize || size > maxSize || size % PAGE_SIZE !== 0) {
    throw new Errno(
      'EINVAL',
      `size ${String(size)}: must be a multiple of ${PAGE_SIZE}, ` +
        `from ${minSize} to ${maxSize} bytes`,
    );
  }
}

/** The layout follows from the size alone. */
export function layoutOf(size: number): DaxLayout {
  const nrPages = size / PAGE_SIZE;
  const nrGroups = Math.ceil(nrPages / GROUP_PAGES);
  let end = 0;
  const part = (len: number, align = PAGE_SIZE): number => {
    const pos = Math.ceil(end / align) * align;
    end = pos + len;
    return pos;
  };
  part(PAGE_SIZE);
  const openersPos = part(PAGE_SIZE);
  const talliesPos = part(NR_SLOTS * nrGroups * 8);
  const summaryPos = part(nrGroups * 8);
  const countersPos = part(nrPages * 8);
  const metaPos = part(nrPages * META_WORDS * 4);
  const dataPos = part(size, size >= hugePageMinSize ? hugePageSize : PAGE_SIZE);
  return constant({
    size,
    nrPages,
    nrGroups,
    openersPos,
    mountPos: openersPos + NR_SLOTS * SLOT_SIZE,
    talliesPos,
    summaryPos,
    countersPos,
    metaPos,
    dataPos,
    fileLen: end,
  });
}

/** Where something stands before the data; between these parts there are zeros, for good. */
export function headerParts(layout: DaxLayout): readonly { pos: number; len: number }[] {
  const { nrPages, nrGroups, openersPos, mountPos, talliesPos } = layout;
  return [
    { pos: 0, len: PAGE_SIZE },
    { pos: openersPos, len: mountPos + 8 - openersPos },
    { pos: talliesPos, len: NR_SLOTS * nrGroups * 8 },
    { pos: layout.summaryPos, len: nrGroups * 8 },
    { pos: layout.countersPos, len: nrPages * 8 },
    { pos: layout.metaPos, len: nrPages * META_WORDS * 4 },
  ];
}

function positionsOf(layout: DaxLayout): number[] {
  const { openersPos, talliesPos, summaryPos, countersPos, metaPos, dataPos, fileLen } = layout;
  return [openersPos, talliesPos, summaryPos, countersPos, metaPos, dataPos, fileLen];
}

/** The page to write at position 0 of a new device. */
export function encodeInfoBlock(layout: DaxLayout): Uint8Array {
  const block = Buffer.alloc(PAGE_SIZE);
  block.write(magic, 0, 'latin1');
  block.writeUInt32LE(version, 8);
  block.writeUInt32LE(PAGE_SIZE, 12);
  block.writeBigUInt64LE(BigInt(layout.size), 16);
  block.writeBigUInt64LE(BigInt(layout.nrPages), 24);
  block.writeUInt32LE(NR_SLOTS, 32);
  block.writeUInt32LE(GROUP_PAGES, 36);
  positionsOf(layout).forEach((pos, i) => block.writeBigUInt64LE(BigInt(pos), 40 + 8 * i));
  randomBytes(16).copy(block, 96);
  block.writeUInt32LE(crc32(block.subarray(0, checksumPos)), checksumPos);
  return block;
}

/** Read an info block. EUCLEAN naming path for anything that encodeInfoBlock would not write. */
export function decodeInfoBlock(page: Uint8Array, path: string): DaxLayout {
  const damaged = (what: string) => new Errno('EUCLEAN', `${path}: info block: ${what}`);
  const block = Buffer.from(page);
  if (block.length !== PAGE_SIZE) throw damaged(`${block.length} bytes, not ${PAGE_SIZE}`);
  if (block.toString('latin1', 0, 8) !== magic) throw damaged('not a leasehold device');
  if (crc32(block.subarray(0, checksumPos)) !== block.readUInt32LE(checksumPos)) {
    throw damaged('bad checksum');
  }
  const found = block.readUInt32LE(8);
  if (found !== version) throw damaged(`version ${found}, this is version ${version}`);
  const size = Number(block.readBigUInt64LE(16));
  try {
    checkSize(size);
  } catch (cause) {
    throw new Errno('EUCLEAN', `${path}: info block: size ${size}`, { cause });
  }
  const layout = layoutOf(size);
  const agrees =
    block.readUInt32LE(12) === PAGE_SIZE &&
    block.readUInt32LE(32) === NR_SLOTS &&
    block.readUInt32LE(36) === GROUP_PAGES &&
    block.readBigUInt64LE(24) === BigInt(layout.nrPages) &&
    positionsOf(layout).every((pos, i) => block.readBigUInt64LE(40 + 8 * i) === BigInt(pos));
  if (!agrees) throw damaged('positions do not follow from the size');
  return layout;
}
