// Migration: a page's contents move to another page, and everything that maps it follows
// (mm/migrate.c). Long-term pins need it: no page of ZONE_MOVABLE may be held for long (facts 2.3).
//
// A page with any reference beyond its mappings cannot move. MMU notifiers of every mapping are
// told before; the move itself is one synchronous step, after looking at the references again.

import { Errno } from '../errno.js';
import type { Task } from '../sched/index.js';
import { type Pfn, posOf } from '../units.js';
import type { MM } from './mm.js';
import type { MMEnv } from './mm-env.js';
import { pageFlags } from './page-flags.js';
import { PTE_WRITE, pteDirty } from './pte.js';
import { type AnonPlace, type PtePlace, withPlaces } from './rmap.js';
import { installPte } from './vma.js';

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
  const { counters } = env.vmstat;
  await mm.mmapLock.downRead(task, 'killable');
  try {
    for (let i = 0; i < pfns.length; i++) {
      const pfn = pfns[i]!;
      if (!env.pages.hasFlags(pfn, pageFlags.movable)) continue;
      if (await migratePage(task, env, pfn, { mm, addr: addr + posOf(i) })) {
        counters.pgmigrateSuccess++;
        continue;
      }
      counters.pgmigrateFail++;
      throw new Errno('ENOMEM', `gup: pfn ${pfn} cannot leave ZONE_MOVABLE`);
    }
  } finally {
    mm.mmapLock.upRead(task);
  }
}

/**
 * Move one page to a new one of ZONE_NORMAL. False: referenced, or no memory. True also if the page
 * is not there any more. `anon` finds an anonymous page, which no address space lists.
 */
export async function migratePage(
  task: Task,
  env: MMEnv,
  pfn: Pfn,
  anon: AnonPlace | null,
): Promise<boolean> {
  const { pages, allocator } = env;
  if (isHeld(env, pfn)) return false;
  const target = allocOrUndefined(env);
  if (target === undefined) return false;
  const mapping = pages.mappingOf(pfn);
  let moved = false;
  try {
    return await withPlaces(task, env, pfn, 'migrate', anon, (places) => {
      if (isHeld(env, pfn)) return false;
      moved = places.length > 0 || (mapping !== undefined && pages.mappingOf(pfn) === mapping);
      if (moved) movePage(env, pfn, target, places);
      return true;
    });
  } finally {
    if (!moved) allocator.freePage(target);
  }
}

/** Referenced by somebody, or on its way to the device. */
function isHeld({ pages }: MMEnv, pfn: Pfn): boolean {
  return pages.refs(pfn) > 0 || pages.hasFlags(pfn, pageFlags.writeback);
}

function allocOrUndefined({ allocator }: MMEnv): Pfn | undefined {
  try {
    return allocator.allocPage({ zero: false });
  } catch (e) {
    if (e instanceof Errno) return undefined;
    throw e;
  }
}

function movePage(env: MMEnv, from: Pfn, to: Pfn, places: readonly PtePlace[]): void {
  const { pages, allocator } = env;
  const keep = pageFlags.anon | pageFlags.dirty | pageFlags.referenced;
  pages.copyPage(to, from);
  pages.setFlags(to, pages.flags(from) & keep);
  const mapping = pages.mappingOf(from);
  const pgoff = mapping?.pgoffOfPage(from);
  if (mapping !== undefined && pgoff !== undefined) mapping.replace(pgoff, to);
  else pages.lru.add(to);
  for (const { vma, index } of places) {
    const pte = vma.pte(index);
    const write = (pte & PTE_WRITE) !== 0;
    installPte(vma, index, to, { write, dirty: pteDirty(pte) });
  }
  if (mapping !== undefined) allocator.freePage(from);
  else allocator.freePage(to); // anonymous: its mapping alone keeps it
}
