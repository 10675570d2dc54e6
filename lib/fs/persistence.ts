// What makes stores last: flush(), and nothing else.
//
//   stored --flush--> durable
//
// A store that was not flushed may be on the disk after a power failure, or not, or in part; the
// order of two stores is only sure when a flush of the first lies between them. Whoever depends on
// an order says so with a flush, so that a simulated power failure can take every other liberty.

import { constant } from '../constant.js';
import type { DaxDevice } from '../mm/dax-device.js';
import { posOf } from '../units.js';
import type { BlockRun } from './extent.js';

export interface Persistence {
  /** Return when these bytes of the partition are on the disk. EIO. */
  flush(pos: number, len: number): void;
}

/** A partition of a DAX device: msync. */
export function devicePersistence(device: DaxDevice, startPos: number): Persistence {
  return constant({ flush: (pos, len) => device.flush(startPos + pos, len) });
}

/** For partitions that nothing outlives. */
export const noPersistence: Persistence = constant({ flush() {} });

/** More calls than this cost more than one over everything between. */
const MAX_CALLS = 32;

/** Flush runs of blocks, joined where they touch, in ascending order. */
export function flushRuns(persistence: Persistence, runs: Iterable<BlockRun>): void {
  const joined: { block: number; nrBlocks: number }[] = [];
  for (const run of [...runs].sort((a, b) => a.block - b.block)) {
    const last = joined.at(-1);
    if (last === undefined || run.block > last.block + last.nrBlocks) joined.push({ ...run });
    else last.nrBlocks = Math.max(last.nrBlocks, run.block + run.nrBlocks - last.block);
  }
  const [first] = joined;
  const last = joined.at(-1);
  if (first === undefined || last === undefined) return;
  if (joined.length > MAX_CALLS) {
    const nrBlocks = last.block + last.nrBlocks - first.block;
    persistence.flush(posOf(first.block), posOf(nrBlocks));
    return;
  }
  for (const { block, nrBlocks } of joined) persistence.flush(posOf(block), posOf(nrBlocks));
}
