// Who may have a lease, and which leases a breaker meets: the pure half of linux fs/locks.c.

import type { Caller } from '../mm/caller.js';
import { Errno } from '../errno.js';
import type { FileLease, LeaseHolder, LeaseKind, LeaseManager, LeaseType } from './lease.js';

/** One attempt to break: what the breaker is about to do, and what kind of lease minds. */
export interface LeaseBreak {
  /** read: an open for reading only, even with O_TRUNC. write: any other open, or truncate(). */
  readonly access: 'read' | 'write';
  readonly kind: LeaseKind;
  /** O_NONBLOCK: the break is begun all the same, then EAGAIN. */
  readonly nonblock?: boolean;
  /** False: no signal ends the wait. Linux always allows signals here. */
  readonly interruptible?: boolean;
}

/** How often a file is open, in the kernel's two counters. */
export interface OpenCounts {
  /**
   * i_writecount: opens for writing and truncations by path under way. An open counts from
   * before it breaks leases, so one that still waits is in here. Negative: being executed.
   */
  openForWrite(): number;
  /** The same and i_readcount (opens for reading only, waiting ones too). Not O_PATH. */
  openCount(): number;
}

/**
 * Whether this breaker must wait for this lease (leases_conflict). Layouts mind layouts only;
 * who breaks delegations leaves leases alone; two readers get along.
 */
export function leasesConflict(
  lease: Pick<FileLease, 'kind' | 'type' | 'manager'>,
  by: Pick<LeaseBreak, 'access' | 'kind'>,
  breaker: Caller | null,
): boolean {
  if (lease.manager?.breakerOwns?.(lease as FileLease, breaker) === true) return false;
  if ((by.kind === 'LAYOUT') !== (lease.kind === 'LAYOUT')) return false;
  if (by.kind === 'DELEG' && lease.kind === 'LEASE') return false;
  return by.access === 'write' || lease.type === 'F_WRLCK';
}

/**
 * Whether an open of the file stands against such a lease for this holder (lease_open_conflict).
 * Layouts can always be granted, and a server looks itself before it has a delegation.
 */
export function openConflicts(
  counts: OpenCounts,
  holder: Pick<LeaseHolder, 'readable' | 'writable'>,
  type: LeaseType,
  { kind, manager }: { readonly kind: LeaseKind; readonly manager?: LeaseManager | undefined },
): boolean {
  if (kind === 'LAYOUT' || manager !== undefined) return false;
  const writers = counts.openForWrite();
  if (type === 'F_RDLCK') return writers > 0;
  const ownWriters = holder.writable ? 1 : 0;
  const ownReaders = !holder.writable && holder.readable ? 1 : 0;
  return writers !== ownWriters || counts.openCount() - writers !== ownReaders;
}

/**
 * What somebody else's lease has against a new one (generic_add_lease). EAGAIN: this is to be the
 * only one, or theirs is about to be given up.
 */
export function checkOthers(
  leases: readonly FileLease[],
  label: string,
  holder: LeaseHolder,
  type: LeaseType,
): void {
  for (const other of leases) {
    if (other.owner === holder) continue;
    if (type === 'F_WRLCK') {
      throw new Errno('EAGAIN', `setlease: ${label} is leased by ${other.pid}`);
    }
    if (other.unlockPending) {
      throw new Errno('EAGAIN', `setlease: a lease on ${label} is being broken`);
    }
  }
}

/** The next instant at which time_out_leases() will find something; Infinity: never. */
export function nextDeadlineNs(leases: readonly FileLease[], nowNs: number): number {
  let nextNs = Infinity;
  for (const { downgradeTimeNs, breakTimeNs } of leases) {
    if (downgradeTimeNs > nowNs) nextNs = Math.min(nextNs, downgradeTimeNs);
    if (breakTimeNs > nowNs) nextNs = Math.min(nextNs, breakTimeNs);
  }
  return nextNs;
}
