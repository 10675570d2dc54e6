// struct file_lease: one promise to the holder of an open file, and what it is being asked to do.
//
//   GRANTED --break by a writer--> unlock pending ----F_UNLCK | timeout--> gone
//      ^ |----break by a reader--> downgrade pending -F_RDLCK | timeout--> GRANTED, as F_RDLCK
//      '------F_SETLEASE again changes the type, and clears what the new type satisfies
//
// Both may be pending at once; each keeps the first deadline it was given (fs/locks.c:
// __break_lease, lease_modify, lease_clear_pending).

import type { Caller } from '../mm/caller.js';

export type LeaseType = 'F_RDLCK' | 'F_WRLCK';
/** What F_GETLEASE answers, and what F_SETLEASE takes. */
export type LeaseArg = LeaseType | 'F_UNLCK';
/**
 * LEASE: FL_LEASE, taken by fcntl. DELEG: FL_DELEG, by an in-kernel server. LAYOUT: FL_LAYOUT,
 * by a pNFS server and, under rules.userLayoutLeases, by applications.
 */
export type LeaseKind = 'LEASE' | 'LAYOUT' | 'DELEG';

/** The open file description that holds a lease (fl_file and fl_owner in one). */
export interface LeaseHolder {
  readonly label: string;
  /** fl_pid: the process that took the lease. */
  readonly pid: number;
  /** FMODE_READ and FMODE_WRITE of the open file. */
  readonly readable: boolean;
  readonly writable: boolean;
  /** kill_fasync(SIGIO, POLL_MSG): the F_SETSIG signal, or SIGIO, to the file's owner. */
  notify(sig: 'lease-break', lease: FileLease): void;
  /** __f_setown(caller), without force: the caller becomes the owner unless there is one. */
  leaseGranted?(lease: FileLease, caller: Caller): void;
  /** f_delown(): nobody owns the file's signals any more, and F_SETSIG is forgotten. */
  leaseGone?(lease: FileLease): void;
}

/** lease_manager_operations of a holder inside the kernel. All but onBreak may be left out. */
export interface LeaseManager {
  /**
   * lm_break: called once per pending kind, must not sleep. True: it is gone at once. To be
   * beyond lease-break-time, as nfsd is, answer 'no-timeout' (fl_break_time = 0).
   */
  onBreak(lease: FileLease): boolean | 'no-timeout';
  /** lm_breaker_owns_lease: whether this breaker is the lease's own client. */
  breakerOwns?(lease: FileLease, caller: Caller | null): boolean;
  /** The lease ended, for whatever reason. */
  onGone?(lease: FileLease): void;
}

export class FileLease {
  type: LeaseType;
  readonly kind: LeaseKind;
  /** F_EXCLUSIVE, layout leases only: others' layout changes fail instead of breaking it. */
  exclusive: boolean;
  readonly owner: LeaseHolder;
  readonly manager: LeaseManager | null;
  /** fl_pid: who took it. It does not follow the open file to another process. */
  readonly pid: number;
  /** fa_fd: the descriptor named in the last F_SETLEASE, for si_fd. */
  fd = -1;
  /** FL_DOWNGRADE_PENDING and FL_UNLOCK_PENDING. */
  downgradePending = false;
  unlockPending = false;
  /** Deadlines on the machine's clock; 0: never. They outlive what was pending, as in Linux. */
  downgradeTimeNs = 0;
  breakTimeNs = 0;
  /** Its holder is done with it; it stays until its last pin goes (onLeaseEnd). */
  kept = false;
  /** No longer on its inode. */
  gone = false;

  constructor(spec: {
    type: LeaseType;
    kind: LeaseKind;
    exclusive: boolean;
    owner: LeaseHolder;
    pid: number;
    manager?: LeaseManager;
  }) {
    this.type = spec.type;
    this.kind = spec.kind;
    this.exclusive = spec.exclusive;
    this.owner = spec.owner;
    this.pid = spec.pid;
    this.manager = spec.manager ?? null;
  }

  /** The strongest thing asked of the holder. */
  get pending(): 'none' | 'downgrade' | 'unlock' {
    if (this.unlockPending) return 'unlock';
    return this.downgradePending ? 'downgrade' : 'none';
  }

  /** target_leasetype(): what F_GETLEASE answers. */
  get target(): LeaseArg {
    if (this.unlockPending) return 'F_UNLCK';
    return this.downgradePending ? 'F_RDLCK' : this.type;
  }

  /** A line of /proc/locks, without its number and inode. */
  toString(): string {
    const state = this.pending === 'none' ? 'ACTIVE' : 'BREAKING';
    const shown = this.pending === 'none' ? this.type : this.target;
    const word = { F_RDLCK: 'READ', F_WRLCK: 'WRITE', F_UNLCK: 'UNLCK' }[shown];
    return `${this.kind === 'LEASE' ? 'LEASE' : this.kind === 'LAYOUT' ? 'LAYOUT' : 'DELEG'} ${state} ${word} ${this.pid}`;
  }
}
