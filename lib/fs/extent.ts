// The extent list of one inode: which pages of the file lie in which blocks. Pure data, no device.
//
// Extents are sorted by pgoff, do not overlap, and neighbours that continue each other in the file,
// in the blocks and in being written are one extent. What no extent covers is a hole. An unwritten
// extent has blocks and reads as zeros.

import assert from 'node:assert/strict';
import type { Pgoff } from '../units.js';

export interface Extent {
  readonly pgoff: Pgoff;
  readonly nrPages: number;
  /** First block of the partition. */
  readonly block: number;
  readonly unwritten: boolean;
}

/** A run of blocks on the partition. */
export interface BlockRun {
  readonly block: number;
  readonly nrBlocks: number;
}

/** A part of a range asked for: an extent's share, or a hole when block is null. */
export interface Segment {
  readonly pgoff: Pgoff;
  readonly nrPages: number;
  readonly block: number | null;
  readonly unwritten: boolean;
}

const endOf = (e: Extent): Pgoff => e.pgoff + e.nrPages;

const continues = (a: Extent, b: Extent): boolean =>
  endOf(a) === b.pgoff && a.block + a.nrPages === b.block && a.unwritten === b.unwritten;

/** The part of e inside [start, end), which must not be empty. */
function clip(e: Extent, start: Pgoff, end: Pgoff): Extent {
  const from = Math.max(e.pgoff, start);
  const to = Math.min(endOf(e), end);
  assert(from < to, 'extent: empty clip');
  if (from === e.pgoff && to === endOf(e)) return e;
  const block = e.block + (from - e.pgoff);
  return { pgoff: from, nrPages: to - from, block, unwritten: e.unwritten };
}

export const runsOf = (extents: readonly Extent[]): BlockRun[] =>
  extents.map((e) => ({ block: e.block, nrBlocks: e.nrPages }));

export class ExtentList {
  #list: Extent[];

  constructor(extents: readonly Extent[] = []) {
    this.#list = [...extents];
  }

  get all(): readonly Extent[] {
    return this.#list;
  }

  get length(): number {
    return this.#list.length;
  }

  /** Blocks that the extents hold, written or not. */
  get nrBlocks(): number {
    return this.#list.reduce((sum, e) => sum + e.nrPages, 0);
  }

  /** The first page past the last extent. */
  get end(): Pgoff {
    const last = this.#list.at(-1);
    return last === undefined ? 0 : endOf(last);
  }

  clone(): ExtentList {
    return new ExtentList(this.#list);
  }

  /** Take over what another list says: how a change prepared on a clone becomes true. */
  assign(other: ExtentList): void {
    this.#list = [...other.#list];
  }

  /** The index of the first extent that ends after pgoff. */
  #firstAfter(pgoff: Pgoff): number {
    let low = 0;
    let high = this.#list.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (endOf(this.#list[mid]!) > pgoff) high = mid;
      else low = mid + 1;
    }
    return low;
  }

  /** The extent that page pgoff lies in; undefined: a hole. */
  lookup(pgoff: Pgoff): Extent | undefined {
    const e = this.#list[this.#firstAfter(pgoff)];
    return e !== undefined && e.pgoff <= pgoff ? e : undefined;
  }

  /** The block of page pgoff; undefined: a hole. */
  blockOf(pgoff: Pgoff): number | undefined {
    const e = this.lookup(pgoff);
    return e === undefined ? undefined : e.block + (pgoff - e.pgoff);
  }

  /** What [start, end) consists of, in order, holes included. */
  segments(start: Pgoff, end: Pgoff): Segment[] {
    const out: Segment[] = [];
    let at = start;
    for (let i = this.#firstAfter(start); i < this.#list.length && at < end; i++) {
      const e = this.#list[i]!;
      if (e.pgoff >= end) break;
      if (e.pgoff > at) out.push(hole(at, e.pgoff));
      const part = clip(e, at, end);
      out.push(part);
      at = endOf(part);
    }
    if (at < end) out.push(hole(at, end));
    return out;
  }

  /** The extents within [start, end), clipped to it. */
  within(start: Pgoff, end: Pgoff): Extent[] {
    const out: Extent[] = [];
    for (const s of this.segments(start, end)) {
      if (s.block !== null) out.push({ ...s, block: s.block });
    }
    return out;
  }

  /** Fill a hole. */
  insert(extent: Extent): void {
    assert(extent.nrPages > 0, 'extent: empty');
    const i = this.#firstAfter(extent.pgoff);
    const next = this.#list[i];
    assert(next === undefined || next.pgoff >= endOf(extent), 'extent: inserted over another');
    this.#list.splice(i, 0, extent);
    this.#merge(i);
  }

  /** Make [start, end) a hole; returns what lay there. Its blocks now belong to the caller. */
  remove(start: Pgoff, end: Pgoff): Extent[] {
    if (start >= end) return [];
    const removed: Extent[] = [];
    const kept: Extent[] = [];
    for (const e of this.#list) {
      if (endOf(e) <= start || e.pgoff >= end) {
        kept.push(e);
        continue;
      }
      if (e.pgoff < start) kept.push(clip(e, e.pgoff, start));
      removed.push(clip(e, start, end));
      if (endOf(e) > end) kept.push(clip(e, end, endOf(e)));
    }
    this.#list = kept;
    return removed;
  }

  /** Mark what [start, end) covers as written or unwritten; holes stay holes. */
  mark(start: Pgoff, end: Pgoff, unwritten: boolean): void {
    for (const e of this.remove(start, end)) this.insert({ ...e, unwritten });
  }

  /** Move everything from start on by nrPages, to the left if negative: collapse and insert. */
  shift(start: Pgoff, nrPages: number): void {
    const moved = this.remove(start, Number.MAX_SAFE_INTEGER);
    for (const e of moved) this.insert({ ...e, pgoff: e.pgoff + nrPages });
  }

  #merge(at: number): void {
    for (let i = Math.max(at, 1); i <= at + 1 && i < this.#list.length;) {
      const a = this.#list[i - 1]!;
      const b = this.#list[i]!;
      if (!continues(a, b)) {
        i += 1;
        continue;
      }
      this.#list.splice(i - 1, 2, { ...a, nrPages: a.nrPages + b.nrPages });
      at -= 1;
    }
  }
}

const hole = (from: Pgoff, to: Pgoff): Segment => ({
  pgoff: from,
  nrPages: to - from,
  block: null,
  unwritten: false,
});
