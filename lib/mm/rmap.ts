// Reverse mapping: from a page to the entries that map it (mm/rmap.c).
//
// A file's page is found through the VMAs of its address space, an anonymous one through the one
// place it was mapped at, which the caller must know. Whoever changes entries tells the MMU
// notifiers of each mm before, and holds i_mmap of the file for reading meanwhile.

import type { Task } from '../sched/index.js';
import { PAGE_SIZE, type Pfn, type Pgoff } from '../units.js';
import type { AddressSpace } from './address-space.js';
import type { MM } from './mm.js';
import type { MMEnv } from './mm-env.js';
import type { InvalidateEvent, Invalidation } from './mmu-notifier.js';
import { pfnOfPte } from './pte.js';
import { clearPte, type VMA, writeProtectPte } from './vma.js';

/** One entry that maps a page. */
export interface PtePlace {
  readonly vma: VMA;
  readonly index: number;
}

/** Where an anonymous page is mapped. */
export interface AnonPlace {
  readonly mm: MM;
  readonly addr: number;
}

/** rmap_walk: every entry that maps the page now. */
export function placesOf(env: MMEnv, pfn: Pfn, anon: AnonPlace | null = null): PtePlace[] {
  const mapping = env.pages.mappingOf(pfn);
  const places: PtePlace[] = [];
  const look = (vma: VMA, index: number): void => {
    if (index < 0 || index >= vma.ptes.length) return;
    const pte = vma.pte(index);
    if (pte !== 0 && pfnOfPte(pte) === pfn) places.push({ vma, index });
  };
  if (mapping !== undefined) {
    const pgoff = mapping.pgoffOfPage(pfn);
    if (pgoff !== undefined) for (const vma of mapping.vmas) look(vma, pgoff - vma.pgoff);
  } else if (anon !== null) {
    const vma = anon.mm.vmaAt(anon.addr);
    if (vma !== undefined) look(vma, vma.indexOf(anon.addr));
  }
  return places;
}

/**
 * Tell the notifiers of everybody who maps the page, then run change() on the entries that map it
 * by then. change() is synchronous.
 */
export async function withPlaces<T>(
  task: Task,
  env: MMEnv,
  pfn: Pfn,
  event: InvalidateEvent,
  anon: AnonPlace | null,
  change: (places: readonly PtePlace[]) => T,
): Promise<T> {
  const mapping = env.pages.mappingOf(pfn);
  if (mapping !== undefined) await mapping.iMmap.downRead(task);
  const told: { mm: MM; invalidation: Invalidation }[] = [];
  try {
    for (const { vma, index } of placesOf(env, pfn, anon)) {
      const { mm } = vma;
      const at = vma.addrOfIndex(index);
      const invalidation = await mm.notifiers.invalidateStart(task, at, at + PAGE_SIZE, event);
      told.push({ mm, invalidation });
    }
    if (env.sched.on) await env.sched.at(env.pages.objectOf(pfn), 'write');
    return change(placesOf(env, pfn, anon));
  } finally {
    for (const { mm, invalidation } of told) mm.notifiers.invalidateEnd(invalidation);
    if (mapping !== undefined) mapping.iMmap.upRead(task);
  }
}

/** try_to_unmap: take the page out of every page table. */
export async function tryToUnmap(task: Task, env: MMEnv, pfn: Pfn): Promise<void> {
  await withPlaces(task, env, pfn, 'unmap', null, (places) => {
    for (const { vma, index } of places) clearPte(vma, index);
  });
}

/** page_mkclean: the next store through any mapping, or by an on-demand device, faults again. */
export async function pageMkclean(task: Task, mapping: AddressSpace, pgoff: Pgoff): Promise<void> {
  const pfn = mapping.lookup(pgoff);
  if (pfn === undefined) return;
  await withPlaces(task, mapping.env, pfn, 'protect', null, (places) => {
    for (const { vma, index } of places) writeProtectPte(vma, index);
  });
}
