// A watched range of user memory: what an on-demand device has instead of pins.
//
// The memory management calls invalidate() before it takes pages away, and waits until it has
// returned (mmu_interval_notifier). A device that wants the pages again asks faultRange() and
// then, under its own lock, checks that no invalidation came in between (sequence()):
//
//   seq = watch.readBegin(task); pages = await dev.faultRange(task, watch, …); lock;
//   if (watch.readRetry(seq)) { unlock; again } else use pages
//
// No page is held: what faultRange() returned may be used until the next invalidate() only.

import type { MM } from '../mm/mm.js';
import type { Task } from '../sched/task.js';
import type { Pfn } from '../units.js';

export interface WatchRequest {
  readonly addr: number;
  readonly len: number;
  /**
   * Pages of [start, end) go or lose rights. When it resolves the device cannot reach them. It
   * runs in the context of whoever changes the mapping and must not fault.
   */
  invalidate(task: Task, start: number, end: number): Promise<void> | void;
}

export interface RangeWatch {
  readonly mm: MM;
  readonly start: number;
  readonly end: number;
  /** Wait for a running invalidation of this range, then the number to check with later. */
  readBegin(task: Task): Promise<number>;
  /** Whether an invalidation came since readBegin() answered seq: throw the pages away. */
  readRetry(seq: number): boolean;
  /** mmu_interval_notifier_remove(): waits for a running invalidate(). */
  close(task: Task): Promise<void>;
}

/** One page of a faulted range; undefined where nothing is present (snapshots only). */
export interface FaultedPage {
  readonly pfn: Pfn;
  readonly writable: boolean;
}

export interface FaultedPages {
  readonly watch: RangeWatch;
  /** Address of the first page. */
  readonly start: number;
  readonly pages: readonly (FaultedPage | undefined)[];
}
