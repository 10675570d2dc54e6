// Memory of no file: private anonymous pages, and the object behind shared ones.
//
//   private   a load of an untouched page maps the shared zero page, a store gives it a page of
//             its own (mm/memory.c:do_anonymous_page)
//   shared    a shmem object: an address space whose pages live as long as any mapping of it

import { type Pgoff, pagesFor } from '../units.js';
import { AddressSpace } from './address-space.js';
import type { MMEnv } from './mm-env.js';
import { pageFlags } from './page-flags.js';
import { installPte, type VMA, type VmFile, VmFault, type VmOperations } from './vma.js';

/** Fault of private anonymous memory; a store to a page that is mapped is fault.ts's (COW). */
export const anonOps: VmOperations = {
  async fault(_task, vma, pgoff, access) {
    const { allocator, pages } = vma.mm.env;
    const index = pgoff - vma.pgoff;
    if (access === 'read') return installPte(vma, index, pages.zeroPfn, { write: false });
    const pfn = allocator.allocPage({ movable: true });
    installAnon(vma, index, pfn);
    return pfn;
  },
};

/** Map a fresh private page; its mapping is all that holds it. Writable if the VMA is. */
export function installAnon(vma: VMA, index: number, pfn: number): void {
  const { allocator, pages } = vma.mm.env;
  pages.setFlags(pfn, pageFlags.anon);
  pages.lru.add(pfn);
  const write = vma.prot.write;
  installPte(vma, index, pfn, { write, dirty: write });
  allocator.freePage(pfn);
}

let nextShmemIno = 1;

/** The object behind one anonymous shared mapping (mm/shmem.c:shmem_zero_setup). */
export class ShmemObject implements VmFile {
  readonly mapping: AddressSpace;
  readonly label: string;
  readonly writable = true;
  readonly len: number;
  #refs = 0;

  constructor(env: MMEnv, len: number) {
    const ino = nextShmemIno++;
    this.len = len;
    this.label = `/dev/zero (shmem ${ino})`;
    this.mapping = new AddressSpace(env, {
      ino,
      generation: 0,
      mount: -1,
      kind: 'shmem',
      label: this.label,
      dirtyTracked: false,
      size: () => len,
    });
  }

  getFile(): void {
    this.#refs++;
  }

  /** The last mapping went: so do the pages, pinned ones as orphans. */
  putFile(): void {
    if (--this.#refs > 0) return;
    this.drop(0, pagesFor(this.len));
  }

  /** Let go of pages [start, end); those that nobody references are free. */
  drop(start: Pgoff, end: Pgoff): void {
    const { mapping } = this;
    for (const [pgoff] of [...mapping.entries(start, end)]) {
      mapping.env.allocator.freePage(mapping.delete(pgoff)!);
    }
  }
}

/** mm/shmem.c:shmem_fault, for a ShmemObject. */
export const shmemOps: VmOperations = {
  async fault(_task, vma, pgoff, access) {
    const { mapping } = vma;
    if (mapping === null || pgoff >= pagesFor(mapping.host.size())) {
      throw new VmFault('BUS_ADRERR', vma.addrOfIndex(pgoff - vma.pgoff));
    }
    let pfn = mapping.lookup(pgoff);
    if (pfn === undefined) {
      pfn = mapping.env.allocator.allocPage({ movable: true });
      mapping.insert(pgoff, pfn);
    }
    const write = access === 'write' || vma.prot.write;
    return installPte(vma, pgoff - vma.pgoff, pfn, { write, dirty: access === 'write' });
  },
  /** MADV_REMOVE: unmapped everywhere, then dropped; pins keep what they hold. */
  async remove(task, vma, pgoff, nrPages) {
    const { file, mapping } = vma;
    await mapping!.invalidateLock.downWrite(task);
    try {
      await mapping!.unmapMappingRange(task, pgoff, pgoff + nrPages);
      if (file instanceof ShmemObject) file.drop(pgoff, pgoff + nrPages);
    } finally {
      mapping!.invalidateLock.upWrite(task);
    }
  },
};
