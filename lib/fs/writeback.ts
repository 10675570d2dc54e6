// Writeback of a page-cache file: dirty pages to their blocks (mm/page-writeback.c, fs/ext4).
//
//   dirty --write-protect every mapping, clear the tag--> under writeback --bytes out--> clean
//
// Linux writes a pinned page in place while the device may write to it (facts 2.4); a policy for
// pinned pages may want a snapshot (bounce), leave the page for later (skip), or wait until it is
// unpinned. A bounced page stays dirty: what the device wrote since is not out yet.

import type { PageWriteback } from '../lease/layout.js';
import { pfnOfPte } from '../mm/pte.js';
import { writeProtectPte } from '../mm/vma.js';
import type { Task } from '../sched/index.js';
import { PAGE_SIZE, type Pfn, type Pgoff } from '../units.js';
import { markWritten } from './block-map.js';
import type { Inode } from './inode.js';
import { assertDisk } from './store-kinds.js';

/** What to do with this page, pinned or not. */
function verdictFor(
  inode: Inode,
  pgoff: Pgoff,
  pfn: Pfn,
  why: 'sync' | 'background',
): PageWriteback {
  if (inode.fs.env.mm.pages.pins(pfn) === 0) return 'in-place';
  return inode.policy.pages?.beforeWriteback({ pfn, pgoff }, why) ?? 'in-place';
}

/** page_mkclean: the next store through any mapping faults and makes the page dirty again. */
function writeProtect(inode: Inode, pgoff: Pgoff, pfn: Pfn): void {
  for (const vma of inode.mapping.vmas) {
    const index = pgoff - vma.pgoff;
    if (index < 0 || index >= vma.nrPages || pfnOfPte(vma.pte(index)) !== pfn) continue;
    writeProtectPte(vma, index);
  }
}

/** Have the dirty pages of [start, end) on the device. EINTR where the policy makes it wait. */
export async function writebackRange(
  task: Task,
  inode: Inode,
  why: 'sync' | 'background',
  start: Pgoff = 0,
  end: Pgoff = Infinity,
): Promise<void> {
  for (const pgoff of inode.mapping.dirtyPages(start, end)) {
    await writebackPage(task, inode, pgoff, why);
  }
}

async function writebackPage(
  task: Task,
  inode: Inode,
  pgoff: Pgoff,
  why: 'sync' | 'background',
): Promise<void> {
  const { mapping, fs } = inode;
  const { pages } = fs.env.mm;
  let pfn = mapping.lookup(pgoff);
  let verdict: PageWriteback = 'in-place';
  while (pfn !== undefined) {
    verdict = verdictFor(inode, pgoff, pfn, why);
    if (verdict !== 'wait') break;
    await pages.idleQueue(pfn).wait(task, { why: `unpin of page ${pgoff} of ${inode.label}` });
    pfn = mapping.lookup(pgoff);
  }
  const block = inode.extents.blockOf(pgoff);
  if (pfn === undefined || block === undefined || verdict === 'skip') return;
  if (fs.env.sched.on) await fs.env.sched.at(pages.objectOf(pfn), 'read');
  if (mapping.lookup(pgoff) !== pfn || inode.extents.blockOf(pgoff) !== block) return;
  writeProtect(inode, pgoff, pfn);
  if (verdict === 'in-place') mapping.clearDirty(pgoff);
  const { partition } = assertDisk(fs);
  if (verdict === 'bounce') {
    const snapshot = new Uint8Array(PAGE_SIZE);
    pages.read(pfn, 0, snapshot);
    partition.write(block, 0, snapshot);
  } else {
    pages.copyPage(partition.pfnOf(block), pfn);
  }
  await markWritten(task, inode, pgoff, pgoff + 1);
}
