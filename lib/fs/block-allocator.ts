// Which blocks are free: the bitmap on the device, and beside it, in memory, the busy blocks.
//
//   free --alloc--> used --free--> free
//                     `--freeBusy--> busy --idle--> free
//
// A busy block is free on the device and skipped by the allocator, because somebody still holds a
// reference to its page (facts 9.2: EXTENT_BUSY_DAX). The lowest run that is long enough is handed
// out first; so freed blocks are soon used again, as they are on a small XFS.

import assert from 'node:assert/strict';
import { Errno } from '../errno.js';
import type { BlockRun } from './extent.js';
import { BLOCK_SIZE, type SuperblockValues } from './format.js';
import type { JournalHandle } from './journal.js';
import type { Partition } from './partition.js';

/** Blocks that only metadata may take, so that a full file system can still be emptied. */
export const RESERVED_BLOCKS = 4;

export type AllocationUse = 'data' | 'metadata';

export class BlockAllocator {
  readonly #sb: SuperblockValues;
  /** One byte per eight blocks, as on the device. */
  readonly #used: Uint8Array;
  readonly #busy: Uint8Array;
  readonly #dirty = new Set<number>();
  #nrFree: number;
  #nrBusy = 0;

  constructor(sb: SuperblockValues, bitmap: Uint8Array) {
    this.#sb = sb;
    this.#used = bitmap;
    this.#busy = new Uint8Array(bitmap.length);
    this.#nrFree = 0;
    for (let block = 0; block < sb.nrBlocks; block++) {
      if (!this.isUsed(block)) this.#nrFree += 1;
    }
  }

  /** Read the map of a mounted file system. */
  static load(sb: SuperblockValues, partition: Partition): BlockAllocator {
    return new BlockAllocator(sb, partition.read(sb.bitmapStart, 0, sb.bitmapBlocks * BLOCK_SIZE));
  }

  /** The map of an empty file system: its own areas and both superblocks are in use. */
  static fresh(sb: SuperblockValues): BlockAllocator {
    const bitmap = new Uint8Array(sb.bitmapBlocks * BLOCK_SIZE);
    const take = (block: number): void => {
      bitmap[block >>> 3]! |= 1 << (block & 7);
    };
    for (let block = 0; block < sb.dataStart; block++) take(block);
    for (let block = sb.nrBlocks - 1; block < bitmap.length * 8; block++) take(block);
    return new BlockAllocator(sb, bitmap);
  }

  get bitmap(): Uint8Array {
    return this.#used;
  }

  /** Blocks that may be allocated now. */
  get nrFree(): number {
    return this.#nrFree;
  }

  /** Blocks that are free on the device and wait for a reference to drop. */
  get nrBusy(): number {
    return this.#nrBusy;
  }

