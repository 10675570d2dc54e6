// MAP_DIRECT: a layout lease that lives as long as a mapping (Dan Williams, v9, October 2017).
//
//   mmap(MAP_DIRECT) -> lease -> munmap, or the last piece of it: the lease ends
//                         `----> timeout of a break: the lease is gone, the whole mapping is
//                                unmapped, accesses SIGBUS
//
// The holder is told by SIGIO, and cannot cancel a break: it can munmap in time. The timeout has a
// task of its own (v8 03/14, map_direct_invalidate): whoever began the break may have gone away, or
// not have waited, and what it was to change may be a part of the mapping.

import { strict as assert } from 'node:assert';
import { Errno } from '../errno.js';
import type { KernelRules } from '../kernel-rules.js';
import type { Caller } from '../mm/caller.js';
import type { VMA } from '../mm/vma.js';
import { SideTable, type Task } from '../sched/index.js';
import { pagesFor, type Pgoff } from '../units.js';
import type { LeaseContext } from './lease-context.js';
import type { FileLease, LeaseHolder } from './lease.js';

/** A lease, the pages that its mapping had at first, and the parts of it that are left. */
interface Direct {
  readonly lease: FileLease;
  readonly start: Pgoff;
  readonly end: Pgoff;
  readonly parts: Set<VMA>;
}

const directOfVma = new SideTable<VMA, Direct>();
const directsOfFile = new SideTable<object, Set<Direct>>();

/** The lease that a MAP_DIRECT mapping came with, also after its timeout. */
export const mapDirectLease = (vma: VMA): FileLease | undefined => directOfVma.get(vma)?.lease;

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
    notify: (_sig, { breakTimeNs }) => {
      process.sendSignal('SIGIO', { code: 'POLL_MSG' });
      if (breakTimeNs === 0) return; // lease-break-time 0: never
      const invalidate = (task: Task) => invalidateAt(task, breakTimeNs, leases, direct);
      caller.task.sched.spawn(`timeout of ${holder.label}`, invalidate, { daemon: true });
    },
  };
  const lease = leases.setLease(caller, holder, 'F_RDLCK', { kind: 'LAYOUT' });
  const end = vma.pgoff + pagesFor(vma.end - vma.start);
  const direct: Direct = { lease, start: vma.pgoff, end, parts: new Set([vma]) };
  directOfVma.set(vma, direct);
  const key = keyOf(vma);
  const others = directsOfFile.get(key) ?? new Set();
  directsOfFile.set(key, others.add(direct));
  return lease;
}

/** map_direct_invalidate(): from here on every access faults, and the fault is for a policy. */
async function invalidateAt(
  task: Task,
  untilNs: number,
  leases: LeaseContext,
  { lease, start, end, parts }: Direct,
): Promise<void> {
  const { clock } = task.sched;
  await clock.sleep(task, untilNs - clock.nowNs);
  const [part] = parts;
  if (part === undefined) return; // unmapped in time
  leases.getLease(lease.owner); // who looks at a lease that is past its time ends it
  const { mapping } = part;
  if (!lease.gone || mapping === null) return;
  await mapping.invalidateLock.downWrite(task);
  try {
    await mapping.unmapMappingRange(task, start, end);
  } finally {
    mapping.invalidateLock.upWrite(task);
  }
}

/** A mapping was split (VmOperations.open): its new part stands under the same lease. */
export function openMapDirect(vma: VMA): void {
  if (directOfVma.has(vma)) return;
  for (const direct of directsOfFile.get(keyOf(vma)) ?? []) {
    const sameMm = [...direct.parts].some((part) => part.mm === vma.mm);
    if (!sameMm || vma.pgoff < direct.start || vma.pgoff >= direct.end) continue;
    direct.parts.add(vma);
    directOfVma.set(vma, direct);
    return;
  }
}

/** A part of the mapping goes: with the last the lease, if a timeout did not take it before. */
export function closeMapDirect(leases: LeaseContext, vma: VMA): void {
  const direct = directOfVma.get(vma);
  if (direct === undefined) return;
  directOfVma.delete(vma);
  direct.parts.delete(vma);
  if (direct.parts.size > 0) return;
  directsOfFile.get(keyOf(vma))?.delete(direct);
  leases.drop(direct.lease);
}

function keyOf(vma: VMA): object {
  assert(vma.file !== null, 'a MAP_DIRECT mapping is of a file');
  return vma.file;
}
