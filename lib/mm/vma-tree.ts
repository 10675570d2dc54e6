// The VMAs of one mm, by address (the maple tree). Lookups remember the last hit.

import assert from 'node:assert/strict';
import { Errno } from '../errno.js';
import type { VMA } from './vma.js';

/** mmap_base: new mappings go right below what is there, from here down (mm/mmap.c). */
export const MMAP_BASE = 0x7fff_f7ff_f000;
/** mmap_min_addr. */
const MMAP_MIN = 0x1_0000;

export class VmaTree {
  readonly #vmas: VMA[] = [];
  #last: VMA | undefined;

  get size(): number {
    return this.#vmas.length;
  }

  [Symbol.iterator](): Iterator<VMA> {
    return this.#vmas[Symbol.iterator]();
  }

  /** The VMA that holds addr. */
  at(addr: number): VMA | undefined {
    const last = this.#last;
    if (last !== undefined && addr >= last.start && addr < last.end) return last;
    const vma = this.#vmas[this.#firstEndingAfter(addr)];
    if (vma === undefined || vma.start > addr) return undefined;
    this.#last = vma;
    return vma;
  }

  /** VMAs that meet [start, end), lowest first; a copy, so that they may change meanwhile. */
  overlapping(start: number, end: number): VMA[] {
    const first = this.#firstEndingAfter(start);
    let last = first;
    while (last < this.#vmas.length && this.#vmas[last]!.start < end) last++;
    return this.#vmas.slice(first, last);
  }

  insert(vma: VMA): void {
    const index = this.#firstEndingAfter(vma.start);
    const next = this.#vmas[index];
    assert(next === undefined || next.start >= vma.end, 'VMAs overlap');
    this.#vmas.splice(index, 0, vma);
  }

  remove(vma: VMA): void {
    const index = this.#vmas.indexOf(vma);
    assert(index >= 0, 'VMA is in no tree');
    this.#vmas.splice(index, 1);
    this.#last = undefined;
  }

  /** Where the highest gap of len bytes ends, less len. ENOMEM if there is none. */
  findGap(len: number): number {
    let top = MMAP_BASE;
    for (let i = this.#vmas.length - 1; i >= 0; i--) {
      const vma = this.#vmas[i]!;
      if (vma.start >= top) continue;
      if (top - vma.end >= len) return top - len;
      top = vma.start;
    }
    if (top - MMAP_MIN >= len) return top - len;
    throw new Errno('ENOMEM', `mmap: no gap of ${len} bytes`);
  }

  #firstEndingAfter(addr: number): number {
    let low = 0;
    let high = this.#vmas.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#vmas[middle]!.end > addr) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
