// Files of tmpfs: the pages are the file, and there is nothing under them (mm/shmem.c).
//
// A page is charged to the mount when a file takes it and uncharged when it leaves, pinned or not
// (measured: free space is back at the truncate, not at the unpin). Nothing waits for pins. Bytes
// stored past the end in the last page show up when the file grows (measured as well).

import { constant } from '../constant.js';
import { installPte, VmFault } from '../mm/vma.js';
import { PAGE_SIZE, pageOffset, pgoffOf, type Pfn, type Pgoff } from '../units.js';
import { Errno } from '../errno.js';
import { checkFault, copyRun, readable, type FileData } from './file-data.js';
import type { Inode } from './inode.js';
import { assertRam } from './store-kinds.js';

/** The file's page, a new one of zeros if it had none. ENOSPC, ENOMEM. */
export function shmemPage(inode: Inode, pgoff: Pgoff): Pfn {
  const { mapping, fs } = inode;
  const present = mapping.lookup(pgoff);
  if (present !== undefined) return present;
  const account = assertRam(fs);
  account.charge();
  try {
    const pfn = fs.env.mm.allocator.allocPage({ movable: true });
    mapping.insert(pgoff, pfn);
    return pfn;
  } catch (e) {
    account.uncharge(1);
    throw e;
  }
}

/** shmem_fault(): no space is a SIGBUS, no memory is the caller's problem. */
function pageForFault(inode: Inode, pgoff: Pgoff, addr: number): Pfn {
  try {
    return shmemPage(inode, pgoff);
  } catch (e) {
    if (e instanceof Errno && e.code === 'ENOSPC') throw new VmFault('BUS_ADRERR', addr);
    throw e;
  }
}

export const shmemData: FileData = constant({
  async read(_task, inode, pos, target) {
    const len = readable(inode, pos, target.length);
    for (let done = 0; done < len;) {
      const at = pos + done;
      const part = target.subarray(done, Math.min(len, done + PAGE_SIZE - pageOffset(at)));
      const pfn = inode.mapping.lookup(pgoffOf(at));
      if (pfn === undefined) part.fill(0);
      else await copyRun(inode.fs, 'read', pfn, pageOffset(at), part);
      done += part.length;
    }
    return len;
  },

  async write(_task, inode, pos, source) {
    let done = 0;
    while (done < source.length) {
      const at = pos + done;
      const part = source.subarray(done, done + PAGE_SIZE - pageOffset(at));
      let pfn: Pfn;
      try {
        pfn = shmemPage(inode, pgoffOf(at));
      } catch (e) {
        if (done > 0) return done;
        throw e;
      }
      await copyRun(inode.fs, 'write', pfn, pageOffset(at), part);
      done += part.length;
    }
    return done;
  },

  async fault(task, vma, inode, pgoff, access) {
    const { invalidateLock } = inode.mapping;
    await invalidateLock.downRead(task);
    try {
      checkFault(inode, vma, pgoff);
      const index = pgoff - vma.pgoff;
      const pfn = pageForFault(inode, pgoff, vma.addrOfIndex(index));
      const write = vma.shared && vma.prot.write; // no dirty tracking: writable at once
      return installPte(vma, index, pfn, { write, dirty: access === 'write' });
    } finally {
      invalidateLock.upRead(task);
    }
  },

  async zeroBytes(_task, inode, from, to) {
    const pfn = inode.mapping.lookup(pgoffOf(from));
    if (pfn !== undefined) inode.fs.env.mm.pages.fillPage(pfn, 0, pageOffset(from), to - from);
  },

  dropPages(inode, start, end) {
    const { mapping, fs } = inode;
    for (const [pgoff, pfn] of [...mapping.entries(start, end)]) {
      mapping.delete(pgoff);
      fs.env.mm.allocator.freePage(pfn);
      assertRam(fs).uncharge(1);
    }
  },

  async sync() {},
});
