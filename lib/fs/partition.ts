// The part of a device that one file system lives on: blocks in, bytes out. A block is a page of
// the device, so its number and its pfn differ by a constant. Positions are checked here once.

import assert from 'node:assert/strict';
import { constant } from '../constant.js';
import { isErrno } from '../errno.js';
import type { PageList } from '../mm/page-bytes.js';
import type { Pfn } from '../units.js';
import { BLOCK_SIZE } from './format.js';

/** The bytes of pages, as lib/mm's PageSpace has them: pos counts from the first page listed. */
export interface PageBytes {
  read(pfns: PageList, pos: number, target: Uint8Array): void;
  write(pfns: PageList, pos: number, source: Uint8Array): void;
  fill(pfns: PageList, pos: number, len: number, byte: number): void;
}

/** The bytes of a device file, as lib/mm's DaxDevice has them. */
export interface DeviceBytes {
  read(pos: number, target: Uint8Array): void;
  write(pos: number, source: Uint8Array): void;
  /** Make bytes read as zero and give their blocks back to the host. EOPNOTSUPP. */
  punch?(pos: number, len: number): void;
  fill(pos: number, len: number, byte: number): void;
}

export interface Partition {
  readonly nrBlocks: number;
  pfnOf(block: number): Pfn;
  blockOf(pfn: Pfn): number;
  /** A copy of len bytes from offset of block on; may reach into further blocks. */
  read(block: number, offset: number, len: number): Uint8Array;
  /** The same, into memory that there is. */
  readInto(block: number, offset: number, target: Uint8Array): void;
  write(block: number, offset: number, bytes: Uint8Array): void;
  zero(block: number, nrBlocks: number): void;
}

/** The partition of nrBlocks pages that begins at page firstPfn. */
export function partitionOf(bytes: PageBytes, firstPfn: Pfn, nrBlocks: number): Partition {
  const check = (block: number, offset: number, len: number): void => {
    if (block >= 0 && offset >= 0 && block * BLOCK_SIZE + offset + len <= nrBlocks * BLOCK_SIZE) {
      return;
    }
    assert.fail(`partition: ${len} bytes at block ${block} + ${offset}`);
  };
  /** The pages of these bytes, from the one that they begin in. */
  const pagesOf = (block: number, offset: number, len: number): PageList => {
    check(block, offset, len);
    const first = firstPfn + block + Math.floor(offset / BLOCK_SIZE);
    const nr = Math.ceil(((offset % BLOCK_SIZE) + len) / BLOCK_SIZE);
    if (nr <= 1) return first;
    const pfns = new Uint32Array(nr);
    for (let i = 0; i < nr; i++) pfns[i] = first + i;
    return pfns;
  };
  const readInto = (block: number, offset: number, target: Uint8Array): void => {
    bytes.read(pagesOf(block, offset, target.length), offset % BLOCK_SIZE, target);
  };
  return constant({
    nrBlocks,
    pfnOf: (block) => firstPfn + block,
    blockOf: (pfn) => pfn - firstPfn,
    read(block, offset, len) {
      const target = new Uint8Array(len);
      readInto(block, offset, target);
      return target;
    },
    readInto,
    write(block, offset, source) {
      bytes.write(pagesOf(block, offset, source.length), offset % BLOCK_SIZE, source);
    },
    zero(block, nr) {
      bytes.fill(pagesOf(block, 0, nr * BLOCK_SIZE), 0, nr * BLOCK_SIZE, 0);
    },
  });
}

/** The same over a device that no machine has numbered: for mkfs and fsck. */
export function devicePartition(device: DeviceBytes, startPos: number, len: number): Partition {
  const posOfBlock = (block: number, offset: number, n: number): number => {
    const pos = block * BLOCK_SIZE + offset;
    if (pos >= 0 && pos + n <= len) return startPos + pos;
    return assert.fail(`partition: ${n} bytes at block ${block} + ${offset}`);
  };
  return {
    nrBlocks: Math.floor(len / BLOCK_SIZE),
    pfnOf: (block) => startPos / BLOCK_SIZE + block,
    blockOf: (pfn) => pfn - startPos / BLOCK_SIZE,
    read(block, offset, n) {
      const target = new Uint8Array(n);
      device.read(posOfBlock(block, offset, n), target);
      return target;
    },
    readInto: (block, offset, target) =>
      device.read(posOfBlock(block, offset, target.length), target),
    write: (block, offset, source) =>
      device.write(posOfBlock(block, offset, source.length), source),
    zero: (block, nr) => zero(device, posOfBlock(block, 0, nr * BLOCK_SIZE), nr * BLOCK_SIZE),
  };
}

/** A hole costs nothing where nothing was written; not every host has them. */
function zero(device: DeviceBytes, pos: number, len: number): void {
  try {
    if (device.punch !== undefined) return device.punch(pos, len);
  } catch (e) {
    if (!isErrno(e, 'EOPNOTSUPP') && !isErrno(e, 'ENOSYS')) throw e;
  }
  device.fill(pos, len, 0);
}
