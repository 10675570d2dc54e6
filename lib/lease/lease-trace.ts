// What a recording shows of leases: each as a slice of time, and each break and timeout in it.

import type { Scheduler } from '../sched/index.js';
import { tracepoints } from '../trace/index.js';
import type { FileLease } from './lease.js';

const { lease: leaseSlice, lease_break: leaseBreak, lease_timeout: leaseTimeout } = tracepoints;

/** A lease was granted; its slice lasts until traceGone(). */
export function traceGranted(sched: Scheduler, inode: string, lease: FileLease): void {
  if (!leaseSlice.on) return;
  const { id, kind, type, pid, exclusive } = lease;
  leaseSlice.begin(sched, id, { inode, kind, type, pid, exclusive });
}

/** The holder is being told what is asked of it. deadlineNs 0: no time limit. */
export function traceBreak(
  sched: Scheduler,
  inode: string,
  lease: FileLease,
  ask: 'downgrade' | 'unlock',
  deadlineNs: number,
): void {
  if (!leaseBreak.on) return;
  const { kind, pid } = lease;
  leaseBreak.emit(sched, { inode, kind, pid, ask, deadlineNs });
}

/** Its time ran out: taken down, taken away, or kept under its pins. */
export function traceTimeout(
  sched: Scheduler,
  inode: string,
  lease: FileLease,
  end: 'downgraded' | 'removed' | 'kept',
): void {
  if (!leaseTimeout.on) return;
  const { kind, pid } = lease;
  leaseTimeout.emit(sched, { inode, kind, pid, end });
}

export function traceGone(sched: Scheduler, lease: FileLease): void {
  if (leaseSlice.on) leaseSlice.end(sched, lease.id);
}
