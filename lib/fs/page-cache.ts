// Files on the page cache: RAM pages over blocks of the device (mm/filemap.c, fs/ext4/inode.c).
//
//   absent --read or fault--> clean --store or write--> dirty --writeback--> clean
//                               `------------- dropped: free, or an orphan while pinned
//
// A block for a dirty page is allocated when the page is dirtied, unwritten until its bytes are on
// the device. Truncate and punch never wait for pins: the page leaves the mapping and lives as long
// as it is referenced (facts 2.4). Where the kernel uses large folios a pinned folio that is
// dropped in part cannot be split: its bytes are zeroed in place (folios.ts).

import { constant } from '../constant.js';
import { Errno } from '../errno.js';
import { haveRoom } from '../mm/mm-env.js';
import { installPte, VmFault } from '../mm/vma.js';
import type { Task } from '../sched/index.js';
import { PAGE_SIZE, pageOffset, pagesFor, pgoffOf, posOf, type Pfn, type Pgoff } from '../units.js';
import { fillAsMuch, fillHoles } from './block-map.js';
import { checkFault, copyRun, readable, type FileData } from './file-data.js';
import { Folios } from './folios.js';
import type { Inode } from './inode.js';
import { assertDisk } from './store-kinds.js';
import { writebackRange } from './writeback.js';

/** The block of a page whose bytes are on the device; undefined: it reads as zeros. */
function writtenBlock(inode: Inode, pgoff: Pgoff): number | undefined {
  const e = inode.extents.lookup(pgoff);
  return e === undefined || e.unwritten ? undefined : e.block + (pgoff - e.pgoff);
}

/**
 * The page of the file in memory, brought in if it was not there. `overwritten`: the caller writes
 * all of it, so it need not be read. Under i_rwsem or invalidate_lock.
 */
function bringIn(inode: Inode, pgoff: Pgoff, overwritten = false): Pfn {
  const { mapping, fs } = inode;
  const present = mapping.lookup(pgoff);
  if (present !== undefined) return present;
  const { allocator, pages } = fs.env.mm;
  const block = overwritten ? undefined : writtenBlock(inode, pgoff);
  const pfn = allocator.allocPage({ movable: true, zero: block === undefined && !overwritten });
  if (block !== undefined) pages.copyPage(pfn, assertDisk(fs).partition.pfnOf(block));
  mapping.insert(pgoff, pfn);
  return pfn;
}

async function readPages(task: Task, inode: Inode, pos: number, target: Uint8Array): Promise<void> {
  const { mapping, fs } = inode;
  for (let done = 0; done < target.length;) {
    const at = pos + done;
    const pgoff = pgoffOf(at);
    const part = target.subarray(done, done + PAGE_SIZE - pageOffset(at));
    done += part.length;
    if (fs.env.mm.allocator.isLow) await haveRoom(task, fs.env.mm);
    await mapping.invalidateLock.downRead(task);
    try {
      const cached = mapping.lookup(pgoff) ?? (writtenBlock(inode, pgoff) && bringIn(inode, pgoff));
      if (cached === undefined) part.fill(0);
      else await copyRun(fs, 'read', cached, pageOffset(at), part);
    } finally {
      mapping.invalidateLock.upRead(task);
    }
  }
}

export function pageCacheData(): FileData {
  const folios = new Folios();
  return constant({
    async read(task, inode, pos, target) {
      const len = readable(inode, pos, target.length);
      await readPages(task, inode, pos, target.subarray(0, len));
      return len;
    },

    async write(task, inode, pos, source) {
      const { nr, fresh } = await writePages(task, inode, pos, source);
      if (inode.fs.rules.ext4LargeFolios) folios.made(inode, fresh);
      return nr;
    },

    async fault(task, vma, inode, pgoff, access) {
      const { mapping } = inode;
      await mapping.invalidateLock.downRead(task);
      try {
        checkFault(inode, vma, pgoff);
        const write = access === 'write';
        if (write) await reserveForStore(task, vma, inode, pgoff);
        const pfn = bringIn(inode, pgoff);
        if (write) mapping.setDirty(pgoff);
        return installPte(vma, pgoff - vma.pgoff, pfn, { write, dirty: write });
      } finally {
        mapping.invalidateLock.upRead(task);
      }
    },

    async zeroBytes(_task, inode, from, to) {
      const pgoff = pgoffOf(from);
      const { mapping, fs } = inode;
      if (mapping.lookup(pgoff) === undefined && writtenBlock(inode, pgoff) === undefined) return;
      fs.env.mm.pages.fillPage(bringIn(inode, pgoff), 0, pageOffset(from), to - from);
      if (inode.extents.lookup(pgoff) !== undefined) mapping.setDirty(pgoff);
    },

    reach: (inode, start, end) => folios.reach(inode, start, end),

    dropPages(inode, start, end) {
      const { mapping, fs } = inode;
      const { allocator, pages } = fs.env.mm;
      const drop = (pgoff: Pgoff, pfn: Pfn): void => {
        mapping.delete(pgoff);
        allocator.freePage(pfn);
      };
      const { kept, goesToo } = folios.cut(inode, start, end);
      for (const folio of goesToo) {
        for (const [pgoff, pfn] of [...mapping.entries(folio.start, folio.end)]) {
          if (pgoff >= start && pgoff < end) pages.fillPage(pfn, 0);
          drop(pgoff, pfn);
        }
      }
      for (const [pgoff, pfn] of [...mapping.entries(start, end)]) {
        if (kept.has(pgoff)) {
          pages.fillPage(pfn, 0);
          mapping.clearDirty(pgoff);
        } else drop(pgoff, pfn);
      }
    },

    async sync(task, inode, start = 0, end = Infinity) {
      const reach = folios.reach(inode, start, end);
      await writebackRange(task, inode, 'sync', reach.start, reach.end);
    },
  });
}

/**
 * Bytes into pages, which become dirty: how many there was room for, and the pages made for them.
 */
async function writePages(
  task: Task,
  inode: Inode,
  pos: number,
  source: Uint8Array,
): Promise<{ nr: number; fresh: Pgoff[] }> {
  const start = pgoffOf(pos);
  const end = await fillAsMuch(task, inode, start, pagesFor(pos + source.length), 'unwritten');
  const nr = Math.min(source.length, posOf(end) - pos);
  const fresh: Pgoff[] = [];
  for (let done = 0; done < nr;) {
    const at = pos + done;
    const pgoff = pgoffOf(at);
    const n = Math.min(PAGE_SIZE - pageOffset(at), nr - done);
    if (inode.fs.env.mm.allocator.isLow) await haveRoom(task, inode.fs.env.mm);
    if (inode.mapping.lookup(pgoff) === undefined) fresh.push(pgoff);
    const pfn = bringIn(inode, pgoff, n === PAGE_SIZE);
    inode.mapping.setDirty(pgoff);
    await copyRun(inode.fs, 'write', pfn, pageOffset(at), source.subarray(done, done + n));
    done += n;
  }
  return { nr, fresh };
}

/** page_mkwrite: a block for the page, or SIGBUS. */
async function reserveForStore(
  task: Task,
  vma: Parameters<FileData['fault']>[1],
  inode: Inode,
  pgoff: Pgoff,
): Promise<void> {
  try {
    await fillHoles(task, inode, pgoff, pgoff + 1, 'unwritten');
  } catch (e) {
    if (!(e instanceof Errno) || e.code === 'ENOMEM') throw e;
    throw new VmFault('BUS_ADRERR', vma.addrOfIndex(pgoff - vma.pgoff));
  }
}
