// vm_area_struct: one mapping of an address range to a file, or to anonymous memory.
//
// Its entries lie in one table, which the parts of a split mapping share by subarray. Writers of
// start, end, prot and flags hold mmap_lock for writing; entries change under their own atomicity:
// each change here is one synchronous step, with a point before it where it matters (page_table
// lock in the kernel). installPte and clearPte keep mapcounts and carry dirty bits to the page.

import assert from 'node:assert/strict';
import { PAGE_SIZE, type Pfn, type Pgoff } from '../units.js';
import type { ObjectId, Task } from '../sched/index.js';
import type { AddressSpace } from './address-space.js';
import type { MM } from './mm.js';
import { pageFlags } from './page-flags.js';
import { PTE_DIRTY, PTE_NOGUP, PTE_PRESENT, PTE_WRITE, pfnOfPte, pteDirty, pteOf } from './pte.js';

/** What a mapping holds of an open file: keeps it open, and its leases with it (facts 4.1). */
export interface VmFile {
  readonly mapping: AddressSpace | null;
  readonly label: string;
  readonly writable: boolean;
  getFile(): void;
  putFile(task: Task): void | Promise<void>;
}

export type FaultAccess = 'read' | 'write';

/** vm_operations_struct. Sorted. */
export interface VmOperations {
  /** The last part of the mapping goes: after its entries, before the file is put. */
  close?(vma: VMA, task: Task): void | Promise<void>;
  /**
   * Make the page at pgoff of the file accessible: install an entry through installPte, under the
   * locks of the file, and return its page. Called with mmap_lock held for reading. 'write' only
   * for shared mappings. Throws VmFault (SIGBUS), or Errno ENOMEM.
   */
  fault(task: Task, vma: VMA, pgoff: Pgoff, access: FaultAccess): Promise<Pfn>;
  /** The mapping was split: one VMA more stands on it. */
  open?(vma: VMA): void;
  /** MADV_REMOVE: punch [pgoff, pgoff + nrPages) out of the file. No lock is held. */
  remove?(task: Task, vma: VMA, pgoff: Pgoff, nrPages: number): Promise<void>;
}

/** An access that no fault can satisfy: what the program gets is a signal. */
export class VmFault extends Error {
  override readonly name = 'VmFault';
  readonly signal: 'SIGBUS' | 'SIGSEGV';
  /**
   * si_code: BUS_ADRERR past the end of a file, BUS_MCEERR_AR where memory failed, SEGV_MAPERR
   * unmapped, SEGV_ACCERR no right.
   */
  readonly code: 'BUS_ADRERR' | 'BUS_MCEERR_AR' | 'SEGV_ACCERR' | 'SEGV_MAPERR';
  readonly addr: number;

  constructor(code: VmFault['code'], addr: number) {
    const signal = code.startsWith('BUS') ? 'SIGBUS' : 'SIGSEGV';
    super(`${signal} (${code}) at 0x${addr.toString(16)}`);
    this.signal = signal;
    this.code = code;
    this.addr = addr;
  }
}

export interface VmaFlags {
  /** VM_IO: device memory, never pinned. */
  io?: boolean;
  /** VM_PFNMAP: entries without struct page, never pinned. */
  pfnmap?: boolean;
  /** VM_LOCKED. */
  locked?: boolean;
  /** MAP_DIRECT (proposal, facts 9.1). */
  direct?: boolean;
  /** MAP_SYNC: a write fault ends when what it did to the file system is durable. */
  sync?: boolean;
}

export interface Prot {
  readonly read: boolean;
  readonly write: boolean;
}

export interface VmaInit {
  readonly mm: MM;
  readonly start: number;
  readonly end: number;
  readonly prot: Prot;
  readonly shared: boolean;
  readonly file: VmFile | null;
  readonly pgoff: Pgoff;
  readonly ops: VmOperations;
  readonly ptes: Int32Array;
  readonly flags: VmaFlags;
}

export class VMA {
  readonly mm: MM;
  readonly id: ObjectId;
  start: number;
  end: number;
  prot: Prot;
  readonly shared: boolean;
  readonly file: VmFile | null;
  pgoff: Pgoff;
  /** A driver's mmap may put its own in place (vma->vm_ops). */
  ops: VmOperations;
  ptes: Int32Array;
  readonly flags: VmaFlags;
  /** Set by the driver or file system that mapped it. */
  privateData: unknown = undefined;

