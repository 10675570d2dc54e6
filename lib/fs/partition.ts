// The part of a device that one file system lives on: blocks in, bytes out. A block is a page of
// the device, so its number and its pfn differ by a constant. Positions are checked here once.

import assert from 'node:assert/strict';
import { isErrno } from '../errno.js';
import type { Pfn } from '../units.js';
import { BLOCK_SIZE } from './format.js';

/** The bytes of pages, as lib/mm's PageSpace has them: pos counts from the first page listed. */
export interface PageBytes {
  read(pfns: Uint32Array, pos: number, target: Uint8Array): void;
  write(pfns: Uint32Array, pos: number, source: Uint8Array): void;
  fill(pfns: Uint32Array, pos: number, len: number, byte: number): void;
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
  write(block: number, offset: number, bytes: Uint8Array): void;
  zero(block: number, nrBlocks: number): void;
}

/** The partition of nrBlocks pages that begins at page firstPfn. */
export function partitionOf(bytes: PageBytes, firstPfn: Pfn, nrBlocks: number): Partition {
  const check = (block: number, offset: number, len: number): void => {
    assert(
      block >= 0 && offset >= 0 && block * BLOCK_SIZE + offset + len <= nrBlocks * BLOCK_SIZE,
      `partition: ${len} bytes at block ${block} + ${offset}`,
    );
  };
  const pfnsFor = (block: number, offset: number, len: number): Uint32Array => {
    check(block, offset, len);
    const nr = Math.max(1, Math.ceil((offset + len) / BLOCK_SIZE));
    const pfns = new Uint32Array(nr);
    for (let i = 0; i < nr; i++) pfns[i] = firstPfn + block + i;
    return pfns;
  };
  return {
    nrBlocks,
    pfnOf: (block) => firstPfn + block,
    blockOf: (pfn) => pfn - firstPfn,
    read(block, offset, len) {
      const target = new Uint8Array(len);
      bytes.read(pfnsFor(block, offset, len), offset, target);
      return target;
    },
    write(block, offset, source) {
      bytes.write(pfnsFor(block, offset, source.length), offset, source);
    },
    zero(block, nr) {
      bytes.fill(pfnsFor(block, 0, nr * BLOCK_SIZE), 0, nr * BLOCK_SIZE, 0);
    },
  };
}

/** The same over a device that no machine has numbered: for mkfs and fsck. */
export function devicePartition(device: DeviceBytes, startPos: number, len: number): Partition {
  const posOfBlock = (block: number, offset: number, n: number): number => {
    const pos = block * BLOCK_SIZE + offset;
    assert(pos >= 0 && pos + n <= len, `partition: ${n} bytes at block ${block} + ${offset}`);
    return startPos + pos;
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
