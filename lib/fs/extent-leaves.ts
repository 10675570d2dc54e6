// How an extent list is cut into the overflow blocks behind an inode, its leaves: the first extents
// stand in the inode, the rest in leaves of 1 to OVERFLOW_EXTENTS each, in order.
//
//   before   inode | kept leaves | leaves that the change touches | kept leaves
//   after    inode | the same    | as few as the change needs     | the same
//
// A leaf need not be full, so that a change in the middle of a long list writes the leaf it lies in
// and its neighbours, and a transaction stays short however long the list is (as a B+tree's leaves
// split and join). Pure numbers, no device.

import type { Extent } from './extent.js';
import { INLINE_EXTENTS, OVERFLOW_EXTENTS } from './format.js';

/** A leaf that shares this many extents with its neighbour, or fewer, is joined with it. */
const JOIN = OVERFLOW_EXTENTS / 2;

export interface LeafPlan {
  /** Leaves that stay as they are, at the start and at the end of the chain. */
  readonly before: number;
  readonly after: number;
  /** Extents in each leaf between them, as it is to be. */
  readonly between: readonly number[];
}

const same = (a: Extent, b: Extent): boolean =>
  a === b ||
  (a.pgoff === b.pgoff &&
    a.block === b.block &&
    a.nrPages === b.nrPages &&
    a.unwritten === b.unwritten);

/** Leaves of a list that is written whole: full ones, and the rest. */
export function denseLeaves(nrExtents: number): number[] {
  const leaves: number[] = [];
  for (let left = nrExtents - INLINE_EXTENTS; left > 0; left -= OVERFLOW_EXTENTS) {
    leaves.push(Math.min(left, OVERFLOW_EXTENTS));
  }
  return leaves;
}

/** How many extents both lists have in common at their starts, and behind those at their ends. */
function commonParts(
  old: readonly Extent[],
  now: readonly Extent[],
): { head: number; tail: number } {
  const most = Math.min(old.length, now.length);
  let head = 0;
  while (head < most && same(old[head]!, now[head]!)) head += 1;
  let tail = 0;
  while (tail < most - head && same(old.at(-1 - tail)!, now.at(-1 - tail)!)) tail += 1;
  return { head, tail };
}

/** nr extents in as few leaves as they need: full ones at the end of a list, else equal parts. */
function cut(nr: number, atEnd: boolean): number[] {
  if (nr === 0) return [];
  const leaves = Math.ceil(nr / OVERFLOW_EXTENTS);
  if (atEnd) return denseLeaves(nr + INLINE_EXTENTS);
  return Array.from(
    { length: leaves },
    (_, i) => Math.floor((nr * (i + 1)) / leaves) - Math.floor((nr * i) / leaves),
  );
}

/** Which leaves change when the list `old`, cut into `leaves`, becomes `now`. */
export function planLeaves(
  old: readonly Extent[],
  leaves: readonly number[],
  now: readonly Extent[],
): LeafPlan {
  const { head, tail } = commonParts(old, now);
  const shift = now.length - old.length;
  const starts: number[] = [];
  let at = Math.min(old.length, INLINE_EXTENTS);
  for (const nr of leaves) {
    starts.push(at);
    at += nr;
  }
  const startOf = (leaf: number): number => starts[leaf] ?? old.length;
  let before = 0;
  while (before < leaves.length && startOf(before + 1) <= head) before += 1;
  let end = leaves.length; // the first leaf that stays behind the change
  const stays = (leaf: number): boolean =>
    startOf(leaf) >= old.length - tail && startOf(leaf) + shift >= INLINE_EXTENTS;
  while (end > before && stays(end - 1)) end -= 1;
  const first = (): number => (before > 0 ? startOf(before) : Math.min(now.length, INLINE_EXTENTS));
  const nrBetween = (): number =>
    (end < leaves.length ? startOf(end) + shift : now.length) - first();
  const changed = end > before || nrBetween() > 0;
  // What is left of a change may fit in with a neighbour; at the end of the list leaves are filled.
  const most = end === leaves.length ? OVERFLOW_EXTENTS : JOIN;
  while (changed && before > 0 && nrBetween() + leaves[before - 1]! <= most) before -= 1;
  while (changed && end < leaves.length && nrBetween() + leaves[end]! <= JOIN) end += 1;
  const after = leaves.length - end;
  return { before, after, between: cut(nrBetween(), after === 0) };
}
