// Accounts of pages that cannot be reclaimed, and RLIMIT_MEMLOCK against each of them alone.
//
//   account        charged by                       compared with the limit
//   mm.pinnedVm    RDMA registrations (VmPin)       alone (facts 5.2; trap 11)
//   mm.lockedVm    mlock, vfio (VmLck)              alone
//   user.lockedVm  io_uring registered buffers      alone, over all processes of the user
//
// V4L2 user pointers are in none (trap 10). CAP_IPC_LOCK lifts every limit. A charge that is
// refused changed nothing.

import assert from 'node:assert/strict';
import { Errno } from '../errno.js';
import { pgoffOf } from '../units.js';
import type { ProcessLike, UserAccount } from './caller.js';
import type { MM } from './mm.js';

const unlimited = (process: ProcessLike): boolean => process.cred.caps.has('CAP_IPC_LOCK');

/** RLIMIT_MEMLOCK in whole pages. */
export function memlockPages(process: ProcessLike): number {
  return unlimited(process) ? Infinity : pgoffOf(process.rlimit('memlock'));
}

/** mm/mlock.c:can_do_mlock: EPERM if the limit is zero, whatever is asked for. */
export function assertMayLock(process: ProcessLike, what: string): void {
  if (!unlimited(process) && process.rlimit('memlock') === 0) {
    throw new Errno('EPERM', `${what}: RLIMIT_MEMLOCK is 0`);
  }
}

function overLimit(process: ProcessLike, wanted: number, what: string): void {
  const limit = memlockPages(process);
  if (wanted > limit) {
    throw new Errno('ENOMEM', `${what}: ${wanted} pages are more than RLIMIT_MEMLOCK's ${limit}`);
  }
}

/**
 * Charge a registration to the mm it is made in (umem.c:ib_umem_get): EPERM at a limit of zero,
 * ENOMEM above it. The same pages registered twice are charged twice.
 */
export function chargePinned(process: ProcessLike, mm: MM, nrPages: number): void {
  assertMayLock(process, 'pin');
  overLimit(process, mm.pinnedVm + nrPages, 'pin');
  mm.pinnedVm += nrPages;
}

/** Also of an mm that is dead: nobody looks at it any more. */
export function unchargePinned(mm: MM, nrPages: number): void {
  mm.pinnedVm -= nrPages;
  if (!(mm.pinnedVm >= 0)) assert.fail(`${mm.label}: pinned_vm below zero`);
}

/** account_locked_vm: vfio. ENOMEM above the limit. */
export function chargeLocked(process: ProcessLike, mm: MM, nrPages: number): void {
  overLimit(process, mm.lockedVm + nrPages, 'lock');
  mm.lockedVm += nrPages;
}

export function unchargeLocked(mm: MM, nrPages: number): void {
  mm.lockedVm -= nrPages;
  if (!(mm.lockedVm >= 0)) assert.fail(`${mm.label}: locked_vm below zero`);
}

/** io_uring's __io_account_mem: against the user, not the process. ENOMEM above the limit. */
export function chargeUser(process: ProcessLike, nrPages: number): void {
  if (unlimited(process)) return;
  overLimit(process, process.user.lockedVm + nrPages, 'io_uring');
  process.user.lockedVm += nrPages;
}

/** Give back what chargeUser charged; nothing if it charged nothing (CAP_IPC_LOCK then). */
export function unchargeUser(user: UserAccount, nrPages: number): void {
  user.lockedVm -= nrPages;
  if (!(user.lockedVm >= 0)) assert.fail(`user ${user.uid}: locked_vm below zero`);
}
