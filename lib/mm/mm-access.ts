// Loads and stores of a program: through the page table, faulting page by page.
//
// No lock is held while bytes move, as the processor holds none; a fault takes mmap_lock for
// reading. Copying what the entries name and looking at them is one synchronous step, so no entry
// changes in between. Live machines copy runs of present pages at once, others a page at a time
// with a point.

import type { Task } from '../sched/index.js';
import { PAGE_SIZE, pageOffset } from '../units.js';
import { handleFault } from './fault.js';
import type { MM } from './mm.js';
import { pageFlags } from './page-flags.js';
import { pfnOfPte, PTE_DIRTY, pteAllows } from './pte.js';
import { type FaultAccess, type VMA, VmFault } from './vma.js';

/** Pages copied in one step of a live machine. */
const RUN_PAGES = 256;
const run = new Uint32Array(RUN_PAGES);

export async function loadBytes(
  task: Task,
  mm: MM,
  addr: number,
  target: Uint8Array,
): Promise<void> {
  const { pages, sched } = mm.env;
  for (let done = 0; done < target.length;) {
    const at = addr + done;
    if (sched.on) await sched.at(mm.mmapLock.id, 'read');
    const len = presentRun(mm, at, target.length - done, false);
    if (len === 0) {
      await faultAt(task, mm, at, 'read');
      continue;
    }
    pages.read(run, pageOffset(at), target.subarray(done, done + len));
    done += len;
  }
}

export async function storeBytes(
  task: Task,
  mm: MM,
  addr: number,
  source: Uint8Array,
): Promise<void> {
  const { pages, sched } = mm.env;
  for (let done = 0; done < source.length;) {
    const at = addr + done;
    if (sched.on) await sched.at(mm.mmapLock.id, 'read');
    const len = presentRun(mm, at, source.length - done, true);
    if (len === 0) {
      await faultAt(task, mm, at, 'write');
      continue;
    }
    pages.write(run, pageOffset(at), source.subarray(done, done + len));
    done += len;
  }
}

/** Collect into `run` the pages of a stretch at addr that need no fault; its length in bytes. */
function presentRun(mm: MM, addr: number, len: number, write: boolean): number {
  const vma = mm.vmaAt(addr);
  if (vma === undefined) return 0;
  const { pages, sched } = mm.env;
  if (sched.on) sched.touch(vma.id, 'read');
  const max = sched.on ? 1 : RUN_PAGES;
  const first = vma.indexOf(addr);
  const wanted = Math.min(
    vma.nrPages - first,
    Math.ceil((pageOffset(addr) + len) / PAGE_SIZE),
    max,
  );
  let nr = 0;
  for (; nr < wanted; nr++) {
    const pte = vma.pte(first + nr);
    if (!pteAllows(pte, write)) break;
    const pfn = pfnOfPte(pte);
    if (write && (pte & PTE_DIRTY) === 0) Atomics.or(vma.ptes, first + nr, PTE_DIRTY);
    if (pages.hasFlags(pfn, pageFlags.lru)) pages.setFlags(pfn, pageFlags.referenced);
    run[nr] = pfn;
  }
  return nr === 0 ? 0 : Math.min(len, nr * PAGE_SIZE - pageOffset(addr));
}

/** do_user_addr_fault: a signal if nothing is mapped there or the access is not allowed. */
async function faultAt(task: Task, mm: MM, addr: number, access: FaultAccess): Promise<void> {
  await mm.mmapLock.downRead(task, 'killable');
  try {
    const vma: VMA | undefined = mm.vmaAt(addr);
    if (vma === undefined) throw new VmFault('SEGV_MAPERR', addr);
    const { read, write } = vma.prot;
    // x86: whoever may write may read.
    if (access === 'write' ? !write : !read && !write) throw new VmFault('SEGV_ACCERR', addr);
    await handleFault(task, vma, vma.indexOf(addr), access);
  } catch (e) {
    // The file system knows the page, the program the address.
    throw e instanceof VmFault ? new VmFault(e.code, addr) : e;
  } finally {
    mm.mmapLock.upRead(task);
  }
}
