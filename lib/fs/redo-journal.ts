// A journal with a redo log: whatever instant the machine stops at, the next mount finds the
// transactions up to one of them, whole, and every one that commit() returned for.
//
//   done --commit--> in the log, durable --stored in place--> --checkpoint--> in place, durable
//
//   commit       flush ordered data -> log: body, flush, commit mark, flush -> store in place
//   checkpoint   flush what was stored in place -> the log's space is free again
//
// Transactions that are done wait together in memory, as images of blocks, and become one record.
// Only the bytes that changed are logged; a block that was free before is logged whole.
//
// A block is stored to before its new owner is durable, never before its old owner has durably let
// go of it: data that takes a block which an uncommitted transaction freed has that committed
// first. A block that held metadata may stand in the log, and a replay would write over the data:
// it is checkpointed first. Blocks of metadata are only stored to after a commit and need neither.

import assert from 'node:assert/strict';
import { Errno } from '../errno.js';
import type { Task } from '../sched/task.js';
import { Scratch } from '../scratch.js';
import type { BlockRun } from './extent.js';
import { BLOCK_SIZE } from './format.js';
import {
  BLOCK_COST,
  BlockImage,
  ImageHandle,
  runChange,
  type BlockUse,
  type Journal,
  type JournalHandle,
} from './journal.js';
import { recordLen, type JournalLog, type LoggedWrite } from './journal-log.js';
import type { Partition } from './partition.js';
import { flushRuns, type Persistence } from './persistence.js';

/** Unchanged bytes between two changed ones that are logged rather than split a write. */
const GAP = 16;
/** Freed runs that are remembered before a commit, or a checkpoint, forgets them. */
const MAX_GIVEN = 512;
/** Images that nobody needs any more and that are kept for the next transactions. */
const MAX_SPARE = 8;
/** Those that there are from the start: two transactions of a few blocks, one not committed. */
const NR_SPARE = 6;

const newScratch = (): Scratch => new Scratch(new Uint8Array(BLOCK_SIZE));

const touches = (a: BlockRun, b: BlockRun): boolean =>
  a.block < b.block + b.nrBlocks && b.block < a.block + a.nrBlocks;

const wordsOf = (image: Uint8Array): Uint32Array =>
  new Uint32Array(image.buffer, image.byteOffset, BLOCK_SIZE / 4);

/** What differs between two images of a block, each in aligned memory. */
export function changesOf(block: number, before: Uint8Array, after: Uint8Array): LoggedWrite[] {
  const writes: LoggedWrite[] = [];
  const wordsBefore = wordsOf(before);
  const wordsAfter = wordsOf(after);
  for (let at = 0; at < BLOCK_SIZE;) {
    if (at % 4 === 0 && wordsBefore[at / 4] === wordsAfter[at / 4]) {
      at += 4;
      continue;
    }
    if (before[at] === after[at]) {
      at += 1;
      continue;
    }
    let end = at + 1;
    for (let i = end; i < BLOCK_SIZE && i < end + GAP; i++) if (before[i] !== after[i]) end = i + 1;
    writes.push({ block, offset: at, bytes: after.subarray(at, end) });
    at = end;
  }
  return writes;
}

export class RedoJournal implements Journal {
  readonly #partition: Partition;
  readonly #log: JournalLog;
  readonly #persistence: Persistence;
  /** Done, not committed. */
  #running = new Map<number, BlockImage>();
  #ordered: BlockRun[] = [];
  /** Freed by a transaction that is not committed. */
  #uncommitted: BlockRun[] = [];
  /** Held metadata, freed, and may stand in the log. */
  #logged: BlockRun[] = [];
  /** Stored in place, not flushed. */
  readonly #inPlace = new Set<number>();
  readonly #spare = Array.from({ length: NR_SPARE }, newScratch);

  constructor(partition: Partition, log: JournalLog, persistence: Persistence) {
    this.#partition = partition;
    this.#log = log;
    this.#persistence = persistence;
  }

  get capacity(): number {
    return this.#log.capacity;
  }

  /** Put everything in its place that the log says. Before anything else; how many records. */
  recover(wasUnmounted = false): number {
    const records = this.#log.recover(wasUnmounted);
    for (const writes of records) this.#store(writes);
    // Which blocks held metadata is not known any more: none of it may be replayed again.
    this.#emptyLog(true);
    return records.length;
  }

  read(block: number, offset: number, len: number): Uint8Array {
    const image = this.#running.get(block);
    if (image === undefined) return this.#partition.read(block, offset, len);
    return image.bytes.slice(offset, offset + len);
  }

