// mlock and munlock: pages of a range stay in memory, charged to locked_vm (mm/mlock.c).

import { Errno, isErrno } from '../errno.js';
import type { Task } from '../sched/index.js';
import { alignDown, alignUp, PAGE_SIZE } from '../units.js';
import { assertMayLock, memlockPages } from './accounting.js';
import { handleFault } from './fault.js';
import type { MM } from './mm.js';
import { pteAllows } from './pte.js';
import { type VMA, VmFault } from './vma.js';

/** VM_SPECIAL and DAX: neither locked nor counted nor brought in. */
const exempt = (vma: VMA): boolean =>
  vma.flags.io === true || vma.flags.pfnmap === true || vma.isDax;

/** mlock_fixup: secret memory was locked and counted by mmap, and is not to be unlocked. */
const keepsLock = (vma: VMA): boolean => exempt(vma) || vma.isSecretmem;

/**
 * Lock the pages of the range and bring them in. EPERM: RLIMIT_MEMLOCK is 0. ENOMEM: above the
 * limit, a hole, or a page that cannot be faulted in; the VMAs stay locked then. EAGAIN: no memory.
 */
export async function mlock(task: Task, mm: MM, addr: number, len: number): Promise<void> {
  const { process } = mm;
  if (process !== null) assertMayLock(process, 'mlock');
  const start = alignDown(addr);
  const end = alignUp(addr + len);
  await mm.mmapLock.downWrite(task, 'killable');
  try {
    const wanted = mm.lockedVm + (end - start) / PAGE_SIZE - lockedPages(mm, start, end);
    if (process !== null && wanted > memlockPages(process)) {
      throw new Errno('ENOMEM', `mlock: ${wanted} pages are above RLIMIT_MEMLOCK`);
    }
    await setLocked(task, mm, start, end, true);
  } finally {
    mm.mmapLock.upWrite(task);
  }
  await populate(task, mm, start, end);
}

/** ENOMEM: a hole. */
export async function munlock(task: Task, mm: MM, addr: number, len: number): Promise<void> {
  await mm.mmapLock.downWrite(task, 'killable');
  try {
    await setLocked(task, mm, alignDown(addr), alignUp(addr + len), false);
  } finally {
    mm.mmapLock.upWrite(task);
  }
}

/** Pages of the range that are locked and counted already (count_mm_mlocked_page_nr). */
function lockedPages(mm: MM, start: number, end: number): number {
  let bytes = 0;
  for (const vma of mm.vmas.overlapping(start, end)) {
    if (vma.flags.locked === true) bytes += Math.min(end, vma.end) - Math.max(start, vma.start);
  }
  return bytes / PAGE_SIZE;
}

async function setLocked(
  task: Task,
  mm: MM,
  start: number,
  end: number,
  locked: boolean,
): Promise<void> {
  await mm.splitRange(task, start, end);
  let at = start;
  for (const vma of mm.vmas.overlapping(start, end)) {
    if (vma.start > at) break;
    at = vma.end;
    if (keepsLock(vma) || (vma.flags.locked === true) === locked) continue;
    vma.flags.locked = locked;
    mm.lockedVm += locked ? vma.nrPages : -vma.nrPages;
  }
  if (at < end) throw new Errno('ENOMEM', `mlock: nothing mapped at 0x${at.toString(16)}`);
}

/** mm_populate, with the errors of __mlock_posix_error_return. */
async function populate(task: Task, mm: MM, start: number, end: number): Promise<void> {
  await mm.mmapLock.downRead(task, 'killable');
  try {
    for (const vma of mm.vmas.overlapping(start, end)) {
      if (exempt(vma)) continue;
      // populate_vma_page_range goes through check_vma_flags: EFAULT, which mlock(2) reports so.
      if (vma.isSecretmem) throw new Errno('ENOMEM', 'mlock: secret memory is brought in by use');
      const write = vma.prot.write && !vma.shared;
      const last = vma.indexOf(Math.min(end, vma.end) - 1);
      for (let index = vma.indexOf(Math.max(start, vma.start)); index <= last; index++) {
        if (!vma.prot.read && !vma.prot.write) throw new Errno('ENOMEM', 'mlock: PROT_NONE');
        while (!pteAllows(vma.pte(index), write)) await bringIn(task, vma, index, write);
      }
    }
  } finally {
    mm.mmapLock.upRead(task);
  }
}

async function bringIn(task: Task, vma: VMA, index: number, write: boolean): Promise<void> {
  try {
    await handleFault(task, vma, index, write ? 'write' : 'read');
  } catch (e) {
    if (e instanceof VmFault) throw new Errno('ENOMEM', `mlock: ${e.message}`, { cause: e });
    if (isErrno(e, 'ENOMEM')) throw new Errno('EAGAIN', 'mlock: out of memory', { cause: e });
    throw e;
  }
}
