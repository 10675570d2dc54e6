// What the kernel allocates for a lease: where F_SETLEASE is ENOMEM (facts 4.2).
//
//   fcntl         lease_alloc, fasync_alloc      before anything is asked about the caller
//   setLease      f_owner, the lock context      once a file, once an inode
//
// Linux fs/locks.c: do_fcntl_add_lease, generic_add_lease, locks_get_lock_context; fs/fcntl.c:
// file_f_owner_allocate.

import type { KernelRules } from '../kernel-rules.js';
import { slabAlloc, type Task } from '../sched/index.js';
import type { LeasedInode } from './leased-inode.js';

/** Whether an open file has its struct fown_struct; absent: not yet. */
export interface OwnedFile {
  ownerAllocated?: boolean;
}

/** A file_lease; check() finds a wrong type in between, as lease_init does; then a fasync entry. */
export function leaseAlloc(task: Task, check: () => void): void {
  slabAlloc(task, 'a lease');
  check();
  slabAlloc(task, 'a fasync entry');
}

/** f_owner, for F_SETOWN, F_SETSIG and F_SETLEASE. Part of the file before 6.12. */
export function ownerAlloc(task: Task, rules: KernelRules, file: OwnedFile): void {
  if (!rules.ownerAllocated || file.ownerAllocated === true) return;
  slabAlloc(task, 'f_owner');
  file.ownerAllocated = true;
}

/** What a lease on inode needs beside itself. */
export function contextAlloc(
  task: Task,
  rules: KernelRules,
  inode: LeasedInode,
  holder: OwnedFile,
): void {
  ownerAlloc(task, rules, holder);
  if (inode.hasLockContext === true) return;
  slabAlloc(task, 'a lock context');
  inode.hasLockContext = true;
}
