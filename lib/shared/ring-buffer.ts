// RingBuffer: byte records from one producer to one consumer, in any two threads or processes.
//
//   +0     head, a WaitWord   bytes ever written; only the producer stores it
//   +64    tail, a WaitWord   bytes ever read; only the consumer stores it
//   +128   capacity bytes     records: a u32 length, the bytes, then up to the next multiple of 4
//
// Memory of zeroes is an empty ring. The producer stores the bytes and then the head, the consumer
// loads the head and then the bytes; the two words are sequentially consistent, so a record whose
// head was seen is whole. Head and tail wrap at 2^32, which capacity, a power of two, divides.

import { checkBytesOf, checkShared, checkTime } from '../arguments.js';
import { Errno } from '../errno.js';
import { WaitWord } from './wait-word.js';

const TAIL_POS = 64;
const DATA_POS = 128;
const LENGTH_SIZE = 4;

/** Refuse a capacity that positions could not wrap in: EINVAL. */
export function checkCapacity(capacity: number): void {
  if (!Number.isInteger(capacity) || capacity < 8 || capacity > 2 ** 30) {
    throw new Errno('EINVAL', `capacity ${String(capacity)}: must be from 8 to 2^30`);
  }
  if ((capacity & (capacity - 1)) !== 0) {
    throw new Errno('EINVAL', `capacity ${capacity}: must be a power of two`);
  }
}

export class RingBuffer {
  readonly capacity: number;
  readonly buffer: SharedArrayBuffer;
  readonly pos: number;
  /** To sleep on: changes with every push. */
  readonly head: WaitWord;
  /** To sleep on: changes with every shift. */
  readonly tail: WaitWord;
  readonly #data: Uint8Array;

  /** Over bytes [pos, pos + byteLength(capacity)) of buffer; pos is a multiple of 4. */
  constructor(buffer: SharedArrayBuffer, pos: number, capacity: number) {
    checkShared('RingBuffer', buffer, pos, RingBuffer.byteLength(capacity), 4);
    this.capacity = capacity;
    this.buffer = buffer;
    this.pos = pos;
    this.head = new WaitWord(buffer, pos);
    this.tail = new WaitWord(buffer, pos + TAIL_POS);
    this.#data = new Uint8Array(buffer, pos + DATA_POS, capacity);
  }

  static byteLength(capacity: number): number {
    checkCapacity(capacity);
    return DATA_POS + capacity;
  }

  static create(capacity: number): RingBuffer {
    return new RingBuffer(new SharedArrayBuffer(RingBuffer.byteLength(capacity)), 0, capacity);
  }

  /** Append a record. False: no room now. EINVAL if there never will be. */
  push(record: Uint8Array): boolean {
    checkBytesOf('push', 'record', record);
    const len = spaceOf(record.length);
    if (len > this.capacity) {
      throw new Errno('EINVAL', `record of ${record.length} bytes: the ring has ${this.capacity}`);
    }
    const head = this.head.load();
    if (len > this.capacity - this.#used(head, this.tail.load())) return false;
    const header = new Uint8Array(Uint32Array.of(record.length).buffer);
    this.#write(head, header);
    this.#write(head + LENGTH_SIZE, record);
    this.head.store(head + len);
    return true;
  }

  /** Take the oldest record; undefined: there is none now. */
  shift(): Uint8Array | undefined {
    const tail = this.tail.load();
    if (this.head.load() === tail) return undefined;
    const header = this.#read(tail, LENGTH_SIZE);
    const len = new DataView(header.buffer).getUint32(0, true);
    if (spaceOf(len) > this.#used(this.head.load(), tail)) {
      throw new Errno('EBADMSG', `ring: a record of ${len} bytes is more than was written`);
    }
    const record = this.#read(tail + LENGTH_SIZE, len);
    this.tail.store(tail + spaceOf(len));
    return record;
  }

  /** Take the oldest record, blocking this thread for one. ETIMEDOUT after timeoutMs without. */
  shiftWait(timeoutMs = Infinity): Uint8Array {
    checkTime('shiftWait', 'timeoutMs', timeoutMs);
    for (;;) {
      const head = this.head.load();
      const record = this.shift();
      if (record !== undefined) return record;
      if (this.head.wait(head, timeoutMs) === 'timed-out') {
        throw new Errno('ETIMEDOUT', `ring: no record within ${timeoutMs} ms`);
      }
    }
  }

  /** Append a record, blocking this thread for room. ETIMEDOUT after timeoutMs without. */
  pushWait(record: Uint8Array, timeoutMs = Infinity): void {
    checkTime('pushWait', 'timeoutMs', timeoutMs);
    for (;;) {
      const tail = this.tail.load();
      if (this.push(record)) return;
      if (this.tail.wait(tail, timeoutMs) === 'timed-out') {
        throw new Errno('ETIMEDOUT', `ring: no room within ${timeoutMs} ms`);
      }
    }
  }

  /** Bytes of records and their lengths that wait to be taken. */
  get used(): number {
    const tail = this.tail.load();
    return this.#used(this.head.load(), tail);
  }

  #used(head: number, tail: number): number {
    return (head - tail) >>> 0;
  }

  #write(at: number, bytes: Uint8Array): void {
    const start = at & (this.capacity - 1);
    const first = Math.min(bytes.length, this.capacity - start);
    this.#data.set(bytes.subarray(0, first), start);
    this.#data.set(bytes.subarray(first), 0);
  }

  #read(at: number, len: number): Uint8Array {
    const bytes = new Uint8Array(len);
    const start = at & (this.capacity - 1);
    const first = Math.min(len, this.capacity - start);
    bytes.set(this.#data.subarray(start, start + first));
    bytes.set(this.#data.subarray(0, len - first), first);
    return bytes;
  }
}

function spaceOf(len: number): number {
  return LENGTH_SIZE + Math.ceil(len / 4) * 4;
}
