// Writeback of a page-cache file: dirty pages to their blocks (mm/page-writeback.c, fs/ext4).
//
//   dirty --write-protect every mapping, clear the tag--> under writeback --bytes out--> clean
//     ^--------- EIO, or a bounced page: what the device wrote since is not out yet --------'
//
// Write-protecting tells MMU notifiers first (page_mkclean), so that an on-demand device loses its
// write right as the CPU does, and is noticed when it writes again. A pinned page's device
// writes on unnoticed. Linux writes such a page in place meanwhile (facts 2.4): what goes out may
// be a mixture. A policy for pinned pages may want a snapshot (bounce), leave the page for
// later (skip), or wait until it is unpinned.
//
// Waiting for pins holds no lock. The bytes move under invalidate_lock, held for reading, so that a
// truncate does not give the block away below them (truncate waits for writeback); a page whose
// file let it go meanwhile is not written.

import type { PageWriteback } from '../lease/layout.js';
import { pageFlags } from '../mm/page-flags.js';
import { pageMkclean } from '../mm/rmap.js';
import { SideTable, type Task, WaitQueue } from '../sched/index.js';
import { tracepoints } from '../trace/events.js';
import { PAGE_SIZE, type Pfn, type Pgoff } from '../units.js';
import { markWritten } from './block-map.js';
import { cpuEngine, DIRECT_ALIGN } from './direct-io.js';
import type { Inode } from './inode.js';
import { assertDisk } from './store-kinds.js';

type Why = 'sync' | 'background';

/** Pages of one inode whose bytes are on their way. */
interface UnderWriteback {
  readonly pages: Set<Pgoff>;
  readonly ended: WaitQueue;
}

const underWriteback = new SideTable<Inode, UnderWriteback>();

function writebackOf(inode: Inode): UnderWriteback {
  let found = underWriteback.get(inode);
  if (found === undefined) {
    const ended = new WaitQueue(inode.fs.env.sched, `writeback of ${inode.label}`);
    found = { pages: new Set(), ended };
    underWriteback.set(inode, found);
  }
  return found;
}

/** What to do with this page, pinned or not. Synchronous: it holds for the step it is asked in. */
function verdictFor(inode: Inode, pgoff: Pgoff, pfn: Pfn, why: Why): PageWriteback {
  const { pages: policy } = inode.policy;
  if (policy === undefined || inode.fs.env.mm.pages.pins(pfn) === 0) return 'in-place';
  const page = { pfn, pgoff };
  const verdict = policy.beforeWriteback(page, why);
  if (verdict === 'skip' || verdict === 'wait') return verdict;
  if (policy.beforeUnmap(page, 'mkclean') === 'allow') return verdict;
  return why === 'sync' ? 'wait' : 'skip'; // it may not be write-protected now
}

/**
 * Have the dirty pages of [start, end) on the device. EINTR where the policy makes it wait; EIO.
 */
export async function writebackRange(
  task: Task,
  inode: Inode,
  why: Why,
  start: Pgoff = 0,
  end: Pgoff = Infinity,
): Promise<void> {
  for (const pgoff of inode.mapping.dirtyPages(start, end)) {
    await writebackPage(task, inode, pgoff, why);
  }
  const { pages, ended } = writebackOf(inode);
  const others = (): boolean => [...pages].some((pgoff) => pgoff >= start && pgoff < end);
  if (why === 'background' || !others()) return;
  await ended.waitEvent(task, () => !others(), {
    mode: 'uninterruptible',
    why: `others' writeback of ${inode.label}`,
  });
}

/** One page, if it is dirty. */
export async function writebackPage(
  task: Task,
  inode: Inode,
  pgoff: Pgoff,
  why: Why,
): Promise<void> {
  const { invalidateLock } = inode.mapping;
  const { pages } = inode.fs.env.mm;
  // A shift of the file writes back in the middle of its change.
  const held = invalidateLock.holders.includes(task);
  for (;;) {
    const pfn = inode.mapping.lookup(pgoff);
    if (pfn === undefined) return;
    const verdict = verdictFor(inode, pgoff, pfn, why);
    if (verdict === 'skip') return;
    if (verdict === 'wait') {
      const what = `unpin of page ${pgoff} of ${inode.label}`;
      await pages.idleQueue(pfn).waitEvent(task, () => pages.pins(pfn) === 0, { why: what });
      continue;
    }
    if (!held) await invalidateLock.downRead(task);
    try {
      if (await writeStill(task, inode, pgoff, pfn, why)) return;
    } finally {
      if (!held) invalidateLock.upRead(task);
    }
  }
}

