// Which blocks are free: the bitmap on the device, and beside it, in memory, the busy blocks.
//
//   free --alloc--> used --free--> free
//                     `--freeBusy--> busy --idle--> free
//
// A busy block is free on the device and skipped by the allocator, because somebody still holds a
// reference to its page (facts 9.2: EXTENT_BUSY_DAX). The lowest run that is long enough is handed
// out first; so freed blocks are soon used again, as they are on a small XFS. What has to be
// durable before such a block may be stored to is the journal's affair (JournalHandle.take).

import assert from 'node:assert/strict';
import { Errno } from '../errno.js';
import { DiskBitmap } from './disk-bitmap.js';
import type { BlockRun } from './extent.js';
import type { SuperblockValues } from './format.js';
import type { BlockUse, Journal, JournalHandle } from './journal.js';

/** Blocks that only metadata may take, so that a full file system can still be emptied. */
export const RESERVED_BLOCKS = 4;

/** copy: data that may take the blocks kept for metadata. */
export type AllocationUse = BlockUse | 'copy';

export class BlockAllocator {
  readonly #sb: SuperblockValues;
  readonly #used: DiskBitmap;
  readonly #busy = new Set<number>();
  #nrFree: number;
  /** No block below can be had. */
  #lowest: number;

  /** nrFree: what the bitmap calls free, as the state block has it. */
  constructor(sb: SuperblockValues, journal: Pick<Journal, 'read'>, nrFree: number) {
    this.#sb = sb;
    this.#used = new DiskBitmap(journal, sb.bitmapStart, sb.nrBlocks);
    this.#nrFree = nrFree;
    this.#lowest = sb.dataStart;
  }

  /** Blocks that may be allocated now. */
  get nrFree(): number {
    return this.#nrFree;
  }

  /** Blocks that are free on the device and wait for a reference to drop. */
  get nrBusy(): number {
    return this.#busy.size;
  }

  isUsed(block: number): boolean {
    return this.#used.get(block);
  }

  /** Whether every block of a run is in use. */
  allUsed(run: BlockRun): boolean {
    return this.#used.all(run.block, run.nrBlocks, true);
  }

  isBusy(block: number): boolean {
    return this.#busy.has(block);
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
    const runs = this.find(nrBlocks, use, goal);
    for (const run of runs) this.take(handle, run, use);
    return runs;
  }

  /** What alloc would take. ENOSPC. */
  find(nrBlocks: number, use: AllocationUse, goal = 0): BlockRun[] {
    assert(nrBlocks > 0, 'allocator: no blocks asked for');
    this.checkSpace(nrBlocks, use);
    return this.#findRun(nrBlocks, goal) ?? this.#findPieces(nrBlocks);
  }

  /** Take a run, or a part of one, that find() just found. */
  take(handle: JournalHandle, run: BlockRun, use: AllocationUse): void {
    handle.take(run, use === 'metadata' ? 'metadata' : 'data');
    this.#used.set(handle, run.block, run.nrBlocks, true);
    this.#nrFree -= run.nrBlocks;
  }

  /** Give runs back; they may be handed out again at once. */
  free(handle: JournalHandle, runs: readonly BlockRun[], use: BlockUse): void {
    for (const run of runs) {
      this.#setFree(handle, run, use);
      this.#nrFree += run.nrBlocks;
    }
  }

  /** Give one block back on the device, but hand it out only after `setIdle`. */
  freeBusy(handle: JournalHandle, block: number): void {
    this.#setFree(handle, { block, nrBlocks: 1 }, 'data');
    this.#busy.add(block);
  }

  #setFree(handle: JournalHandle, run: BlockRun, use: BlockUse): void {
    const { block, nrBlocks } = run;
    const inside = this.isData(block) && this.isData(block + nrBlocks - 1);
    if (!inside) assert.fail(`allocator: block ${block}`);
    handle.give(run, use);
    this.#used.set(handle, block, nrBlocks, false);
    this.#lowest = Math.min(this.#lowest, block);
  }

  /** The last reference to a busy block is gone. */
  setIdle(block: number): void {
    if (!this.#busy.delete(block)) assert.fail(`allocator: block ${block} is not busy`);
    this.#nrFree += 1;
    this.#lowest = Math.min(this.#lowest, block);
  }

  /** A free block that a dead opener of the device may still reach: busy until the next mount. */
  quarantine(block: number): void {
    if (this.isUsed(block) || this.isBusy(block)) return;
    this.#busy.add(block);
    this.#nrFree -= 1;
  }

  /** The next block from `from` on that may be taken; nrBlocks - 1, the last copy, if none. */
  #nextAvailable(from: number): number {
    const end = this.#sb.nrBlocks - 1;
    let block = this.#used.next(from, false, end);
    while (block < end && this.#busy.has(block)) block = this.#used.next(block + 1, false, end);
    return block;
  }

  #runAt(block: number, most: number): number {
    const end = Math.min(block + most, this.#sb.nrBlocks - 1);
    let to = this.#used.next(block, true, end);
    for (const busy of this.#busy) if (busy >= block && busy < to) to = busy;
    return to - block;
  }

  #findRun(nrBlocks: number, goal: number): BlockRun[] | null {
    if (goal > 0 && this.isData(goal) && this.#runAt(goal, nrBlocks) === nrBlocks) {
      return [{ block: goal, nrBlocks }];
    }
    let block = this.#nextAvailable(this.#lowest);
    this.#lowest = block;
    while (block < this.#sb.nrBlocks - 1) {
      const n = this.#runAt(block, nrBlocks);
      if (n === nrBlocks) return [{ block, nrBlocks }];
      block = this.#nextAvailable(block + n);
    }
    return null;
  }

  #findPieces(nrBlocks: number): BlockRun[] {
    const runs: BlockRun[] = [];
    let left = nrBlocks;
    let block = this.#nextAvailable(this.#lowest);
    while (left > 0) {
      // The count said that there are enough: a map with less is damaged.
      if (block >= this.#sb.nrBlocks - 1) {
        throw new Errno('EUCLEAN', `the map has ${left} free blocks less than were counted`);
      }
      const n = this.#runAt(block, left);
      runs.push({ block, nrBlocks: n });
      left -= n;
      block = this.#nextAvailable(block + n);
    }
    return runs;
  }
}