  isUsed(block: number): boolean {
    return (this.#used[block >>> 3]! & (1 << (block & 7))) !== 0;
  }

  isBusy(block: number): boolean {
    return (this.#busy[block >>> 3]! & (1 << (block & 7))) !== 0;
  }

  isData(block: number): boolean {
    return block >= this.#sb.dataStart && block < this.#sb.nrBlocks - 1;
  }

  /** ENOSPC unless nrBlocks more can be had. Asked before a change begins. */
  checkSpace(nrBlocks: number, use: AllocationUse): void {
    const left = use === 'data' ? this.#nrFree - RESERVED_BLOCKS : this.#nrFree;
    if (nrBlocks > left) {
      throw new Errno('ENOSPC', `${nrBlocks} blocks wanted, ${Math.max(left, 0)} are free`);
    }
  }

  /**
   * Take nrBlocks, in one run from goal on or the lowest run that is long enough, else in pieces,
   * lowest first. ENOSPC: nothing was taken.
   */
  alloc(handle: JournalHandle, nrBlocks: number, use: AllocationUse, goal = 0): BlockRun[] {
    assert(nrBlocks > 0, 'allocator: no blocks asked for');
    this.checkSpace(nrBlocks, use);
    const runs = this.#findRun(nrBlocks, goal) ?? this.#findPieces(nrBlocks);
    for (const run of runs) this.#setUsed(run, true);
    this.#nrFree -= nrBlocks;
    this.#writeDirty(handle);
    return runs;
  }

  /** Give runs back; they may be handed out again at once. */
  free(handle: JournalHandle, runs: readonly BlockRun[]): void {
    for (const run of runs) {
      this.#setUsed(run, false);
      this.#nrFree += run.nrBlocks;
    }
    this.#writeDirty(handle);
  }

  /** Give one block back on the device, but hand it out only after `setIdle`. */
  freeBusy(handle: JournalHandle, block: number): void {
    this.#setUsed({ block, nrBlocks: 1 }, false);
    this.#busy[block >>> 3]! |= 1 << (block & 7);
    this.#nrBusy += 1;
    this.#writeDirty(handle);
  }

  /** The last reference to a busy block is gone. */
  setIdle(block: number): void {
    assert(this.isBusy(block), `allocator: block ${block} is not busy`);
    this.#busy[block >>> 3]! &= ~(1 << (block & 7));
    this.#nrBusy -= 1;
    this.#nrFree += 1;
  }

  /** A free block that a dead opener of the device may still reach: busy until the next mount. */
  quarantine(block: number): void {
    if (this.isUsed(block) || this.isBusy(block)) return;
    this.#busy[block >>> 3]! |= 1 << (block & 7);
    this.#nrBusy += 1;
    this.#nrFree -= 1;
  }

  #available(block: number): boolean {
    const at = block >>> 3;
    return ((this.#used[at]! | this.#busy[at]!) & (1 << (block & 7))) === 0;
  }

  /** The next block from `from` on that may be taken; whole bytes in use are passed over. */
  #nextAvailable(from: number): number {
    const end = this.#sb.nrBlocks;
    let block = from;
    while (block < end) {
      if ((block & 7) === 0 && (this.#used[block >>> 3]! | this.#busy[block >>> 3]!) === 0xff) {
        block += 8;
      } else if (this.#available(block)) {
        return block;
      } else {
        block += 1;
      }
    }
    return end;
  }

  #runAt(block: number, most: number): number {
    let n = 0;
    while (n < most && block + n < this.#sb.nrBlocks && this.#available(block + n)) n += 1;
    return n;
  }

  #findRun(nrBlocks: number, goal: number): BlockRun[] | null {
    if (goal > 0 && this.isData(goal) && this.#runAt(goal, nrBlocks) === nrBlocks) {
      return [{ block: goal, nrBlocks }];
    }
    let block = this.#nextAvailable(this.#sb.dataStart);
    while (block < this.#sb.nrBlocks) {
      const n = this.#runAt(block, nrBlocks);
      if (n === nrBlocks) return [{ block, nrBlocks }];
      block = this.#nextAvailable(block + n);
    }
    return null;
  }

  #findPieces(nrBlocks: number): BlockRun[] {
    const runs: BlockRun[] = [];
    let left = nrBlocks;
    let block = this.#nextAvailable(this.#sb.dataStart);
    while (left > 0) {
      assert(block < this.#sb.nrBlocks, 'allocator: fewer free blocks than counted');
      const n = this.#runAt(block, left);
      runs.push({ block, nrBlocks: n });
      left -= n;
      block = this.#nextAvailable(block + n);
    }
    return runs;
  }

  #setUsed(run: BlockRun, used: boolean): void {
    for (let block = run.block; block < run.block + run.nrBlocks; block++) {
      assert(this.isData(block), `allocator: block ${block} is no data block`);
      assert(this.isUsed(block) !== used, `allocator: block ${block} is ${used ? 'used' : 'free'}`);
      if (used) this.#used[block >>> 3]! |= 1 << (block & 7);
      else this.#used[block >>> 3]! &= ~(1 << (block & 7));
      this.#dirty.add(block >>> 6);
    }
  }

  /** Journal the words of the map that changed, eight bytes each. */
  #writeDirty(handle: JournalHandle): void {
    for (const word of this.#dirty) {
      const at = word * 8;
      const block = this.#sb.bitmapStart + Math.floor(at / BLOCK_SIZE);
      handle.write(block, at % BLOCK_SIZE, this.#used.subarray(at, at + 8));
    }
    this.#dirty.clear();
  }
}
