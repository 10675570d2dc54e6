// Delegations of user space: fcntl(F_SETDELEG) and fcntl(F_GETDELEG), Linux 6.19 and later.
//
//   broken by                              a lease   a delegation of the file   of the directory
//   open, truncate by path                 yes       yes                        no
//   chmod, chown                           no        yes                        yes, its own
//   unlink, rename, link                   no        yes                        yes, of the names
//   create, mkdir, mknod, symlink, rmdir   -         -                          yes, of the names
//
// For the rest a delegation is a lease: it ends with the open file, SIGIO tells its holder, the
// time it has is lease-break-time, and a holder that does such a thing itself breaks its own. Who
// breaks it waits with no lock held, then looks its names up again. An open file has one or the
// other; F_UNLCK of either command gives up what there is. d_flags and __pad of struct delegation
// are 0 here, as they must be.

import { Errno } from '../errno.js';
import type { KernelRules } from '../kernel-rules.js';
import type { Caller } from '../mm/caller.js';
import type { Task } from '../sched/index.js';
import { leaseAlloc } from './lease-alloc.js';
import type { LeaseContext } from './lease-context.js';
import type { LeaseArg, LeaseHolder, LeaseKind, LeaseType } from './lease.js';
import type { LeasedInode } from './leased-inode.js';

/** F_SETDELEG, F_GETDELEG on any file: EINVAL, as for every command that a kernel does not know. */
export function checkDelegKnown(rules: KernelRules): void {
  if (!rules.userDelegations) throw new Errno('EINVAL', 'fcntl: this kernel has no F_SETDELEG');
}

/** d_type of a new delegation. ENOMEM EINVAL, before anything is asked about the caller. */
function allocDeleg(task: Task, arg: LeaseArg): void {
  if (arg === 'F_UNLCK') return;
  leaseAlloc(task, () => {
    if (arg === 'F_RDLCK' || arg === 'F_WRLCK') return;
    throw new Errno('EINVAL', `setdeleg: ${String(arg)} is not a type of delegation`);
  });
}

/**
 * F_SETDELEG on an open file or directory. EINVAL: this kernel has none, an unknown type, a write
 * delegation of a directory, or the file can have none. EACCES EAGAIN ENOMEM: as F_SETLEASE, and
 * EAGAIN while somebody changes the inode (linux fs/locks.c: fcntl_setdeleg).
 */
export async function fcntlSetDeleg(
  leases: LeaseContext,
  rules: KernelRules,
  caller: Caller,
  holder: LeaseHolder,
  arg: LeaseArg,
  fd: number,
): Promise<void> {
  checkDelegKnown(rules);
  allocDeleg(caller.task, arg);
  if (arg === 'F_UNLCK') return leases.unlock(caller, holder);
  leases.setLease(caller, holder, arg, { kind: 'DELEG', fd });
}

/** F_GETDELEG: F_UNLCK also where the open file has a lease. EINVAL: this kernel has none. */
export function fcntlGetDeleg(
  leases: LeaseContext,
  rules: KernelRules,
  holder: LeaseHolder,
): LeaseArg {
  checkDelegKnown(rules);
  return leases.getDeleg(holder);
}

/**
 * EINVAL: a directory has read delegations only (generic_setlease), and an older kernel no write
 * delegations at all.
 */
export function checkDelegType(
  rules: KernelRules,
  inode: LeasedInode,
  kind: LeaseKind,
  type: LeaseType,
): void {
  if (type !== 'F_WRLCK') return;
  if (inode.isDirectory === true) {
    throw new Errno('EINVAL', `setlease: ${inode.label} is a directory: F_RDLCK only`);
  }
  if (kind === 'DELEG' && !rules.writeDelegations) {
    throw new Errno('EINVAL', 'setlease: this kernel has no write delegations');
  }
}

/**
 * i_rwsem, which whoever breaks a delegation holds from the break to the change. EAGAIN: somebody
 * has it; a delegation is worth no wait (generic_add_lease, inode_trylock).
 */
export function lockForDeleg(inode: LeasedInode, task: Task): Disposable | null {
  const lock = inode.tryLock?.(task);
  if (lock === null) throw new Errno('EAGAIN', `setlease: ${inode.label} is being changed`);
  return lock ?? null;
}