  async transaction<T>(_task: Task | null, change: (handle: JournalHandle) => T): Promise<T> {
    const handle = new ImageHandle(
      (block) => this.#imageOf(block),
      (run, use) => this.#take(handle, run, use),
    );
    const result = runChange(handle, change);
    this.#add(handle);
    return result;
  }

  /** A block as the transactions that are done left it. */
  #imageOf(block: number): Uint8Array {
    const image = (this.#spare.pop() ?? newScratch()).bytes;
    const running = this.#running.get(block);
    if (running !== undefined) image.set(running.bytes);
    else this.#partition.readInto(block, 0, image);
    return image;
  }

  /** Nobody reads this image again. */
  #spent(image: BlockImage): void {
    if (this.#spare.length < MAX_SPARE) this.#spare.push(new Scratch(image.bytes));
  }

  /** Wait, if need be, until nobody's bytes are harmed when the run is stored to. */
  #take(handle: ImageHandle, run: BlockRun, use: BlockUse): void {
    if (use === 'metadata') return;
    const own = handle.given.some((given) => touches(given, run));
    if (own) throw new Errno('EIO', 'journal: data in a block that its transaction freed');
    if (this.#logged.some((given) => touches(given, run))) this.checkpoint();
    else if (this.#uncommitted.some((given) => touches(given, run))) this.commit();
  }

  /** A transaction is done. What came before is committed first if both do not fit one record. */
  #add(handle: ImageHandle): void {
    const { capacity } = this.#log;
    const together = this.#running.size + handle.images.size;
    if (this.#running.size > 0 && together * BLOCK_COST > capacity) this.commit();
    if (handle.images.size * BLOCK_COST > capacity) this.#checkFits(handle.images);
    for (const [block, image] of handle.images) {
      const before = this.#running.get(block);
      const whole = image.whole || before?.whole === true;
      const same = whole === image.whole;
      this.#running.set(block, same ? image : new BlockImage(image.bytes, whole));
      if (before !== undefined) this.#spent(before);
    }
    this.#ordered.push(...handle.ordered);
    for (const { use, ...run } of handle.given) {
      this.#uncommitted.push(run);
      if (use === 'metadata') this.#logged.push(run);
      for (const block of this.#running.keys()) {
        if (touches({ block, nrBlocks: 1 }, run) && !handle.images.has(block)) {
          this.#running.delete(block);
        }
      }
    }
    if (this.#logged.length > MAX_GIVEN) this.checkpoint();
    else if (this.#running.size * BLOCK_COST > capacity / 2) this.commit();
    else if (this.#uncommitted.length > MAX_GIVEN || this.#ordered.length > MAX_GIVEN) {
      this.commit();
    }
  }

  /** Whoever begins a change that may be long asks transaction-size.ts first. */
  #checkFits(images: ReadonlyMap<number, BlockImage>): void {
    const len = recordLen(this.#writesOf(images));
    if (len > this.#log.capacity) assert.fail(`journal: a transaction of ${len} bytes is too long`);
  }

  #writesOf(images: ReadonlyMap<number, BlockImage>): LoggedWrite[] {
    const before = (this.#spare.pop() ?? newScratch()).bytes;
    const writes: LoggedWrite[] = [];
    for (const [block, { bytes, whole }] of images) {
      if (whole) {
        writes.push({ block, offset: 0, bytes });
      } else {
        this.#partition.readInto(block, 0, before);
        writes.push(...changesOf(block, before, bytes));
      }
    }
    this.#spare.push(new Scratch(before));
    return writes;
  }

  commit(): void {
    const writes = this.#writesOf(this.#running);
    flushRuns(this.#persistence, this.#ordered);
    if (writes.length > 0) {
      if (recordLen(writes) > this.#log.free) this.#emptyLog();
      this.#log.append(writes);
      this.#store(writes);
    }
    for (const image of this.#running.values()) this.#spent(image);
    this.#running = new Map();
    this.#ordered = [];
    this.#uncommitted = [];
  }

  #store(writes: readonly LoggedWrite[]): void {
    for (const { block, offset, bytes } of writes) {
      this.#partition.write(block, offset, bytes);
      this.#inPlace.add(block);
    }
  }

  /** What the log says is in its place, durably; the log is empty. */
  #emptyLog(forGood = false): void {
    flushRuns(
      this.#persistence,
      [...this.#inPlace].map((block) => ({ block, nrBlocks: 1 })),
    );
    this.#inPlace.clear();
    this.#log.release(forGood);
  }

  checkpoint(): void {
    this.commit();
    this.#emptyLog(this.#logged.length > 0);
    this.#logged = [];
  }
}
