// The seam through which every change of metadata goes: begin, write, commit.
//
//   begin -> open handle --write*--> commit -> the writes are on the partition, in order
//                                `-> abort  -> none is
//
// Inside a handle nothing waits: no pin, lease, fault or driver (section 3 of the design), so a
// transaction is one synchronous function between two points. A handle is opened after
// invalidate_lock. This journal applies the writes at commit; a redo log will do more in the
// reserved blocks, behind the same three calls.

import assert from 'node:assert/strict';
import type { Task } from '../sched/task.js';
import type { Partition } from './partition.js';

export interface JournalHandle {
  /** Bytes that shall stand at offset of block. They are copied. */
  write(block: number, offset: number, bytes: Uint8Array): void;
  /** Bytes of block as this transaction sees them: its own writes over what is on the partition. */
  read(block: number, offset: number, len: number): Uint8Array;
}

export interface Journal {
  /** Run change as one transaction. If it throws nothing of it reaches the partition. */
  transaction<T>(task: Task | null, change: (handle: JournalHandle) => T): Promise<T>;
}

interface Write {
  readonly block: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

class DirectHandle implements JournalHandle {
  readonly #partition: Partition;
  readonly #writes: Write[] = [];
  #open = true;

  constructor(partition: Partition) {
    this.#partition = partition;
  }

  write(block: number, offset: number, bytes: Uint8Array): void {
    assert(this.#open, 'journal: write outside its transaction');
    this.#writes.push({ block, offset, bytes: bytes.slice() });
  }

  read(block: number, offset: number, len: number): Uint8Array {
    const out = this.#partition.read(block, offset, len);
    for (const w of this.#writes) {
      if (w.block !== block) continue;
      const from = Math.max(w.offset, offset);
      const to = Math.min(w.offset + w.bytes.length, offset + len);
      if (from < to) out.set(w.bytes.subarray(from - w.offset, to - w.offset), from - offset);
    }
    return out;
  }

  commit(): void {
    this.#open = false;
    for (const w of this.#writes) this.#partition.write(w.block, w.offset, w.bytes);
  }

  abort(): void {
    this.#open = false;
  }
}

/** A journal that keeps no log. */
export function directJournal(partition: Partition): Journal {
  return {
    async transaction(_task, change) {
      const handle = new DirectHandle(partition);
      try {
        const result = change(handle);
        handle.commit();
        return result;
      } catch (e) {
        handle.abort();
        throw e;
      }
    },
  };
}

/** The journal of a file system without a device: its metadata lives in its objects alone. */
export const ramJournal: Journal = {
  async transaction(_task, change) {
    return change({
      write() {},
      read: () => assert.fail('journal: there is no partition'),
    });
  },
};
