// A small deterministic generator (xoshiro128**, Blackman and Vigna, 2018), the only source of
// chance in the emulated machine. The same seed gives the same numbers on every host.

import assert from 'node:assert/strict';

function rotl(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k));
}

const GOLDEN = 0x9e3779b9;

/** splitmix32's output function: turns a counter into bits that look random. */
function mix(counter: number): number {
  let z = Math.imul(counter ^ (counter >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return z ^ (z >>> 15);
}

export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** Any number is a seed; its integer part below 2^53 counts. */
  constructor(seed: number) {
    if (!Number.isFinite(seed)) assert.fail(`a seed must be a finite number, not ${seed}`);
    const whole = Math.trunc(seed);
    let state = (whole >>> 0) ^ Math.imul(Math.trunc(whole / 2 ** 32) >>> 0, 0x85ebca6b);
    this.#a = mix((state = (state + GOLDEN) | 0));
    this.#b = mix((state = (state + GOLDEN) | 0));
    this.#c = mix((state = (state + GOLDEN) | 0));
    this.#d = mix((state = (state + GOLDEN) | 0)) | 1;
  }

  /** 32 random bits, as an unsigned number. */
  uint32(): number {
    const result = Math.imul(rotl(Math.imul(this.#b, 5), 7), 9);
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = rotl(this.#d, 11);
    return result >>> 0;
  }

  /** A whole number from 0 to n - 1; n up to 2^32. */
  below(n: number): number {
    if (!(n >= 1 && n <= 2 ** 32)) assert.fail(`below: ${n}`);
    return Math.floor((this.uint32() / 2 ** 32) * n);
  }

  /** Whether something of this probability happens. */
  chance(probability: number): boolean {
    return this.uint32() / 2 ** 32 < probability;
  }
}
