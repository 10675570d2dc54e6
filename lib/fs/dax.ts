// Files on DAX: the pages of the device are the pages of the file (fs/dax.c).
//
// read(2) and write(2) go straight to the device's pages; read holds i_rwsem shared, so it waits
// for a truncate (facts 3.2). A fault maps the device page itself, under invalidate_lock held for
// reading; a load of a hole maps the zero page, which is no entry of the mapping and never busy. A
// store to a hole, or to an unwritten block, gives the file a block of zeros first, takes the zero
// page out of all page tables, and then maps the block.

import { constant } from '../constant.js';
import { Errno } from '../errno.js';
import { anyPoisoned } from '../mm/memory-failure.js';
import { installPte, VmFault, type FaultAccess, type VMA } from '../mm/vma.js';
import type { Task } from '../sched/index.js';
import { pageOffset, pagesFor, pgoffOf, posOf, type Pfn, type Pgoff } from '../units.js';
import { fillAsMuch, fillHoles, zeroUnwritten } from './block-map.js';
import { checkFault, copyRun, readable, type FileData } from './file-data.js';
import type { Inode } from './inode.js';
import { assertDisk } from './store-kinds.js';

const isHole = (inode: Inode, pgoff: Pgoff): boolean =>
  inode.extents.lookup(pgoff)?.unwritten !== false;

/** Some page of [start, end) has no written block. */
const hasHole = (inode: Inode, start: Pgoff, end: Pgoff): boolean =>
  inode.extents.segments(start, end).some((s) => s.block === null || s.unwritten);

/** Let every page of [start, end) have a written block; loads of the zero page fault again. */
async function makeWritten(task: Task, inode: Inode, start: Pgoff, end: Pgoff): Promise<void> {
  if (!hasHole(inode, start, end)) return;
  await fillHoles(task, inode, start, end, 'zeroed');
  await zeroUnwritten(task, inode, start, end);
  await inode.mapping.unmapMappingRange(task, start, end);
}

/** The same for as many pages of [start, end) as there is space for: one past the last of them. */
async function makeSpace(task: Task, inode: Inode, start: Pgoff, end: Pgoff): Promise<Pgoff> {
  if (!hasHole(inode, start, end)) return end;
  const to = await fillAsMuch(task, inode, start, end, 'zeroed');
  await zeroUnwritten(task, inode, start, to);
  await inode.mapping.unmapMappingRange(task, start, to);
  return to;
}

async function copySegments(
  inode: Inode,
  dir: 'read' | 'write',
  pos: number,
  bytes: Uint8Array,
): Promise<void> {
  const { partition } = assertDisk(inode.fs);
  const end = pos + bytes.length;
  for (const s of inode.extents.segments(pgoffOf(pos), pagesFor(end))) {
    const from = Math.max(pos, posOf(s.pgoff));
    const to = Math.min(end, posOf(s.pgoff + s.nrPages));
    const part = bytes.subarray(from - pos, to - pos);
    if (s.block === null || s.unwritten) part.fill(0);
    else {
      const pfn = partition.pfnOf(s.block) + (pgoffOf(from) - s.pgoff);
      checkBytesSound(inode, pfn, pgoffOf(to - 1) - pgoffOf(from) + 1);
      await copyRun(inode.fs, dir, pfn, pageOffset(from), part);
    }
  }
}

/** EIO: memory of the run failed (fs/dax.c:dax_iomap_iter). */
function checkBytesSound({ fs, label }: Inode, pfn: Pfn, nrPages: number): void {
  if (!anyPoisoned(fs.env.mm, pfn, nrPages)) return;
  throw new Errno('EIO', `${label}: a page of it failed`);
}

