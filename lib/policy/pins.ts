// What policies ask about pins, in their own words.

import { Errno } from '../errno.js';
import type { BusyVerdict, LayoutChange, LayoutLeases, PinIntent } from '../lease/layout.js';
import type { FileLease } from '../lease/lease.js';
import type { PinnedPages } from '../mm/pinned-pages.js';
import type { ErrnoCode } from '../errno.js';

/** Whether what keeps the pages busy lets go by itself: an I/O under way, a pipe being read. */
export const shortOnly = (pins: readonly PinnedPages[]): boolean => pins.every((p) => !p.longterm);

/** The long-term pins of the process that took the lease. */
export const pinsUnder = (lease: FileLease, pins: readonly PinnedPages[]): readonly PinnedPages[] =>
  pins.filter((p) => p.longterm && p.origin.process?.pid === lease.pid);

/** Fail where that is allowed; an eviction waits instead. */
export const failOrWait = (c: LayoutChange, errno: ErrnoCode): BusyVerdict =>
  c.mayFail ? { do: 'fail', errno } : { do: 'wait' };

/**
 * The layout lease that a long-term pin stands under: one that its own process took, that nobody
 * is breaking and, if need be, an exclusive one. EPERM without it (Ira Weiny, June 2019).
 */
export function requireLease(pin: PinIntent, leases: LayoutLeases, exclusive = false): FileLease {
  const lease = leases
    .layoutLeases()
    .find(
      (l) =>
        l.pid === pin.process?.pid &&
        l.kept === null &&
        l.pending === 'none' &&
        (l.exclusive || !exclusive),
    );
  if (lease !== undefined) return lease;
  const kind = exclusive ? 'exclusive layout lease' : 'layout lease';
  throw new Errno('EPERM', `pin: ${pin.process?.name ?? 'the kernel'} has no ${kind} on the file`);
}

/**
 * EOPNOTSUPP for a long-term pin that its driver cannot take back: "if the HW/driver cannot
 * support this, then don't let it anywhere near DAX filesystem" (Jan Kara, February 2019).
 */
export function refuseIrrevocable(pin: PinIntent): void {
  if (pin.longterm && pin.irrevocable) {
    throw new Errno('EOPNOTSUPP', 'pin: this driver cannot give pages back when asked');
  }
}
