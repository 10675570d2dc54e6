// MAP_DIRECT: a layout lease that lives as long as a mapping (Dan Williams, v9, October 2017).
//
//   mmap(MAP_DIRECT) -> lease -> munmap, or the last piece of it: the lease ends
//                         `----> timeout of a break: the lease is gone, accesses SIGBUS
//
// The holder is told by SIGIO, and cannot cancel a break: it can munmap in time.

import { Errno } from '../errno.js';
import type { KernelRules } from '../kernel-rules.js';
import type { Caller } from '../mm/caller.js';
import type { VMA } from '../mm/vma.js';
import type { LeaseContext } from './lease-context.js';
import type { FileLease, LeaseHolder } from './lease.js';

const leaseOfVma = new WeakMap<VMA, FileLease>();

/** The lease that a MAP_DIRECT mapping came with, also after its timeout. */
export const mapDirectLease = (vma: VMA): FileLease | undefined => leaseOfVma.get(vma);

/**
 * Take the lease of a new MAP_DIRECT mapping. EOPNOTSUPP: no such flag on this kernel. EPERM: not
 * a DAX file. EACCES, EINVAL, EAGAIN: as F_SETLEASE.
 */
export function takeMapDirect(
  leases: LeaseContext,
  rules: KernelRules,
  caller: Caller,
  vma: VMA,
  file: { readonly dax: boolean; readonly label: string },
): FileLease {
  if (!rules.mapDirect) throw new Errno('EOPNOTSUPP', 'mmap: this kernel knows no MAP_DIRECT');
  if (!file.dax) throw new Errno('EPERM', `mmap: MAP_DIRECT of ${file.label}, which is not DAX`);
  const { process } = caller;
  const holder: LeaseHolder = {
    label: `MAP_DIRECT mapping of ${file.label}`,
    pid: process.pid,
    readable: true,
    writable: false,
    notify: () => process.sendSignal('SIGIO', { code: 'POLL_MSG' }),
  };
  const lease = leases.setLease(caller, holder, 'F_RDLCK', { kind: 'LAYOUT' });
  leaseOfVma.set(vma, lease);
  return lease;
}

/** A split gives each part of the mapping the same lease. */
export function shareMapDirect(from: VMA, to: VMA): void {
  const lease = leaseOfVma.get(from);
  if (lease !== undefined) leaseOfVma.set(to, lease);
}

/** The last part of the mapping goes: so does the lease, if a timeout did not take it before. */
export function endMapDirect(leases: LeaseContext, vma: VMA): void {
  const lease = leaseOfVma.get(vma);
  leaseOfVma.delete(vma);
  if (lease !== undefined) leases.drop(lease);
}
