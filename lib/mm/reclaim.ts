// Reclaim: make pages free by dropping clean page-cache pages, as shrink_folio_list decides, page
// by page and in its order (mm/vmscan.c; facts 2.4).
//
//   anonymous                                 kept: there is no swap
//   on its way to the device                  kept
//   used since it was last looked at          activated
//   pinned, and the policy wants it mapped    kept
//   (unmapped now)
//   maybe pinned for DMA                      activated: not reclaimed, its file metadata stays
//   dirty                                     written, freed in the next round; else kept
//   referenced by anybody                     kept
//   else                                      out of its file, free
//
// It never runs by itself: who needs memory (pressure.ts), or wants to see what happens, calls it.

import type { Task } from '../sched/index.js';
import type { Pfn, Pgoff } from '../units.js';
import type { AddressSpace } from './address-space.js';
import type { MMEnv } from './mm-env.js';
import { pageFlags } from './page-flags.js';
import { GUP_PIN_COUNTING_BIAS } from './page.js';
import { tracepoints } from '../trace/events.js';
import { placesOf, tryToUnmap } from './rmap.js';
import { clearPte } from './vma.js';

/** What higher rooms add. */
export interface ReclaimHooks {
  /** May a pinned page be unmapped? 'allow' if not given, as Linux. */
  beforeUnmap?(mapping: AddressSpace, pgoff: Pgoff, pfn: Pfn): 'allow' | 'refuse' | 'wait';
  /** Write a dirty page out; it may stay dirty. Without it dirty pages are kept. */
  pageout?(task: Task, mapping: AddressSpace, pgoff: Pgoff): Promise<void>;
}

export interface ReclaimResult {
  scanned: number;
  reclaimed: number;
  activated: number;
  written: number;
  kept: number;
}

type Fate = 'reclaimed' | 'activated' | 'written' | 'kept';

/** Look at up to nr inactive pages, oldest first. Holds no lock while it waits for a pageout. */
export async function shrinkInactive(
  task: Task,
  env: MMEnv,
  nr: number,
  hooks: ReclaimHooks = {},
): Promise<ReclaimResult> {
  const { lru, vmstat } = env.pages;
  const result: ReclaimResult = { scanned: 0, reclaimed: 0, activated: 0, written: 0, kept: 0 };
  if (lru.nrInactive < nr) lru.shrinkActive(nr - lru.nrInactive);
  for (const pfn of lru.oldest(nr)) {
    if (!lru.has(pfn)) continue; // gone while another page was written
    result.scanned++;
    vmstat.counters.pgscan++;
    const fate = await shrinkPage(task, env, pfn, hooks);
    result[fate]++;
    if (fate === 'reclaimed') vmstat.counters.pgsteal++;
    else if (fate === 'activated' && lru.has(pfn)) lru.activate(pfn);
    else if (lru.has(pfn)) lru.rotate(pfn);
  }
  if (tracepoints.reclaim.on) tracepoints.reclaim.emit(env.sched, { ...result });
  return result;
}

/** folio_maybe_dma_pinned: never a false no, but 1024 gets look like a pin (facts 2.1). */
export function maybeDmaPinned({ pages }: MMEnv, pfn: Pfn): boolean {
  return pages.refcount(pfn) >= GUP_PIN_COUNTING_BIAS;
}

async function shrinkPage(task: Task, env: MMEnv, pfn: Pfn, hooks: ReclaimHooks): Promise<Fate> {
  const { pages } = env;
  const mapping = pages.mappingOf(pfn);
  const pgoff = mapping?.pgoffOfPage(pfn);
  if (mapping === undefined || pgoff === undefined) return 'kept';
  if (pages.hasFlags(pfn, pageFlags.writeback)) return 'kept';
  // Faults and reads in progress hold it for reading: they play the part of the folio lock.
  if (!mapping.invalidateLock.tryDownWrite(task)) return 'kept';
  try {
    if (pages.hasFlags(pfn, pageFlags.referenced)) {
      pages.clearFlags(pfn, pageFlags.referenced);
      return 'activated';
    }
    const mapped = pages.mapcount(pfn) > 0;
    const pinned = maybeDmaPinned(env, pfn);
    const mayUnmap = !pinned || (hooks.beforeUnmap?.(mapping, pgoff, pfn) ?? 'allow') === 'allow';
    if (mapped && !mayUnmap) return 'kept'; // reclaim does not wait: it comes round again
    if (mapped) await tryToUnmap(task, env, pfn);
    if (maybeDmaPinned(env, pfn)) return 'activated';
    if (!mapping.isDirty(pgoff)) return dropPage(env, mapping, pgoff, pfn);
  } finally {
    mapping.invalidateLock.upWrite(task);
  }
  if (hooks.pageout === undefined) return 'kept';
  await hooks.pageout(task, mapping, pgoff);
  return mapping.isDirty(pgoff) ? 'kept' : 'written';
}

/**
 * The same within one step, for an allocation that cannot wait: up to nr clean pages that nobody
 * references, whose file nobody is busy with and whose mappings no MMU notifier watches. How many.
 */
export function dropNow(env: MMEnv, nr: number, wanted: (pfn: Pfn) => boolean): number {
  const { lru, vmstat } = env.pages;
  let dropped = 0;
  for (const pfn of lru.oldest(lru.nrInactive)) {
    if (dropped >= nr) break;
    if (!wanted(pfn) || !isDroppable(env, pfn)) continue;
    vmstat.counters.pgscan++;
    const mapping = env.pages.mappingOf(pfn)!;
    const pgoff = mapping.pgoffOfPage(pfn)!;
    for (const { vma, index } of placesOf(env, pfn)) clearPte(vma, index);
    if (mapping.isDirty(pgoff)) continue; // an entry knew of a store that nobody else knew of
    if (dropPage(env, mapping, pgoff, pfn) === 'reclaimed') dropped++;
  }
  vmstat.counters.pgsteal += dropped;
  return dropped;
}

function isDroppable(env: MMEnv, pfn: Pfn): boolean {
  const { pages } = env;
  const mapping = pages.mappingOf(pfn);
  if (mapping === undefined || mapping.host.kind !== 'pagecache') return false;
  const { referenced, dirty, writeback } = pageFlags;
  if ((pages.flags(pfn) & (dirty | writeback)) !== 0 || pages.refs(pfn) > 0) return false;
  if (mapping.invalidateLock.holders.length > 0) return false;
  if (pages.hasFlags(pfn, referenced)) {
    pages.clearFlags(pfn, referenced); // once more round the list
    return false;
  }
  return placesOf(env, pfn).every(({ vma }) => vma.mm.notifiers.empty);
}

/** __remove_mapping: only if nobody references it beyond the page cache. */
function dropPage(env: MMEnv, mapping: AddressSpace, pgoff: Pgoff, pfn: Pfn): Fate {
  const { pages, allocator } = env;
  const free = pages.refs(pfn) === 0 && pages.mapcount(pfn) === 0;
  if (!free || mapping.lookup(pgoff) !== pfn) return 'kept';
  mapping.delete(pgoff);
  allocator.freePage(pfn);
  return 'reclaimed';
}
