// Keys: 32 bits that name a region or a window on the wire. The upper 24 are an index, the low 8
// a variant, so that a key that was given back and handed out again is another number.
//
//   alloc -> RESERVED -> free        a key stays reserved until dereg, also when it was revoked
//
// Regions and windows have index ranges of their own (rxe_param.h: RXE_MIN_MR_INDEX,
// RXE_MIN_MW_INDEX), which is how a responder tells them apart (rxe_loc.h: rkey_is_mw).

import assert from 'node:assert/strict';
import { Errno } from '../../lib/driver/index.js';

export const MR_INDEXES = Object.freeze({ first: 0x1, last: 0x10000 });
export const MW_INDEXES = Object.freeze({ first: 0x10001, last: 0x20000 });

export const indexOf = (key: number): number => key >>> 8;
export const isWindowKey = (key: number): boolean =>
  indexOf(key) >= MW_INDEXES.first && indexOf(key) <= MW_INDEXES.last;
/** key with another variant. */
export const withVariant = (key: number, variant: number): number =>
  ((key & ~0xff) | (variant & 0xff)) >>> 0;

export class KeyTable<T> {
  readonly #range: { readonly first: number; readonly last: number };
  readonly #objects = new Map<number, T>();
  #next: number;
  #variant = 1;

  constructor(range: { readonly first: number; readonly last: number }) {
    this.#range = range;
    this.#next = range.first;
  }

  get size(): number {
    return this.#objects.size;
  }

  /** Reserve a key; make() gets it. ENOMEM when every index is taken. */
  alloc<O extends T>(make: (key: number) => O): O {
    const { first, last } = this.#range;
    if (this.#objects.size > last - first) throw new Errno('ENOMEM', 'no key is left');
    while (this.#objects.has(this.#next)) this.#advance();
    const index = this.#next;
    this.#advance();
    const object = make(((index << 8) | this.#nextVariant()) >>> 0);
    this.#objects.set(index, object);
    return object;
  }

  /** What the index of a key names; whether its variant fits is for the caller to see. */
  get(key: number): T | undefined {
    return this.#objects.get(indexOf(key));
  }

  free(key: number): void {
    assert(this.#objects.delete(indexOf(key)), `key ${key} was not reserved`);
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  #advance(): void {
    this.#next = this.#next === this.#range.last ? this.#range.first : this.#next + 1;
  }

  /** A shift register of period 255: never 0, and never the same twice in a row. */
  #nextVariant(): number {
    const v = this.#variant;
    const bit = ((v >> 7) ^ (v >> 5) ^ (v >> 4) ^ (v >> 3)) & 1;
    this.#variant = ((v << 1) | bit) & 0xff;
    return v;
  }
}
