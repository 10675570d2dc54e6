// RecordQueue: records of one fixed size, from many producers to one consumer, in any threads or
// processes.
//
//   +0     enqueued, a u32          tickets handed to producers
//   +64    dequeued, a u32          records taken; only the consumer stores it
//   +128   published, a WaitWord    changes with every record that can be taken, to sleep on
//   +192   cells                    a u32 turn, then the record, up to the next multiple of 4
//
// The bounded queue of Dmitry Vyukov: a cell says whose turn it is. Cell i starts at turn i; a
// producer with ticket t may write the cell when its turn is t, and sets it to t + 1; the consumer
// at t takes it then and sets t + capacity, the turn of the next round. Turns are stored less i, so
// that memory of zeroes is an empty queue. A producer that dies between its ticket and its
// publication stops the queue at that cell: it can be seen (stalled) but not repaired.

import { checkBytesOf, checkShared, checkTime } from '../arguments.js';
import { Errno } from '../errno.js';
import { checkCapacity } from './ring-buffer.js';
import { WaitWord } from './wait-word.js';

const ENQUEUED = 0;
const DEQUEUED = 16;
const PUBLISHED_POS = 128;
const CELLS_POS = 192;

export class RecordQueue {
  /** Records; a power of two. */
  readonly capacity: number;
  readonly recordSize: number;
  readonly buffer: SharedArrayBuffer;
  readonly pos: number;
  /** To sleep on: changes with every push. */
  readonly published: WaitWord;
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #cellWords: number;

  /** Over bytes [pos, pos + byteLength(...)) of buffer; pos is a multiple of 4. */
  constructor(buffer: SharedArrayBuffer, pos: number, capacity: number, recordSize: number) {
    const byteLength = RecordQueue.byteLength(capacity, recordSize);
    checkShared('RecordQueue', buffer, pos, byteLength, 4);
    this.capacity = capacity;
    this.recordSize = recordSize;
    this.buffer = buffer;
    this.pos = pos;
    this.published = new WaitWord(buffer, pos + PUBLISHED_POS);
    this.#words = new Uint32Array(buffer, pos, byteLength / 4);
    this.#bytes = new Uint8Array(buffer, pos, byteLength);
    this.#cellWords = 1 + Math.ceil(recordSize / 4);
  }

  static byteLength(capacity: number, recordSize: number): number {
    checkCapacity(capacity);
    if (!Number.isInteger(recordSize) || recordSize < 1 || recordSize > 65536) {
      throw new Errno('EINVAL', `recordSize ${String(recordSize)}: must be from 1 to 65536`);
    }
    return CELLS_POS + capacity * 4 * (1 + Math.ceil(recordSize / 4));
  }

  static create(capacity: number, recordSize: number): RecordQueue {
    const buffer = new SharedArrayBuffer(RecordQueue.byteLength(capacity, recordSize));
    return new RecordQueue(buffer, 0, capacity, recordSize);
  }

  /** Append a record; any thread may. False: the queue is full. EINVAL for another size. */
  push(record: Uint8Array): boolean {
    checkBytesOf('push', 'record', record);
    if (record.length !== this.recordSize) {
      throw new Errno('EINVAL', `record of ${record.length} bytes: must be ${this.recordSize}`);
    }
    for (;;) {
      const ticket = Atomics.load(this.#words, ENQUEUED);
      const behind = (this.#turn(ticket) - ticket) | 0;
      if (behind < 0) return false;
      if (behind > 0) continue; // another producer took this ticket
      const next = (ticket + 1) >>> 0;
      if (Atomics.compareExchange(this.#words, ENQUEUED, ticket, next) !== ticket) continue;
      this.#bytes.set(record, this.#cell(ticket) * 4 + 4);
      this.#setTurn(ticket, next);
      this.published.add(1);
      return true;
    }
  }

  /** Take the oldest record; the one consumer only. Undefined: there is none now. */
  shift(): Uint8Array | undefined {
    const ticket = Atomics.load(this.#words, DEQUEUED);
    const next = (ticket + 1) >>> 0;
    if (this.#turn(ticket) !== next) return undefined;
    const start = this.#cell(ticket) * 4 + 4;
    const record = this.#bytes.slice(start, start + this.recordSize);
    this.#setTurn(ticket, (ticket + this.capacity) >>> 0);
    Atomics.store(this.#words, DEQUEUED, next);
    return record;
  }

  /** Take the oldest record, blocking this thread for one. ETIMEDOUT after timeoutMs without. */
  shiftWait(timeoutMs = Infinity): Uint8Array {
    checkTime('shiftWait', 'timeoutMs', timeoutMs);
    for (;;) {
      const seen = this.published.load();
      const record = this.shift();
      if (record !== undefined) return record;
      if (this.published.wait(seen, timeoutMs) === 'timed-out') {
        throw new Errno('ETIMEDOUT', `queue: no record within ${timeoutMs} ms`);
      }
    }
  }

  /** Records in the queue, those being written included. */
  get length(): number {
    const dequeued = Atomics.load(this.#words, DEQUEUED);
    return (Atomics.load(this.#words, ENQUEUED) - dequeued) >>> 0;
  }

  /** The oldest record has a ticket and is not published: its producer is at it, or died at it. */
  get stalled(): boolean {
    const ticket = Atomics.load(this.#words, DEQUEUED);
    return this.length > 0 && this.#turn(ticket) !== (ticket + 1) >>> 0;
  }

  // Index of the words of a ticket's cell.
  #cell(ticket: number): number {
    return CELLS_POS / 4 + (ticket & (this.capacity - 1)) * this.#cellWords;
  }

  #turn(ticket: number): number {
    const index = ticket & (this.capacity - 1);
    return (Atomics.load(this.#words, this.#cell(ticket)) + index) >>> 0;
  }

  #setTurn(ticket: number, turn: number): void {
    const index = ticket & (this.capacity - 1);
    Atomics.store(this.#words, this.#cell(ticket), (turn - index) >>> 0);
  }
}