/** Write the page if it is what it was; false: it changed, look again. Under invalidate_lock. */
async function writeStill(
  task: Task,
  inode: Inode,
  pgoff: Pgoff,
  pfn: Pfn,
  why: Why,
): Promise<boolean> {
  const { mapping } = inode;
  const block = inode.extents.blockOf(pgoff);
  if (block === undefined) return true;
  await pageMkclean(task, mapping, pgoff);
  // No task runs from here until the tag is clear: a store now faults and sets it again.
  if (mapping.lookup(pgoff) !== pfn) return false;
  if (!mapping.isDirty(pgoff) || writebackOf(inode).pages.has(pgoff)) return true;
  const verdict = verdictFor(inode, pgoff, pfn, why);
  if (verdict === 'skip' || verdict === 'wait') return false;
  if (verdict === 'in-place') mapping.clearDirty(pgoff);
  await underway(inode, pgoff, pfn, async () => {
    try {
      if (verdict === 'bounce') await bounce(task, inode, pfn, block);
      else await moveOut(task, inode, pfn, block);
    } catch (e) {
      mapping.setDirty(pgoff);
      throw e;
    }
    await markWritten(task, inode, pgoff, pgoff + 1);
  });
  return true;
}

async function underway(
  inode: Inode,
  pgoff: Pgoff,
  pfn: Pfn,
  move: () => Promise<void>,
): Promise<void> {
  const { mm, sched } = inode.fs.env;
  const now = writebackOf(inode);
  now.pages.add(pgoff);
  mm.pages.setFlags(pfn, pageFlags.writeback);
  const key = `${inode.label} ${pgoff}`;
  if (tracepoints.writeback.on) {
    tracepoints.writeback.begin(sched, key, { file: inode.label, pgoff, pfn });
  }
  try {
    await move();
    mm.vmstat.counters.nrWritten++;
  } finally {
    mm.pages.clearFlags(pfn, pageFlags.writeback);
    now.pages.delete(pgoff);
    if (tracepoints.writeback.on) tracepoints.writeback.end(sched, key);
    now.ended.wakeAll();
  }
}

/** From a copy made in one step: one moment of the page. ENOMEM: no page for it. */
async function bounce(task: Task, inode: Inode, pfn: Pfn, block: number): Promise<void> {
  const { pages, allocator, vmstat } = inode.fs.env.mm;
  const snapshot = allocator.allocPage({ zero: false });
  try {
    if (inode.fs.env.sched.on) await inode.fs.env.sched.at(pages.objectOf(pfn), 'read');
    pages.copyPage(snapshot, pfn);
    vmstat.counters.nrBounced++;
    await moveOut(task, inode, snapshot, block);
  } finally {
    allocator.freePage(snapshot);
  }
}

/**
 * A pinned page goes out sector by sector in the simulated modes, as a disk reads it: a device that
 * writes meanwhile is seen in part.
 */
async function moveOut(task: Task, inode: Inode, pfn: Pfn, block: number): Promise<void> {
  const { env } = inode.fs;
  const engine = env.blockEngine ?? cpuEngine(env);
  const devicePfns = Uint32Array.of(assertDisk(inode.fs).partition.pfnOf(block));
  const memoryPfns = Uint32Array.of(pfn);
  const stepwise = env.sched.on && env.mm.pages.pins(pfn) > 0;
  const len = stepwise ? DIRECT_ALIGN : PAGE_SIZE;
  for (let pos = 0; pos < PAGE_SIZE; pos += len) {
    const where = { devicePfns, devicePos: pos, memoryPfns, memoryPos: pos, len };
    await engine.transfer(task, { dir: 'write', ...where });
  }
}
