// SharedCounters: named 64-bit counters that any thread or process may add to.
//
// Names are given in an order that all sharers agree on; counter i lies at +64 * i, a cache line of
// its own, so that two hot counters do not slow each other down. Adding is one atomic add, never
// lost; a snapshot reads one counter after the other. Values wrap at 2^63 and are read as numbers,
// exact to 2^53.

import {
  checkExactNumber,
  checkList,
  checkShared,
  checkText,
  checkWhole,
  shown,
} from '../arguments.js';
import { Errno } from '../errno.js';

const STRIDE = 8; // 64-bit words, 64 bytes

export class SharedCounters<Name extends string> {
  readonly names: readonly Name[];
  readonly buffer: SharedArrayBuffer;
  readonly pos: number;
  readonly #words: BigInt64Array;
  readonly #indexes: ReadonlyMap<string, number>;

  /** Over bytes [pos, pos + byteLength(names.length)) of buffer; pos is a multiple of 8. */
  constructor(buffer: SharedArrayBuffer, pos: number, names: readonly Name[]) {
    checkNames(names);
    checkShared('SharedCounters', buffer, pos, SharedCounters.byteLength(names.length), 8);
    this.names = names;
    this.buffer = buffer;
    this.pos = pos;
    this.#words = new BigInt64Array(buffer, pos, names.length * STRIDE);
    this.#indexes = new Map(names.map((name, i) => [name, i * STRIDE]));
  }

  static byteLength(nrCounters: number): number {
    checkWhole('byteLength', 'nrCounters', nrCounters, 0, 2 ** 32);
    return nrCounters * STRIDE * 8;
  }

  static create<Name extends string>(names: readonly Name[]): SharedCounters<Name> {
    checkNames(names);
    const buffer = new SharedArrayBuffer(SharedCounters.byteLength(names.length));
    return new SharedCounters(buffer, 0, names);
  }

  /** Add n, which may be negative; the value before. */
  add(name: Name, n = 1): number {
    checkExactNumber('add', 'n', n);
    return Number(Atomics.add(this.#words, this.#indexOf(name), BigInt(n)));
  }

  get(name: Name): number {
    return Number(Atomics.load(this.#words, this.#indexOf(name)));
  }

  /** Set to 0; the value before, so that nothing added meanwhile is lost. */
  take(name: Name): number {
    return Number(Atomics.exchange(this.#words, this.#indexOf(name), 0n));
  }

  snapshot(): Record<Name, number> {
    return Object.fromEntries(this.names.map((name) => [name, this.get(name)])) as Record<
      Name,
      number
    >;
  }

  #indexOf(name: Name): number {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new Errno('EINVAL', `there is no counter ${shown(name)}`);
    return index;
  }
}

function checkNames(names: readonly string[]): void {
  for (const name of checkList('counters', 'names', names)) checkText('counters', 'names', name);
  if (new Set(names).size === names.length) return;
  throw new Errno('EINVAL', `counters: names: one is there twice in ${names.join(', ')}`);
}
