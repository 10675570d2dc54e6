// The seam through which every change of metadata goes: begin, write, commit.
//
//   begin -> open handle --write*--> done -> its writes are seen by every later read
//                                `-> abort  -> none is
//
// Inside a handle nothing waits: no pin, lease, fault or driver (section 3 of the design), so a
// transaction is one synchronous function between two points. A handle is opened after
// invalidate_lock. Transactions that are done are durable, all together and in order, when commit()
// returns (redo-journal.ts). The journal here keeps no log: it is for mkfs, fsck and tests.

import assert from 'node:assert/strict';
import type { Task } from '../sched/task.js';
import type { BlockRun } from './extent.js';
import { BLOCK_SIZE } from './format.js';
import type { Partition } from './partition.js';

/** What a block holds: data is stored in place at any time, metadata through the journal only. */
export type BlockUse = 'data' | 'metadata';

export interface JournalHandle {
  /** Bytes that shall stand at offset of block. They are copied. */
  write(block: number, offset: number, bytes: Uint8Array): void;
  /** Bytes of block as this transaction sees them: its own writes over what was there. */
  read(block: number, offset: number, len: number): Uint8Array;
  /** Blocks are about to be used that were free. Returns when it is safe to store to them. */
  take(run: BlockRun, use: BlockUse): void;
  /** Blocks become free with this transaction. */
  give(run: BlockRun, use: BlockUse): void;
  /** The bytes of these data blocks are to be durable before this transaction is. */
  order(run: BlockRun): void;
}

export interface Journal {
  /** Run change as one transaction. If it throws nothing of it is ever seen. */
  transaction<T>(task: Task | null, change: (handle: JournalHandle) => T): Promise<T>;
  /** Bytes of a metadata block as the transactions that are done left them. */
  read(block: number, offset: number, len: number): Uint8Array;
  /** Log bytes that one transaction may take; Infinity without a log. See logCost(). */
  readonly capacity: number;
  /** Every transaction that is done becomes durable. EIO. */
  commit(): void;
  /** The same, and every block of metadata is in its place: the log is empty. EIO. */
  checkpoint(): void;
}

/** Log bytes that a block takes at most. */
export const BLOCK_COST = BLOCK_SIZE + 16;

/** A block as a transaction, or several, want it. */
export class BlockImage {
  readonly bytes: Uint8Array;
  /** Nothing is known of what was there before: all of it counts as changed. */
  readonly whole: boolean;

  constructor(bytes: Uint8Array, whole: boolean) {
    this.bytes = bytes;
    this.whole = whole;
  }
}

/** The writes of one transaction, as images of the blocks they touch. */
export class ImageHandle implements JournalHandle {
  readonly images = new Map<number, BlockImage>();
  readonly given: (BlockRun & { readonly use: BlockUse })[] = [];
  readonly ordered: BlockRun[] = [];
  /** The bytes of a block as they are without this transaction, in memory of their own. */
  readonly #under: (block: number) => Uint8Array;
  readonly #taken: (run: BlockRun, use: BlockUse) => void;
  #open = true;

  constructor(
    under: (block: number) => Uint8Array,
    taken: (run: BlockRun, use: BlockUse) => void = () => {},
  ) {
    this.#under = under;
    this.#taken = taken;
  }

  write(block: number, offset: number, bytes: Uint8Array): void {
    assert(this.#open, 'journal: write outside its transaction');
    for (let done = 0; done < bytes.length;) {
      const at = offset + done;
      const into = block + Math.floor(at / BLOCK_SIZE);
      const room = BLOCK_SIZE - (at % BLOCK_SIZE);
      const rest = done === 0 ? bytes : bytes.subarray(done);
      const part = rest.length <= room ? rest : rest.subarray(0, room);
      this.#image(into).bytes.set(part, at % BLOCK_SIZE);
      done += part.length;
    }
  }

  #image(block: number): BlockImage {
    const known = this.images.get(block);
    if (known !== undefined) return known;
    const image = new BlockImage(this.#under(block), false);
    this.images.set(block, image);
    return image;
  }

  read(block: number, offset: number, len: number): Uint8Array {
    assert(offset + len <= BLOCK_SIZE, 'journal: a read across blocks');
    const image = this.images.get(block)?.bytes ?? this.#under(block);
    return image.slice(offset, offset + len);
  }

  take(run: BlockRun, use: BlockUse): void {
    this.#taken(run, use);
    if (use === 'data') return;
    for (let block = run.block; block < run.block + run.nrBlocks; block++) {
      this.images.set(block, new BlockImage(new Uint8Array(BLOCK_SIZE), true));
    }
  }

  give(run: BlockRun, use: BlockUse): void {
    this.given.push({ block: run.block, nrBlocks: run.nrBlocks, use });
    for (const block of this.images.keys()) {
      if (block >= run.block && block < run.block + run.nrBlocks) this.images.delete(block);
    }
  }

  order(run: BlockRun): void {
    this.ordered.push(run);
  }

  close(): void {
    this.#open = false;
  }
}

/** Run change on handle; it is closed afterwards. */
export function runChange<T>(handle: ImageHandle, change: (handle: JournalHandle) => T): T {
  try {
    return change(handle);
  } finally {
    handle.close();
  }
}

/** A journal that keeps no log. */
export function directJournal(partition: Partition): Journal {
  return {
    async transaction(_task, change) {
      const handle = new ImageHandle((block) => partition.read(block, 0, BLOCK_SIZE));
      const result = runChange(handle, change);
      for (const [block, { bytes }] of handle.images) partition.write(block, 0, bytes);
      return result;
    },
    read: (block, offset, len) => partition.read(block, offset, len),
    capacity: Infinity,
    commit() {},
    checkpoint() {},
  };
}

/** The journal of a file system without a device: its metadata lives in its objects alone. */
export const ramJournal: Journal = {
  async transaction(_task, change) {
    return change({
      write() {},
      read: () => assert.fail('journal: there is no partition'),
      take() {},
      give() {},
      order() {},
    });
  },
  read: () => assert.fail('journal: there is no partition'),
  capacity: Infinity,
  commit() {},
  checkpoint() {},
};
