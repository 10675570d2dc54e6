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

/** A lease, and the parts that are left of its mapping. */
interface Direct {
  readonly lease: FileLease;
  nrParts: number;
}

const directs = new WeakMap<VMA, Direct>();

/** The lease that a MAP_DIRECT mapping came with, also after its timeout. */
export const mapDirectLease = (vma: VMA): FileLease | undefined => directs.get(vma)?.lease;

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
  directs.set(vma, { lease, nrParts: 1 });
  return lease;
}

/** A split gives each part of the mapping the same lease. */
export function shareMapDirect(from: VMA, to: VMA): void {
  const direct = directs.get(from);
  if (direct === undefined || directs.get(to) === direct) return;
  direct.nrParts++;
  directs.set(to, direct);
}

/** A part of the mapping goes: with the last the lease, if a timeout did not take it before. */
export function endMapDirect(leases: LeaseContext, vma: VMA): void {
  const direct = directs.get(vma);
  if (direct === undefined) return;
  directs.delete(vma);
  if (--direct.nrParts === 0) leases.drop(direct.lease);
}
