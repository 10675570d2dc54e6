// Page faults: how an entry comes to be (mm/memory.c:handle_mm_fault).
//
//   mapping              load                     store
//   anonymous private    zero page                own page; over the zero page: own page
//   file private         the file's page, r/o     own copy of it (COW)
//   shared               VmOperations.fault       VmOperations.fault with 'write'
//
// Called with mmap_lock held for reading. A fault never fails half-way: it installs an entry or
// throws. It may return without the entry being there (somebody unmapped it meanwhile), so every
// caller looks again.

import assert from 'node:assert/strict';
import type { Task } from '../sched/index.js';
import { tracepoints } from '../trace/events.js';
import type { Pfn } from '../units.js';
import { PAGE_SIZE } from '../units.js';
import { installAnon } from './anon.js';
import { haveRoom } from './mm-env.js';
import { pageFlags } from './page-flags.js';
import { pfnOfPte, pteAllows } from './pte.js';
import { type FaultAccess, installPte, type VMA } from './vma.js';

/** Make the page at index of vma accessible. VmFault, ENOMEM. */
export async function handleFault(
  task: Task,
  vma: VMA,
  index: number,
  access: FaultAccess,
): Promise<void> {
  const { env } = vma.mm;
  env.vmstat.counters.pgfault++;
  if (tracepoints.fault.on) {
    const file = vma.file?.label ?? 'anonymous';
    tracepoints.fault.emit(env.sched, { file, addr: vma.addrOfIndex(index), access });
  }
  if (env.allocator.isLow) await haveRoom(task, env);
  if (env.sched.on) await env.sched.at(vma.id, 'write');
  if (vma.shared || access === 'read') await sharedFault(task, vma, index, access);
  else await breakCow(task, vma, index);
}

/** A read-only long-term pin of a private mapping wants a page of its own (FAULT_FLAG_UNSHARE). */
export async function unshare(task: Task, vma: VMA, index: number): Promise<void> {
  assert(!vma.shared, 'unshare: a shared mapping');
  await breakCow(task, vma, index);
}

async function sharedFault(
  task: Task,
  vma: VMA,
  index: number,
  access: FaultAccess,
): Promise<void> {
  const pte = vma.pte(index);
  const { pages } = vma.mm.env;
  if (access === 'read' ? pte !== 0 : pteAllows(pte, true)) return; // somebody else's fault did it
  const pfn = await vma.ops.fault(task, vma, vma.pgoff + index, access);
  if (!pages.has(pfn)) assert.fail(`fault of ${vma.file?.label ?? 'anon'}: no page ${pfn}`);
}

/** A store to a private mapping: the page becomes this mapping's own (mm/memory.c:do_wp_page). */
async function breakCow(task: Task, vma: VMA, index: number): Promise<void> {
  const { pages } = vma.mm.env;
  if (vma.file === null && vma.pte(index) === 0) {
    await vma.ops.fault(task, vma, vma.pgoff + index, 'write');
    return;
  }
  if (vma.pte(index) === 0) await vma.ops.fault(task, vma, vma.pgoff + index, 'read');
  const pte = vma.pte(index);
  if (pte === 0) return;
  const pfn = pfnOfPte(pte);
  if (pages.hasFlags(pfn, pageFlags.anon) && pages.mapcount(pfn) === 1) {
    const write = vma.prot.write;
    installPte(vma, index, pfn, { write, dirty: write });
  } else {
    await copyPage(task, vma, index, pte);
  }
}

async function copyPage(task: Task, vma: VMA, index: number, pte: number): Promise<void> {
  const { allocator, pages, sched } = vma.mm.env;
  const source: Pfn = pfnOfPte(pte);
  const copy = allocator.allocPage({ movable: true, zero: source === pages.zeroPfn });
  const addr = vma.addrOfIndex(index);
  let installed = false;
  try {
    await vma.mm.notifiers.around(task, addr, addr + PAGE_SIZE, 'cow', async () => {
      if (sched.on) await sched.at(vma.id, 'write');
      if (pfnOfPte(vma.pte(index)) !== source) return; // unmapped meanwhile: fault again
      if (source !== pages.zeroPfn) pages.copyPage(copy, source);
      installAnon(vma, index, copy);
      installed = true;
    });
  } finally {
    if (!installed) allocator.freePage(copy);
  }
}
