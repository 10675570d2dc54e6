// A bitmap on the device: bit n set says that thing n is in use. Read by the block when a bit of it
// is asked for (EUCLEAN: its checksum), and written through the journal; a few blocks stay in
// memory, however long it is.

import assert from 'node:assert/strict';
import { Errno } from '../errno.js';
import { BITMAP_BITS, BITMAP_CHECKSUM_AT, BLOCK_SIZE, reseal, sealed } from './format.js';
import type { Journal, JournalHandle } from './journal.js';

const BITS = BITMAP_BITS;
const empty = new Uint8Array(BLOCK_SIZE);
/** Blocks of the map that stay in memory: 1 MiB. */
const MAX_CACHED = 256;

interface CachedBlock {
  readonly bytes: Uint8Array;
  /** Who changed it last: it is not dropped while that may still be open. */
  handle: JournalHandle | null;
}

/** Index of the first bit of [from, to) that is `value`, or `to`. */
function find(bytes: Uint8Array, from: number, to: number, value: boolean): number {
  const skip = value ? 0 : 0xff;
  for (let bit = from; bit < to;) {
    if ((bit & 7) === 0 && bytes[bit >>> 3] === skip) bit += 8;
    else if (((bytes[bit >>> 3]! >>> (bit & 7)) & 1) === Number(value)) return bit;
    else bit += 1;
  }
  return to;
}

/** Set or clear the bits [from, to). */
function assign(bytes: Uint8Array, from: number, to: number, value: boolean): void {
  let bit = from;
  while (bit < to) {
    if ((bit & 7) === 0 && to - bit >= 8) {
      const end = to & ~7;
      bytes.fill(value ? 0xff : 0, bit >>> 3, end >>> 3);
      bit = end;
    } else {
      if (value) bytes[bit >>> 3]! |= 1 << (bit & 7);
      else bytes[bit >>> 3]! &= ~(1 << (bit & 7));
      bit += 1;
    }
  }
}

/** The bits of one change, at their places in the block. */
const flipped = new Uint8Array(BLOCK_SIZE);

/** Set or clear the bits [from, to), all of which are the other way. */
function flip(bytes: Uint8Array, from: number, to: number, value: boolean): void {
  assign(bytes, from, to, value);
  const [start, end] = [from >>> 3, (to + 7) >>> 3];
  flipped.fill(0, start, end);
  assign(flipped, from, to, true);
  reseal(bytes, BITMAP_CHECKSUM_AT, flipped, start, end);
}

export class DiskBitmap {
  readonly nrBits: number;
  readonly #journal: Pick<Journal, 'read'>;
  readonly #start: number;
  readonly #cache = new Map<number, CachedBlock>();

  constructor(journal: Pick<Journal, 'read'>, start: number, nrBits: number) {
    this.#journal = journal;
    this.#start = start;
    this.nrBits = nrBits;
  }

  #block(index: number, handle: JournalHandle | null): CachedBlock {
    const known = this.#cache.get(index);
    if (known !== undefined) return known;
    if (this.#cache.size >= MAX_CACHED) {
      for (const [at, block] of this.#cache) {
        if (block.handle !== handle || handle === null) this.#cache.delete(at);
        if (this.#cache.size < MAX_CACHED / 2) break;
      }
    }
    const block = { bytes: this.#read(index), handle: null };
    this.#cache.set(index, block);
    return block;
  }

  #read(index: number): Uint8Array {
    const bytes = this.#journal.read(this.#start + index, 0, BLOCK_SIZE);
    if (sealed(bytes, BITMAP_CHECKSUM_AT) || Buffer.compare(bytes, empty) === 0) return bytes;
    throw new Errno('EUCLEAN', `bitmap block ${this.#start + index}: its checksum does not match`);
  }

  /** The parts of [from, to) by block: its index, and the bits within it. */
  *#parts(from: number, to: number): IterableIterator<[number, number, number]> {
    for (let bit = from; bit < to;) {
      const index = Math.floor(bit / BITS);
      const end = Math.min(to, (index + 1) * BITS);
      yield [index, bit - index * BITS, end - index * BITS];
      bit = end;
    }
  }

  get(bit: number): boolean {
    const { bytes } = this.#block(Math.floor(bit / BITS), null);
    return find(bytes, bit % BITS, (bit % BITS) + 1, true) === bit % BITS;
  }

  /** The first bit from `from` on that is `value`; `end` if there is none before it. */
  next(from: number, value: boolean, end = this.nrBits): number {
    for (const [index, first, last] of this.#parts(from, end)) {
      const found = find(this.#block(index, null).bytes, first, last, value);
      if (found < last) return index * BITS + found;
    }
    return end;
  }

  /** Whether all bits of [from, from + nr) are `value`. */
  all(from: number, nr: number, value: boolean): boolean {
    return this.next(from, !value, from + nr) === from + nr;
  }

  /** Set or clear bits that all are the other way now. */
  set(handle: JournalHandle, from: number, nr: number, value: boolean): void {
    if (from < 0 || from + nr > this.nrBits) assert.fail(`bitmap: [${from}, +${nr})`);
    if (!this.all(from, nr, !value)) {
      assert.fail(`bitmap: a bit of [${from}, +${nr}) is ${value} already`);
    }
    for (const [index, first, last] of this.#parts(from, from + nr)) {
      const block = this.#block(index, handle);
      block.handle = handle;
      flip(block.bytes, first, last, value);
      handle.write(this.#start + index, 0, block.bytes);
    }
  }

  /** How many bits are set: reads all of the map. */
  count(): number {
    let set = 0;
    for (const [index, first, last] of this.#parts(0, this.nrBits)) {
      const bytes = this.#read(index);
      for (let bit = find(bytes, first, last, true); bit < last;) {
        const end = find(bytes, bit, last, false);
        set += end - bit;
        bit = find(bytes, end, last, true);
      }
    }
    return set;
  }
}
