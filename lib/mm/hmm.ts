// hmm_range_fault: what stands behind a range of addresses now, faulted in but not held (mm/hmm.c).
//
// For devices that mirror a page table instead of pinning (facts 5.5). The answer is worth
// something only between readBegin() and readRetry() of an interval notifier on the range.

import { Errno, isErrno } from '../errno.js';
import type { Task } from '../sched/index.js';
import { alignUp, isAligned, PAGE_SIZE, type Pfn } from '../units.js';
import { handleFault } from './fault.js';
import type { MM } from './mm.js';
import { pfnOfPte, PTE_DIRTY, PTE_PRESENT, PTE_WRITE } from './pte.js';
import { type VMA, VmFault } from './vma.js';

export interface HmmRange {
  /** Page-aligned addresses. */
  readonly start: number;
  readonly end: number;
  /** HMM_PFN_REQ_WRITE: every page must be writable. */
  readonly write: boolean;
  /** false: only look; missing pages are undefined in the answer. true if not given. */
  readonly fault?: boolean | undefined;
}

export interface HmmPage {
  readonly pfn: Pfn;
  readonly writable: boolean;
}

/**
 * EFAULT: nothing mapped, no right to read, or a fault that ends in a signal or finds no page.
 * EPERM: a write to a mapping that is not writable. EINVAL: device memory without pages, or the mm
 * is gone.
 */
export async function faultRange(
  task: Task,
  mm: MM,
  range: HmmRange,
): Promise<(HmmPage | undefined)[]> {
  if (mm.dead) throw new Errno('EINVAL', `hmm: ${mm.label} is gone`);
  const { sched } = mm.env;
  const found: (HmmPage | undefined)[] = [];
  const end = isAligned(range.end) ? range.end : alignUp(range.end);
  await mm.mmapLock.downRead(task, 'killable');
  try {
    for (let addr = range.start; addr < end; addr += PAGE_SIZE) {
      if (sched.on) await sched.at(mm.mmapLock.id, 'read');
      found.push(await onePage(task, mm, addr, range));
    }
  } finally {
    mm.mmapLock.upRead(task);
  }
  return found;
}

async function onePage(
  task: Task,
  mm: MM,
  addr: number,
  range: HmmRange,
): Promise<HmmPage | undefined> {
  const vma = mm.vmaAt(addr);
  if (range.fault === false) return vma === undefined ? undefined : lookAt(vma, addr, false);
  if (vma === undefined) throw new Errno('EFAULT', `hmm: nothing mapped at 0x${addr.toString(16)}`);
  checkVma(vma, addr, range.write);
  for (;;) {
    const page = lookAt(vma, addr, range.write);
    if (page !== undefined) return page;
    try {
      await handleFault(task, vma, vma.indexOf(addr), range.write ? 'write' : 'read');
    } catch (e) {
      if (!(e instanceof VmFault) && !isErrno(e, 'ENOMEM')) throw e;
      throw new Errno('EFAULT', `hmm: ${e.message}`, { cause: e }); // any VM_FAULT_ERROR
    }
  }
}

/** hmm_vma_walk_test, hmm_vma_fault. */
function checkVma(vma: VMA, addr: number, write: boolean): void {
  const at = `at 0x${addr.toString(16)}`;
  if (vma.flags.io === true || vma.flags.pfnmap === true) {
    throw new Errno('EINVAL', `hmm: device memory ${at}`);
  }
  if (!vma.prot.read) throw new Errno('EFAULT', `hmm: no right to read ${at}`);
  if (write && !vma.prot.write) throw new Errno('EPERM', `hmm: no right to write ${at}`);
}

function lookAt(vma: VMA, addr: number, write: boolean): HmmPage | undefined {
  const index = vma.indexOf(addr);
  const pte = vma.pte(index);
  const writable = (pte & PTE_WRITE) !== 0;
  if ((pte & PTE_PRESENT) === 0 || (write && !writable)) return undefined;
  // The device will write behind the processor's back: the page is dirty from now on.
  if (write) Atomics.or(vma.ptes, index, PTE_DIRTY);
  return { pfn: pfnOfPte(pte), writable };
}