  constructor(init: VmaInit) {
    this.mm = init.mm;
    this.id = init.mm.env.sched.newObject(`vma of ${init.mm.label}`);
    this.start = init.start;
    this.end = init.end;
    this.prot = init.prot;
    this.shared = init.shared;
    this.file = init.file;
    this.pgoff = init.pgoff;
    this.ops = init.ops;
    this.ptes = init.ptes;
    this.flags = init.flags;
    if (this.ptes.length !== this.nrPages)
      assert.fail(`VMA of ${this.nrPages} pages: table too small`);
  }

  get nrPages(): number {
    return (this.end - this.start) / PAGE_SIZE;
  }

  /** The address space it maps; null for private anonymous memory and devices. */
  get mapping(): AddressSpace | null {
    return this.file?.mapping ?? null;
  }

  /** A mapping of a regular file on a DAX file system (include/linux/fs.h:vma_is_fsdax). */
  get isFsdax(): boolean {
    return this.mapping?.host.kind === 'fsdax';
  }

  /** vma_is_dax: device-dax as well. */
  get isDax(): boolean {
    const kind = this.mapping?.host.kind;
    return kind === 'fsdax' || kind === 'devdax';
  }

  /** mm/secretmem.c:vma_is_secretmem: its pages are in no map but the process's own. */
  get isSecretmem(): boolean {
    return this.mapping?.host.kind === 'secretmem';
  }

  contains(addr: number): boolean {
    return addr >= this.start && addr < this.end;
  }

  /** Index of the entry for addr. */
  indexOf(addr: number): number {
    return Math.floor((addr - this.start) / PAGE_SIZE);
  }

  /** Page of the file that addr maps. */
  pgoffAt(addr: number): Pgoff {
    return this.pgoff + this.indexOf(addr);
  }

  addrOfIndex(index: number): number {
    return this.start + index * PAGE_SIZE;
  }

  pte(index: number): number {
    return Atomics.load(this.ptes, index);
  }
}

export interface PteOptions {
  readonly write: boolean;
  /** Only with write. */
  readonly dirty?: boolean;
}

/**
 * Make entry index map pfn, instead of what it mapped before. One step, for the page-table lock.
 */
export function installPte(vma: VMA, index: number, pfn: Pfn, opts: PteOptions): Pfn {
  const { pages, sched } = vma.mm.env;
  if (sched.on) sched.touch(vma.id, 'write');
  let bits = PTE_PRESENT;
  if (opts.write) bits |= PTE_WRITE;
  if (opts.write && opts.dirty === true) bits |= PTE_DIRTY;
  if (pfn === pages.zeroPfn) bits |= PTE_NOGUP;
  if (!vma.prot.read && !vma.prot.write) bits &= ~PTE_PRESENT;
  const old = Atomics.exchange(vma.ptes, index, pteOf(pfn, bits));
  if (old === 0 || pfnOfPte(old) !== pfn) {
    pages.mapped(pfn, opts.write);
    if (old !== 0) unmapPage(vma, old);
  } else if (opts.write) {
    pages.setFlags(pfn, pageFlags.writeMapped);
  }
  return pfn;
}

/** Empty the entry; the page it mapped, if any. Its dirty bit goes to the page and its mapping. */
export function clearPte(vma: VMA, index: number): Pfn | undefined {
  const { sched } = vma.mm.env;
  if (sched.on) sched.touch(vma.id, 'write');
  const old = Atomics.exchange(vma.ptes, index, 0);
  if (old === 0) return undefined;
  unmapPage(vma, old);
  return pfnOfPte(old);
}

/** Take the write right from an entry, so that the next store faults (page_mkclean, mprotect). */
export function writeProtectPte(vma: VMA, index: number): void {
  const { sched } = vma.mm.env;
  const old = Atomics.load(vma.ptes, index);
  if ((old & PTE_WRITE) === 0) return;
  if (sched.on) sched.touch(vma.id, 'write');
  Atomics.store(vma.ptes, index, old & ~(PTE_WRITE | PTE_DIRTY));
  if (pteDirty(old)) noteDirty(vma, pfnOfPte(old));
}

function unmapPage(vma: VMA, old: number): void {
  const pfn = pfnOfPte(old);
  if (pteDirty(old)) noteDirty(vma, pfn);
  vma.mm.env.pages.unmapped(pfn);
}

/** set_page_dirty: the page, and the tag of its mapping. */
function noteDirty(vma: VMA, pfn: Pfn): void {
  const { pages } = vma.mm.env;
  if (pfn === pages.zeroPfn || pages.hasFlags(pfn, pageFlags.anon)) return;
  pages.mappingOf(pfn)?.setPageDirty(pfn);
}
