// fcntl(F_SETLEASE) and fcntl(F_GETLEASE): the words of user space for what LeaseContext does.
//
// Under rules.userLayoutLeases there are two more: F_LAYOUT takes a layout lease, and with
// F_EXCLUSIVE one whose conflicts fail instead of breaking it (proposal: Ira Weiny, June and
// August 2019). Without that rule they are unknown arguments, as in every released kernel.

import assert from 'node:assert/strict';
import { Errno } from '../errno.js';
import type { KernelRules } from '../kernel-rules.js';
import type { Caller } from '../mm/caller.js';
import type { Task } from '../sched/index.js';
import { leaseAlloc } from './lease-alloc.js';
import type { LeaseContext } from './lease-context.js';
import type { LeaseArg, LeaseHolder } from './lease.js';
import { checkMayLease, type LeaseEnv } from './leased-inode.js';

export type SetLeaseArg = LeaseArg | 'F_LAYOUT' | 'F_LAYOUT|F_EXCLUSIVE';
const setLeaseArgs: readonly SetLeaseArg[] = [
  'F_RDLCK',
  'F_WRLCK',
  'F_UNLCK',
  'F_LAYOUT',
  'F_LAYOUT|F_EXCLUSIVE',
];

export type GetLeaseResult = LeaseArg | 'F_LAYOUT';

/** F_SETLEASE of arg by the rules of this kernel. EINVAL for an unknown one. */
function checkArg(rules: KernelRules, arg: SetLeaseArg): void {
  const known =
    arg === 'F_LAYOUT' || arg === 'F_LAYOUT|F_EXCLUSIVE' ? rules.userLayoutLeases : true;
  if (known && setLeaseArgs.includes(arg)) return;
  throw new Errno('EINVAL', `setlease: ${String(arg)} is not a kind of lease`);
}

/** do_fcntl_add_lease(), before anything is asked about the caller. ENOMEM EINVAL. */
function addLease(task: Task, rules: KernelRules, arg: SetLeaseArg): void {
  if (arg !== 'F_UNLCK') leaseAlloc(task, () => checkArg(rules, arg));
}

/**
 * F_SETLEASE on an open file. ENOMEM, and EINVAL for an unknown argument, come before anything is
 * asked about the caller (linux fs/locks.c: lease_alloc in do_fcntl_add_lease); an O_PATH
 * descriptor never gets here (EBADF). May wait for F_UNLCK only, and only under a policy that says
 * so.
 */
export async function fcntlSetLease(
  leases: LeaseContext,
  rules: KernelRules,
  caller: Caller,
  holder: LeaseHolder,
  arg: SetLeaseArg,
  fd: number,
): Promise<void> {
  // A directory has delegations, and only F_SETDELEG takes them; before 6.19 it has nothing.
  if (rules.userDelegations && leases.inode.isDirectory === true) {
    throw new Errno('EINVAL', `setlease: ${holder.label} is a directory`);
  }
  addLease(caller.task, rules, arg);
  if (arg === 'F_UNLCK') return leases.unlock(caller, holder);
  if (arg === 'F_RDLCK' || arg === 'F_WRLCK') {
    leases.setLease(caller, holder, arg, { fd });
  } else {
    const exclusive = arg !== 'F_LAYOUT';
    leases.setLease(caller, holder, 'F_RDLCK', { kind: 'LAYOUT', exclusive, fd });
  }
}

/**
 * F_SETLEASE on what can have no lease: a device, a pipe, a ring, which belongs to uid. EINVAL, or
 * what comes before it: ENOMEM EACCES, and what a security module says.
 */
export function fcntlRefuseLease(
  env: Pick<LeaseEnv, 'rules' | 'settings'>,
  caller: Caller,
  file: { readonly label: string },
  uid: number,
  arg: SetLeaseArg,
): never {
  addLease(caller.task, env.rules, arg);
  const { label } = file;
  const counts = { openForWrite: () => 0, openCount: () => 0 };
  const inode = { label, isRegular: false, uid, supportsLeases: false, ...counts };
  checkMayLease(env, inode, { process: caller.process, holder: file, arg });
  assert.fail(`${label} can have no lease`);
}

/** F_GETLEASE on an open file. */
export function fcntlGetLease(leases: LeaseContext, holder: LeaseHolder): GetLeaseResult {
  return leases.getLease(holder);
}
