// The bytes of pages: copied through lists of them as if they were joined, in one native call.
//
// Positions count from the start of the first page of a list. Adjacent pages are copied at once.

import { native, type NativePageSpace } from '../native.js';
import { type Access, pageObject, type Scheduler } from '../sched/index.js';
import { PAGE_SIZE, type Pfn } from '../units.js';

/** Pages that bytes are counted through: one, or a list. */
export type PageList = Pfn | Uint32Array;

export class PageBytes {
  readonly sched: Scheduler;
  readonly native: NativePageSpace = new native.PageSpace();

  constructor(sched: Scheduler) {
    this.sched = sched;
  }

  read(page: PageList, pos: number, target: Uint8Array): void {
    const pfns = listOf(page);
    this.#touchBytes(pfns, pos, target.length, 'read');
    this.native.copyFrom(pfns, pos, target, 0, target.length);
  }

  write(page: PageList, pos: number, source: Uint8Array): void {
    const pfns = listOf(page);
    this.#touchBytes(pfns, pos, source.length, 'write');
    this.native.copyTo(pfns, pos, source, 0, source.length);
  }

  fill(page: PageList, pos: number, len: number, byte: number): void {
    const pfns = listOf(page);
    this.#touchBytes(pfns, pos, len, 'write');
    this.native.fillPages(pfns, pos, len, byte);
  }

  /** Like memmove. */
  copy(to: Uint32Array, toPos: number, from: Uint32Array, fromPos: number, len: number): void {
    this.#touchBytes(from, fromPos, len, 'read');
    this.#touchBytes(to, toPos, len, 'write');
    this.native.copyPages(to, toPos, from, fromPos, len);
  }

  fillPage(pfn: Pfn, byte: number, offset = 0, len = PAGE_SIZE - offset): void {
    this.fill(pfn, offset, len, byte);
  }

  copyPage(to: Pfn, from: Pfn): void {
    this.copy(Uint32Array.of(to), 0, listOf(from), 0, PAGE_SIZE);
  }

  #touchBytes(pfns: Uint32Array, pos: number, len: number, access: Access): void {
    if (!this.sched.on || len === 0) return;
    const last = Math.floor((pos + len - 1) / PAGE_SIZE);
    for (let i = Math.floor(pos / PAGE_SIZE); i <= last; i++) {
      const pfn = pfns[i]!;
      this.sched.touch(pageObject(pfn), access);
      if (access === 'write') this.noteStore(pfn);
    }
  }

  /** A simulated machine is about to store to the page. */
  protected noteStore(_pfn: Pfn): void {}
}

const oneList = new Uint32Array(1);

/** A list that no native call keeps. */
function listOf(page: PageList): Uint32Array {
  if (typeof page !== 'number') return page;
  oneList[0] = page;
  return oneList;
}
