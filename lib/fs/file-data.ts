// What the bytes of a file are made of: DAX pages (dax.ts), a page cache over blocks
// (page-cache.ts), or pages that are the file (shmem.ts). One object per mount.
//
//   call        locks the caller holds           may throw
//   read        none, it takes what it needs
//   write       i_rwsem for writing              ENOSPC when not even one byte fitted
//   fault       mmap_lock for reading            VmFault, ENOMEM
//   zeroBytes   i_rwsem and invalidate_lock      -
//   dropPages   the same; the range is unmapped  -
//   sync        none                             -

import { VmFault, type FaultAccess, type VMA } from '../mm/vma.js';
import { pageObject, type Task } from '../sched/index.js';
import { PAGE_SIZE, pageOffset, pagesFor, pgoffOf, type Pfn, type Pgoff } from '../units.js';
import type { Inode } from './inode.js';
import type { PageRange } from './layout-break.js';
import type { Mount } from './mount.js';

export interface FileData {
  /** Bytes from pos on, up to the end of the file; how many. */
  read(task: Task, inode: Inode, pos: number, target: Uint8Array): Promise<number>;
  /** Bytes written: all of them, or those that fitted. The size is the caller's to move. */
  write(task: Task, inode: Inode, pos: number, source: Uint8Array): Promise<number>;
  fault(task: Task, vma: VMA, inode: Inode, pgoff: Pgoff, access: FaultAccess): Promise<Pfn>;
  /** Let [from, to), which lies within one page, read as zeros. A hole stays a hole. */
  zeroBytes(task: Task, inode: Inode, from: number, to: number): Promise<void>;
  /** The pages that may go when [start, end) goes, where it is not just these: large folios. */
  reach?(inode: Inode, start: Pgoff, end: Pgoff): PageRange;
  /** Take the pages [start, end) out of the file's mapping; their reach is unmapped. */
  dropPages(inode: Inode, start: Pgoff, end: Pgoff): void;
  /** Have the dirty pages of [start, end) on the device. */
  sync(task: Task, inode: Inode, start?: Pgoff, end?: Pgoff): Promise<void>;
}

/** SIGBUS unless page pgoff is one of the file's and the policy lets it be accessed. */
export function checkFault(inode: Inode, vma: VMA, pgoff: Pgoff): void {
  if (inode.fs.isShutDown) {
    throw new VmFault('BUS_ADRERR', vma.addrOfIndex(pgoff - vma.pgoff));
  }
  const inside = pgoff < pagesFor(inode.size());
  if (inside && inode.policy.onAccess?.(vma, pgoff) !== 'SIGBUS') return;
  throw new VmFault('BUS_ADRERR', vma.addrOfIndex(pgoff - vma.pgoff));
}

/** The pages firstPfn, firstPfn + 1, ... */
export function pfnRun(firstPfn: Pfn, nrPages: number): Uint32Array {
  const pfns = new Uint32Array(nrPages);
  for (let i = 0; i < nrPages; i++) pfns[i] = firstPfn + i;
  return pfns;
}

/**
 * Copy between a buffer and a run of pages, offset bytes into its first one. One native call; page
 * by page, with a point before each, where schedules are explored.
 */
export async function copyRun(
  fs: Mount,
  dir: 'read' | 'write',
  firstPfn: Pfn,
  offset: number,
  bytes: Uint8Array,
): Promise<void> {
  const { sched } = fs.env;
  const { pages } = fs.env.mm;
  if (!sched.on) {
    const pfns = pfnRun(firstPfn, pagesFor(offset + bytes.length));
    pages[dir](pfns, offset, bytes);
    return;
  }
  for (let done = 0; done < bytes.length;) {
    const at = offset + done;
    const len = Math.min(PAGE_SIZE - pageOffset(at), bytes.length - done);
    const pfn = firstPfn + pgoffOf(at);
    await sched.at(pageObject(pfn), dir);
    const part = bytes.subarray(done, done + len);
    if (dir === 'read') pages.read(pfn, pageOffset(at), part);
    else pages.write(pfn, pageOffset(at), part);
    done += len;
  }
}

/** How much of a read from pos lies inside the file. */
export const readable = (inode: Inode, pos: number, len: number): number =>
  Math.max(0, Math.min(len, inode.size() - pos));

/** Unmap pages [start, end) that are about to be dropped, with all that may go with them. */
export async function unmapForDrop(
  task: Task,
  inode: Inode,
  start: Pgoff,
  end: Pgoff,
  opts: { evenCows?: boolean } = {},
): Promise<void> {
  await inode.mapping.unmapMappingRange(task, start, end, opts);
  const reach = inode.data.reach?.(inode, start, end);
  if (reach === undefined) return;
  if (reach.start < start) await inode.mapping.unmapMappingRange(task, reach.start, start);
  if (reach.end > end) await inode.mapping.unmapMappingRange(task, end, reach.end);
}
