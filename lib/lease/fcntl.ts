// fcntl(F_SETLEASE) and fcntl(F_GETLEASE): the words of user space for what LeaseContext does.
//
// Under rules.userLayoutLeases there are two more: F_LAYOUT takes a layout lease, and with
// F_EXCLUSIVE one whose conflicts fail instead of breaking it (proposal: Ira Weiny, June and
// August 2019). Without that rule they are unknown arguments, as in every released kernel.

import { Errno } from '../errno.js';
import type { KernelRules } from '../kernel-rules.js';
import type { Caller } from '../mm/caller.js';
import type { LeaseContext } from './lease-context.js';
import type { LeaseArg, LeaseHolder } from './lease.js';

export type SetLeaseArg = LeaseArg | 'F_LAYOUT' | 'F_LAYOUT|F_EXCLUSIVE';
export type GetLeaseResult = LeaseArg | 'F_LAYOUT';

/**
 * F_SETLEASE on an open file. EINVAL for an unknown argument comes before anything is asked
 * about the caller (linux fs/locks.c: lease_alloc in do_fcntl_add_lease); an O_PATH descriptor
 * never gets here (EBADF). May wait for F_UNLCK only, and only under a policy that says so.
 */
export async function fcntlSetLease(
  leases: LeaseContext,
  rules: KernelRules,
  caller: Caller,
  holder: LeaseHolder,
  arg: SetLeaseArg,
  fd: number,
): Promise<void> {
  switch (arg) {
    case 'F_UNLCK':
      return leases.unlock(caller, holder);
    case 'F_RDLCK':
    case 'F_WRLCK':
      leases.setLease(caller, holder, arg, { fd });
      return;
    case 'F_LAYOUT':
    case 'F_LAYOUT|F_EXCLUSIVE':
      if (!rules.userLayoutLeases) break;
      leases.setLease(caller, holder, 'F_RDLCK', {
        kind: 'LAYOUT',
        exclusive: arg !== 'F_LAYOUT',
        fd,
      });
      return;
  }
  throw new Errno('EINVAL', `setlease: ${String(arg)} is not a kind of lease`);
}

/** F_GETLEASE on an open file. */
export function fcntlGetLease(leases: LeaseContext, holder: LeaseHolder): GetLeaseResult {
  return leases.getLease(holder);
}
