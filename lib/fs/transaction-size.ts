// How much of a change fits one record of the log. A change that is longer becomes several
// transactions, each of which leaves a sound file system (fs/ext4/inode.c:ext4_truncate, which goes
// on after a crash by way of the orphan list), or is refused with ENOSPC before it began.
//
//   truncate, evict   from the end of the file on; on the orphan list until the last one
//   punch, zero       from the end of the range on; a crash leaves some of it as it was
//   allocate          from the start on; ENOSPC takes back what the earlier ones took
//   collapse, insert  one transaction or none: every extent behind moves
//
// The costs are upper bounds: in most blocks only some bytes change, and only those are logged.

import { Errno } from '../errno.js';
import type { Pgoff } from '../units.js';
import type { BlockRun, Extent } from './extent.js';
import { BITMAP_BITS, EXTENT_LEN, INLINE_EXTENTS } from './format.js';
import type { InodeRecord } from './inode-record.js';
import { BLOCK_COST } from './journal.js';

/** The inode, the counts, the inode map, and the two leaves at the ends of what changes. */
const FIXED_COST = 5 * BLOCK_COST;
/** An extent that comes or changes, in a leaf that may be cut in two. */
const EXTENT_COST = 4 * EXTENT_LEN;

const mapBlockOf = (block: number): number => Math.floor(block / BITMAP_BITS);

/** What is left for the changes themselves; at least what one block of a map takes. */
const roomIn = (capacity: number): number => Math.max(BLOCK_COST, capacity - FIXED_COST);

/** The first extent of each leaf, by its place in the list, and the leaf's block. */
function leafStarts({ extents, leaves, overflow }: InodeRecord): Map<number, number> {
  const starts = new Map<number, number>();
  let at = Math.min(extents.length, INLINE_EXTENTS);
  for (const [i, nr] of leaves.entries()) {
    starts.set(at, overflow[i]!);
    at += nr;
  }
  return starts;
}

/**
 * From where on the blocks of [start, end) can be freed in one transaction: `start` if all can.
 * partsOf: extents that an extent becomes elsewhere, on an orphan inode.
 */
export function freeableFrom(
  record: InodeRecord,
  start: Pgoff,
  end: Pgoff,
  capacity: number,
  partsOf: (e: Extent) => number,
): Pgoff {
  if (capacity === Infinity) return start;
  const leafAt = leafStarts(record);
  const list = record.extents.all;
  const maps = new Set<number>();
  let left = roomIn(capacity);
  let from = end;
  for (let i = list.length - 1; i >= 0 && list[i]!.pgoff + list[i]!.nrPages > start; i--) {
    const e = list[i]!;
    if (e.pgoff >= end) continue;
    left -= EXTENT_COST * partsOf(e);
    const leaf = leafAt.get(i);
    const leafMap = leaf === undefined ? [] : [mapBlockOf(leaf)];
    const [first, last] = [mapBlockOf(e.block), mapBlockOf(e.block + e.nrPages - 1)];
    for (let map = last; map >= first; map--) {
      for (const at of map === first ? [map, ...leafMap] : [map]) {
        if (!maps.has(at)) left -= BLOCK_COST;
        maps.add(at);
      }
      if (left < 0 && from < end) return Math.max(from, start);
      from = e.pgoff + Math.max(0, map * BITMAP_BITS - e.block);
    }
  }
  return start;
}

/** What a transaction that gives blocks to a file may still take. */
export class AllocationRoom {
  readonly #maps = new Set<number>();
  #left: number;

  constructor(capacity: number) {
    this.#left = roomIn(capacity);
  }

  /** How many blocks of the run, from its first on, fit; they count from now on. */
  take({ block, nrBlocks }: BlockRun): number {
    this.#left -= EXTENT_COST;
    for (let at = block; at < block + nrBlocks;) {
      const map = mapBlockOf(at);
      const known = this.#maps.has(map);
      if (this.#maps.size > 0 && this.#left < (known ? 0 : BLOCK_COST)) return at - block;
      if (!known) this.#left -= BLOCK_COST;
      this.#maps.add(map);
      at = (map + 1) * BITMAP_BITS;
    }
    return nrBlocks;
  }
}

/** How many extents can change in place in one transaction. */
export const changeableExtents = (capacity: number): number =>
  capacity === Infinity ? Infinity : Math.max(1, Math.floor(roomIn(capacity) / EXTENT_COST));

/** ENOSPC unless so many extents can move in one transaction. */
export function checkShift(nrExtents: number, capacity: number): void {
  if (nrExtents <= changeableExtents(capacity)) return;
  throw new Errno('ENOSPC', `${nrExtents} extents are more than the log takes at once`);
}