export const daxData: FileData = constant({
  async read(task, inode, pos, target) {
    await inode.iRwsem.downRead(task);
    try {
      const len = readable(inode, pos, target.length);
      await copySegments(inode, 'read', pos, target.subarray(0, len));
      return len;
    } finally {
      inode.iRwsem.upRead(task);
    }
  },

  async write(task, inode, pos, source) {
    const end = await makeSpace(task, inode, pgoffOf(pos), pagesFor(pos + source.length));
    const len = Math.min(source.length, posOf(end) - pos);
    await copySegments(inode, 'write', pos, source.subarray(0, len));
    return len;
  },

  async fault(task, vma, inode, pgoff, access) {
    const { invalidateLock } = inode.mapping;
    await invalidateLock.downRead(task);
    try {
      checkFault(inode, vma, pgoff);
      if (access === 'write') await allocateForStore(task, vma, inode, pgoff);
      if (access === 'write' && vma.flags.sync === true) finishSync(vma, inode, pgoff);
      return mapPage(vma, inode, pgoff, access);
    } finally {
      invalidateLock.upRead(task);
    }
  },

  async zeroBytes(_task, inode, from, to) {
    const pgoff = pgoffOf(from);
    if (isHole(inode, pgoff)) return;
    const pfn = assertDisk(inode.fs).partition.pfnOf(inode.extents.blockOf(pgoff)!);
    inode.fs.env.mm.pages.fillPage(pfn, 0, pageOffset(from), to - from);
  },

  dropPages(inode, start, end) {
    const { mapping } = inode;
    for (const pgoff of mapping.pgoffs(start, end)) mapping.delete(pgoff);
  },

  async sync(_task, inode, start = 0, end = Infinity) {
    // The bytes are on the device already, pinned or not: fsync never waits for a pin (facts 2.4).
    for (const pgoff of inode.mapping.dirtyPages(start, end)) inode.mapping.clearDirty(pgoff);
  },
});

/** dax_fault_return(): whatever went wrong but a lack of memory is a SIGBUS. */
async function allocateForStore(task: Task, vma: VMA, inode: Inode, pgoff: Pgoff): Promise<void> {
  if (!isHole(inode, pgoff)) return;
  const sigbus = () => new VmFault('BUS_ADRERR', vma.addrOfIndex(pgoff - vma.pgoff));
  if (vma.flags.direct === true) throw sigbus(); // MAP_DIRECT: no allocating fault (facts 9.1)
  try {
    await makeWritten(task, inode, pgoff, pgoff + 1);
  } catch (e) {
    if (e instanceof Errno && e.code !== 'ENOMEM') throw sigbus();
    throw e;
  }
}

/**
 * dax_finish_sync_fault(): of a MAP_SYNC mapping a page may be written only when a crash finds it
 * in the file; flushing the bytes is then all that a program has to do.
 */
function finishSync(vma: VMA, inode: Inode, pgoff: Pgoff): void {
  try {
    assertDisk(inode.fs).journal.commit();
  } catch (e) {
    if (!(e instanceof Errno)) throw e;
    throw new VmFault('BUS_ADRERR', vma.addrOfIndex(pgoff - vma.pgoff));
  }
}

/** One step: what the extent list says is what gets mapped. */
function mapPage(vma: VMA, inode: Inode, pgoff: Pgoff, access: FaultAccess): Pfn {
  const { fs, mapping } = inode;
  const index = pgoff - vma.pgoff;
  const write = access === 'write';
  if (isHole(inode, pgoff)) {
    return installPte(vma, index, fs.env.mm.pages.zeroPfn, { write: false });
  }
  const pfn = assertDisk(fs).partition.pfnOf(inode.extents.blockOf(pgoff)!);
  if (anyPoisoned(fs.env.mm, pfn, 1)) {
    throw new VmFault('BUS_MCEERR_AR', vma.addrOfIndex(index));
  }
  if (mapping.lookup(pgoff) === undefined) mapping.insert(pgoff, pfn);
  if (write) mapping.setDirty(pgoff);
  return installPte(vma, index, pfn, { write, dirty: write });
}
