// Migration: a page's contents move to another page, and everything that maps it follows
// (mm/migrate.c). Long-term pins need it: no page of ZONE_MOVABLE may be held for long (facts 2.3).
//
// A page with any reference beyond its mappings cannot move. MMU notifiers of every mapping are told
// before; the move itself is one synchronous step, after looking at the references again.

import { Errno } from '../errno.js';
import type { Task } from '../sched/index.js';
import { PAGE_SIZE, type Pfn, posOf } from '../units.js';
import type { MM } from './mm.js';
import type { MMEnv } from './mm-env.js';
import type { Invalidation } from './mmu-notifier.js';
import { pageFlags } from './page-flags.js';
import { pfnOfPte, PTE_DIRTY, PTE_WRITE } from './pte.js';
import { installPte, type VMA } from './vma.js';

interface Place {
  readonly vma: VMA;
  readonly index: number;
}

/**
 * Move those of the pages that lie in ZONE_MOVABLE out of it; pfns are what was found from addr on.
 * ENOMEM when one cannot be moved, whatever the cause (migrate_longterm_unpinnable_pages).
 */
export async function migrateForLongterm(
  task: Task,
  mm: MM,
  addr: number,
  pfns: Uint32Array,
): Promise<void> {
  const { env } = mm;
  await mm.mmapLock.downRead(task, 'killable');
  try {
    for (let i = 0; i < pfns.length; i++) {
      const pfn = pfns[i]!;
      if (!env.pages.hasFlags(pfn, pageFlags.movable)) continue;
      if (await migratePage(task, env, pfn, { mm, addr: addr + posOf(i) })) {
        env.vmstat.counters.pgmigrateSuccess++;
      } else {
        env.vmstat.counters.pgmigrateFail++;
        throw new Errno('ENOMEM', `gup: pfn ${pfn} cannot leave ZONE_MOVABLE`);
      }
    }
  } finally {
    mm.mmapLock.upRead(task);
  }
}

/**
 * Move one page to a new one of ZONE_NORMAL. False: referenced, or no memory. True also if the page
 * is not there any more. `where` finds an anonymous page, which no address space lists.
 */
export async function migratePage(
  task: Task,
  env: MMEnv,
  pfn: Pfn,
  where: { readonly mm: MM; readonly addr: number } | null,
): Promise<boolean> {
  const { pages, allocator, sched } = env;
  if (pages.refs(pfn) > 0) return false;
  const target = allocOrUndefined(env);
  if (target === undefined) return false;
  const mapping = pages.mappingOf(pfn);
  if (mapping !== undefined) await mapping.iMmap.downRead(task);
  const told: { mm: MM; invalidation: Invalidation }[] = [];
  let moved = false;
  try {
    for (const { vma, index } of placesOf(env, pfn, where)) {
      const at = vma.addrOfIndex(index);
      const { notifiers } = vma.mm;
      const invalidation = await notifiers.invalidateStart(task, at, at + PAGE_SIZE, 'migrate');
      told.push({ mm: vma.mm, invalidation });
    }
    if (sched.on) await sched.at(pages.objectOf(pfn), 'write');
    if (pages.refs(pfn) > 0) return false;
    const places = placesOf(env, pfn, where);
    moved = places.length > 0 || pages.mappingOf(pfn) === mapping;
    if (moved) movePage(env, pfn, target, places);
    return true;
  } finally {
    for (const { mm, invalidation } of told) mm.notifiers.invalidateEnd(invalidation);
    if (mapping !== undefined) mapping.iMmap.upRead(task);
    if (!moved) allocator.freePage(target);
  }
}

function allocOrUndefined({ allocator }: MMEnv): Pfn | undefined {
  try {
    return allocator.allocPage({ zero: false });
  } catch (e) {
    if (e instanceof Errno) return undefined;
    throw e;
  }
}

/** Every entry that maps the page: rmap_walk. */
function placesOf(env: MMEnv, pfn: Pfn, where: { mm: MM; addr: number } | null): Place[] {
  const mapping = env.pages.mappingOf(pfn);
  const places: Place[] = [];
  const look = (vma: VMA, index: number): void => {
    const pte = index >= 0 && index < vma.ptes.length ? vma.pte(index) : 0;
    if (pte !== 0 && pfnOfPte(pte) === pfn) places.push({ vma, index });
  };
  if (mapping !== undefined) {
    const pgoff = mapping.pgoffOfPage(pfn);
    if (pgoff !== undefined) for (const vma of mapping.vmas) look(vma, pgoff - vma.pgoff);
  } else if (where !== null) {
    const vma = where.mm.vmaAt(where.addr);
    if (vma !== undefined) look(vma, vma.indexOf(where.addr));
  }
  return places;
}

function movePage(env: MMEnv, from: Pfn, to: Pfn, places: readonly Place[]): void {
  const { pages, allocator } = env;
  const keep = pageFlags.anon | pageFlags.dirty | pageFlags.referenced | pageFlags.active;
  pages.copyPage(to, from);
  pages.setFlags(to, pages.flags(from) & keep);
  const mapping = pages.mappingOf(from);
  const pgoff = mapping?.pgoffOfPage(from);
  if (mapping !== undefined && pgoff !== undefined) mapping.replace(pgoff, to);
  for (const { vma, index } of places) {
    const pte = vma.pte(index);
    const dirty = (pte & PTE_DIRTY) !== 0;
    installPte(vma, index, to, { write: (pte & PTE_WRITE) !== 0, dirty });
  }
  if (mapping !== undefined) allocator.freePage(from);
  else allocator.freePage(to); // anonymous: its mapping alone keeps it
}
