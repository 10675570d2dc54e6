// struct file_lease: one promise to the holder of an open file, and what it is being asked to do.
//
//   GRANTED --break by a writer--> unlock pending ----F_UNLCK | timeout--> gone
//      ^ |----break by a reader--> downgrade pending -F_RDLCK | timeout--> GRANTED, as F_RDLCK
//      '------F_SETLEASE again changes the type, and clears what the new type satisfies
//
// Both may be pending at once, and each keeps the first deadline that it was given. Whoever
// changes a lease is LeaseContext; everybody else only looks (linux fs/locks.c: __break_lease,
// lease_modify, lease_clear_pending).

import type { Caller, ProcessLike } from '../mm/caller.js';
import type { LeaseEndReason } from './layout.js';
import type { OwnedFile } from './lease-alloc.js';

export type LeaseType = 'F_RDLCK' | 'F_WRLCK';
/** What F_SETLEASE takes and F_GETLEASE answers. */
export type LeaseArg = LeaseType | 'F_UNLCK';
/**
 * LEASE: FL_LEASE, taken by fcntl. DELEG: FL_DELEG, by an in-kernel server and, under
 * rules.userDelegations, by fcntl. LAYOUT: FL_LAYOUT, by a pNFS server and, under
 * rules.userLayoutLeases, by applications.
 */
export type LeaseKind = 'LEASE' | 'LAYOUT' | 'DELEG';

/** The open file description that holds a lease: fl_file and fl_owner in one. */
export interface LeaseHolder extends OwnedFile {
  readonly label: string;
  readonly pid: number;
  /** FMODE_READ and FMODE_WRITE of the open file. */
  readonly readable: boolean;
  readonly writable: boolean;
  /** kill_fasync(SIGIO, POLL_MSG): the F_SETSIG signal, or SIGIO, to the file's owner. */
  notify(sig: 'lease-break', lease: FileLease): void;
  /** __f_setown(), without force: the process becomes the owner unless there is one. */
  leaseGranted?(lease: FileLease, process: ProcessLike): void;
  /** f_delown(): nobody owns the file's signals any more, and F_SETSIG is forgotten. */
  leaseGone?(lease: FileLease): void;
}

/** lease_manager_operations, for a holder inside the kernel. None of them may sleep. */
export interface LeaseManager {
  /**
   * lm_break: once per kind of break. 'gone': the lease ends at once. 'no-timeout': it answers
   * for its own time limit, as nfsd does by fl_break_time = 0. Nothing: as any lease.
   */
  onBreak(lease: FileLease): 'gone' | 'no-timeout' | void;
  /** lm_breaker_owns_lease: the breaker acts for the very client that holds the lease. */
  breakerOwns?(lease: FileLease, breaker: Caller | null): boolean;
  /** The lease ended, for whatever reason. */
  onGone?(lease: FileLease): void;
}

export interface LeaseSpec {
  /** Names the lease in footprints and recordings. */
  readonly id: number;
  readonly type: LeaseType;
  readonly kind: LeaseKind;
  readonly owner: LeaseHolder;
  readonly pid: number;
  readonly exclusive?: boolean | undefined;
  readonly implicit?: boolean | undefined;
  readonly manager?: LeaseManager | undefined;
}

export interface SetLeaseOptions {
  /** LEASE if not given. */
  readonly kind?: LeaseKind;
  readonly exclusive?: boolean;
  readonly manager?: LeaseManager;
  /** The descriptor that F_SETLEASE was called on. */
  readonly fd?: number;
}

export class FileLease {
  readonly id: number;
  type: LeaseType;
  readonly kind: LeaseKind;
  /**
   * F_EXCLUSIVE, layout leases only: what it does is the policy's. It keeps no other holder away:
   * the proposal leaves generic_add_lease() alone (Ira Weiny, RFC v2 02/19, August 2019).
   */
  exclusive: boolean;
  readonly owner: LeaseHolder;
  readonly manager: LeaseManager | null;
  /** fl_pid: who took it. It does not follow the open file to another process. */
  readonly pid: number;
  /** Taken by a pin, not by the application; it goes with the file's last long-term pin. */
  readonly implicit: boolean;
  /** fa_fd: the descriptor of the last F_SETLEASE, which F_SETSIG shows as si_fd. */
  fd = -1;
  /** FL_DOWNGRADE_PENDING and FL_UNLOCK_PENDING. */
  downgradePending = false;
  unlockPending = false;
  /** Deadlines on the machine's clock; 0: never. As in Linux they outlive what was pending. */
  downgradeTimeNs = 0;
  breakTimeNs = 0;
  /** Its end came, for this reason, and the policy keeps it until its pins are gone. */
  kept: LeaseEndReason | null = null;
  /** No longer on its inode. */
  gone = false;

  constructor(spec: LeaseSpec) {
    this.id = spec.id;
    this.type = spec.type;
    this.kind = spec.kind;
    this.exclusive = spec.exclusive ?? false;
    this.owner = spec.owner;
    this.pid = spec.pid;
    this.implicit = spec.implicit ?? false;
    this.manager = spec.manager ?? null;
  }

  /** lease_breaking(): the strongest thing that is asked of the holder. */
  get pending(): 'none' | 'downgrade' | 'unlock' {
    if (this.unlockPending) return 'unlock';
    return this.downgradePending ? 'downgrade' : 'none';
  }

  /** target_leasetype(): what the lease is to become. */
  get target(): LeaseArg {
    if (this.unlockPending) return 'F_UNLCK';
    return this.downgradePending ? 'F_RDLCK' : this.type;
  }

  /**
   * A breaker asks: once for each kind of break, which keeps its first deadline; who is asked to
   * give the lease up is not asked to take it down. False: nothing new.
   */
  asked(ask: 'downgrade' | 'unlock', deadlineNs: number): boolean {
    if (this.unlockPending || (ask === 'downgrade' && this.downgradePending)) return false;
    if (ask === 'unlock') [this.unlockPending, this.breakTimeNs] = [true, deadlineNs];
    else [this.downgradePending, this.downgradeTimeNs] = [true, deadlineNs];
    return true;
  }

  /** The holder gave it up, or closed: no call of the holder's finds it any more. */
  get givenUp(): boolean {
    return this.gone || (this.kept !== null && this.kept !== 'timeout');
  }

  /** As /proc/locks shows it, from the kind to the pid (fs/locks.c: lock_get_status). */
  toString(): string {
    const kind = this.kind === 'DELEG' ? 'DELEG' : 'LEASE';
    const state = this.pending === 'none' ? 'ACTIVE' : 'BREAKING';
    const type = { F_RDLCK: 'READ', F_WRLCK: 'WRITE', F_UNLCK: 'UNLCK' }[this.target];
    return `${kind} ${state} ${type} ${this.pid}`;
  }
}
