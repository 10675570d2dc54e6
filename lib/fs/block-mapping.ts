// Mappings of the block device below a mounted DAX file system (proposal).
//
// "I think layout leases and some mmap of the block device could certainly address some use cases"
// (Jason Gunthorpe, May 2019): an application takes a layout lease, asks where the blocks lie
// (FS_IOC_FIEMAP) and maps them on the device, beside the file. What he wants of it the next day:
// "the lease is not fully released until any GUP on the constituent DAX pages of the block device
// is also released".
//
// So a page of the device is mapped for whom a lease of the file's layout was given to, and for
// nobody else ("if you don't have an active reference to the file layout, you are not allowed to
// directly access the layout", Dave Chinner, August 2019): SIGBUS, as for free blocks and metadata.
// The page is noted in the file's address space as a fault of the file itself would do it, so that
// whoever changes the layout sees it, waits for pins of it, and takes it out of these mappings too.

import { constant } from '../constant.js';
import type { Inode } from './inode.js';
import type { Mount } from './mount.js';
import type { PageSpace } from '../mm/page.js';
import type { MM } from '../mm/mm.js';
import { pfnOfPte } from '../mm/pte.js';
import { clearPte, installPte, type VMA, VmFault, type VmOperations } from '../mm/vma.js';
import { SideTable, type Task } from '../sched/index.js';
import { PAGE_SIZE, type Pfn, type Pgoff } from '../units.js';

export interface BlockMappingEnv {
  readonly pages: PageSpace;
  /** First page of the device. */
  readonly basePfn: Pfn;
  mountById(id: number): Mount | undefined;
}

/** A page that some mapping of the device has. */
interface Mapped {
  readonly mm: MM;
  readonly addr: number;
  readonly pfn: Pfn;
  readonly pgoff: Pgoff;
}

const mappedOf = new SideTable<Inode, Set<Mapped>>();

interface Found {
  readonly inode: Inode;
  readonly pgoff: Pgoff;
}

/** What a mapping of the block device does at a fault. SIGBUS: see above. */
export function blockDeviceOps(env: BlockMappingEnv): VmOperations {
  return constant({
    async fault(task, vma, pgoff, access) {
      const pfn = env.basePfn + pgoff;
      const sigbus = new VmFault('BUS_ADRERR', vma.addrOfIndex(pgoff - vma.pgoff));
      const before = ownerOf(env, pfn);
      if (before === null) throw sigbus;
      const { mapping } = before.inode;
      await mapping.invalidateLock.downRead(task);
      try {
        const now = ownerOf(env, pfn);
        if (now === null || now.inode !== before.inode || !mayMap(now.inode, vma)) throw sigbus;
        now.inode.fs.watchPins();
        if (mapping.lookup(now.pgoff) === undefined) mapping.insert(now.pgoff, pfn);
        note(now.inode, { mm: vma.mm, addr: sigbus.addr, pfn, pgoff: now.pgoff });
        const write = vma.prot.write;
        if (write) mapping.setDirty(now.pgoff);
        return installPte(vma, pgoff - vma.pgoff, pfn, { write, dirty: access === 'write' });
      } finally {
        mapping.invalidateLock.upRead(task);
      }
    },
  });
}

function note(inode: Inode, mapped: Mapped): void {
  const all = mappedOf.get(inode) ?? new Set();
  for (const m of all) if (m.mm === mapped.mm && m.addr === mapped.addr) all.delete(m);
  mappedOf.set(inode, all.add(mapped));
}

/** Pages [start, end) of the file leave every mapping of the device. Under invalidate_lock. */
export function unmapBlocks(
  task: Task,
  inode: Inode,
  start: Pgoff,
  end: Pgoff,
): Promise<void> | undefined {
  const all = mappedOf.get(inode);
  return all === undefined ? undefined : unmapThose(task, all, start, end);
}

async function unmapThose(task: Task, all: Set<Mapped>, start: Pgoff, end: Pgoff): Promise<void> {
  for (const mapped of [...all]) {
    const { mm, addr, pfn, pgoff } = mapped;
    if (pgoff < start || pgoff >= end) continue;
    all.delete(mapped);
    await mm.notifiers.around(task, addr, addr + PAGE_SIZE, 'unmap', async () => {
      const vma = mm.vmas.at(addr); // munmap may have taken it, or put something else there
      const index = vma === undefined ? 0 : (addr - vma.start) / PAGE_SIZE;
      if (vma === undefined || vma.mapping !== null || vma.pte(index) === 0) return;
      if (pfnOfPte(vma.pte(index)) === pfn) clearPte(vma, index);
    });
  }
}

/** The file that has the block now, where its mount allows such mappings; null: none. */
function ownerOf(env: BlockMappingEnv, pfn: Pfn): Found | null {
  if (!env.pages.regions.some((r) => r.has(pfn))) return null;
  const owner = env.pages.owner(pfn);
  const mount = owner === undefined ? undefined : env.mountById(owner.mount);
  if (owner === undefined || mount === undefined || !mount.rules.blockMappings) return null;
  const inode = [...mount.inodes].find((i) => i.ino === owner.ino);
  if (inode === undefined || inode.generation !== owner.generation || !inode.dax) return null;
  const at = inode.extents.blockOf(owner.pgoff);
  const there = at !== undefined && mount.disk!.partition.pfnOf(at) === pfn;
  return there ? { inode, pgoff: owner.pgoff } : null;
}

/** A layout lease that the process of the mapping took, and that nobody is breaking. */
const mayMap = (inode: Inode, { mm }: VMA): boolean =>
  inode.leases
    .layoutLeases()
    .some((l) => l.pid === mm.process?.pid && l.pending === 'none' && l.kept === null);
