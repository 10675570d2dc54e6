// SharedBitmap: bits in shared memory that any thread or process may set, clear and hand out.
//
// Each bit is changed by one sequentially consistent read-modify-write of its word, so of any
// number of callers exactly one is told that it was the one who set or cleared a bit. Searches over
// words are no snapshot: a bit that was found may be gone, which is why allocate() finds and sets
// in one.

import { checkShared, checkWhole } from '../arguments.js';
import { Errno } from '../errno.js';

export class SharedBitmap {
  readonly nrBits: number;
  readonly buffer: SharedArrayBuffer;
  readonly pos: number;
  readonly #words: Uint32Array;

  /** Over bytes [pos, pos + byteLength(nrBits)) of buffer; pos is a multiple of 4. */
  constructor(buffer: SharedArrayBuffer, pos: number, nrBits: number) {
    checkShared('SharedBitmap', buffer, pos, SharedBitmap.byteLength(nrBits), 4);
    this.nrBits = nrBits;
    this.buffer = buffer;
    this.pos = pos;
    this.#words = new Uint32Array(buffer, pos, SharedBitmap.byteLength(nrBits) / 4);
  }

  static byteLength(nrBits: number): number {
    checkNrBits(nrBits);
    return Math.ceil(nrBits / 32) * 4;
  }

  static create(nrBits: number): SharedBitmap {
    return new SharedBitmap(new SharedArrayBuffer(SharedBitmap.byteLength(nrBits)), 0, nrBits);
  }

  test(bit: number): boolean {
    const word = this.#wordOf(bit);
    return ((Atomics.load(this.#words, word) >>> (bit & 31)) & 1) !== 0;
  }

  /** Set a bit; whether it was clear, so that this call set it. */
  set(bit: number): boolean {
    const word = this.#wordOf(bit);
    const mask = 1 << (bit & 31);
    return (Atomics.or(this.#words, word, mask) & mask) === 0;
  }

  /** Clear a bit; whether it was set, so that this call cleared it. */
  clear(bit: number): boolean {
    const word = this.#wordOf(bit);
    const mask = 1 << (bit & 31);
    return (Atomics.and(this.#words, word, ~mask) & mask) !== 0;
  }

  /** Find a clear bit from start on, then from 0, and set it; undefined when all are set. */
  allocate(start = 0): number | undefined {
    this.#wordOf(start);
    for (const [first, end] of [
      [start, this.nrBits],
      [0, start],
    ] as const) {
      for (let bit = first; (bit = this.#next(bit, end, false)) < end;) {
        if (this.set(bit)) return bit;
      }
    }
    return undefined;
  }

  /** The first set bit of [start, end), or undefined. */
  firstSet(start = 0, end = this.nrBits): number | undefined {
    this.#checkRange('firstSet', start, end);
    const bit = this.#next(start, end, true);
    return bit < end ? bit : undefined;
  }

  /** The first clear bit of [start, end), or undefined. */
  firstClear(start = 0, end = this.nrBits): number | undefined {
    this.#checkRange('firstClear', start, end);
    const bit = this.#next(start, end, false);
    return bit < end ? bit : undefined;
  }

  /** Set bits, word by word. */
  count(): number {
    let total = 0;
    for (let i = 0; i < this.#words.length; i++) total += onesOf(Atomics.load(this.#words, i));
    return total;
  }

  #checkRange(call: string, start: number, end: number): void {
    checkWhole(call, 'start', start, 0, this.nrBits);
    checkWhole(call, 'end', end, 0, this.nrBits);
  }

  #wordOf(bit: number): number {
    if (!Number.isInteger(bit) || bit < 0 || bit >= this.nrBits) {
      throw new Errno('EINVAL', `bit ${String(bit)}: must be from 0 to ${this.nrBits - 1}`);
    }
    return Math.floor(bit / 32);
  }

  // The first bit of [start, end) with this value, else end.
  #next(start: number, end: number, value: boolean): number {
    for (let bit = start; bit < end;) {
      const word = Atomics.load(this.#words, Math.floor(bit / 32));
      const wanted = ((value ? word : ~word) >>> 0) & (-1 << (bit & 31));
      const base = bit - (bit & 31);
      if (wanted !== 0) return Math.min(end, base + 31 - Math.clz32(wanted & -wanted));
      bit = base + 32;
    }
    return end;
  }
}

function checkNrBits(nrBits: number): void {
  if (!Number.isInteger(nrBits) || nrBits < 1 || nrBits > 2 ** 31) {
    throw new Errno('EINVAL', `nrBits ${String(nrBits)}: must be from 1 to 2^31`);
  }
}

function onesOf(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return (((n + (n >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
