// mm_struct: the address space of one process, as mmap, munmap and mprotect make it.
//
// mmap_lock is held for writing while VMAs change and for reading during faults. Addresses are
// chosen from the top down, each mapping right below the one before it, as Linux does (facts: a
// range that runs past the end of a mapping runs into the one mapped before it). Files are put
// after mmap_lock is dropped: the last put may close them, which takes outer locks.
//
//   alive --exitMmap--> dead: notifiers released, then everything unmapped, then files put

import assert from 'node:assert/strict';
import { Errno } from '../errno.js';
import { lockClasses, RwSem, slabAlloc, type Task } from '../sched/index.js';
import { alignUp, isAligned, PAGE_SIZE, type Pgoff, pgoffOf } from '../units.js';
import { anonOps, ShmemObject, shmemOps } from './anon.js';
import type { ProcessLike } from './caller.js';
import type { MMEnv } from './mm-env.js';
import { NotifierSet } from './mmu-notifier.js';
import { loadBytes, storeBytes } from './mm-access.js';
import { newPageTable, PTE_PRESENT } from './pte.js';
import { type Advice, madvise } from './madvise.js';
import { mlock, munlock } from './mlock.js';
import {
  clearPte,
  type Prot,
  VMA,
  type VmaFlags,
  type VmFile,
  type VmOperations,
  writeProtectPte,
} from './vma.js';
import { VmaTree } from './vma-tree.js';

export type { Advice } from './madvise.js';

export interface MmapRequest {
  readonly len: number;
  /** 'rw', 'r', 'w' or '' (PROT_NONE). */
  readonly prot: ProtString;
  readonly share: 'shared' | 'private';
  /** With fixed: exactly there, in place of what was; 'noreplace': EEXIST instead. */
  readonly addr?: number | undefined;
  readonly fixed?: boolean | 'noreplace' | undefined;
  /** Without: anonymous memory. */
  readonly file?: VmFile | undefined;
  readonly pgoff?: Pgoff | undefined;
  readonly ops?: VmOperations | undefined;
  readonly flags?: VmaFlags | undefined;
  /** f_op->mmap: fill the new VMA in before anybody can find it. Throws: nothing is mapped. */
  readonly setup?: ((vma: VMA) => Promise<void> | void) | undefined;
}

export type ProtString = '' | 'r' | 'w' | 'rw';

const protOf = (s: ProtString): Prot => ({ read: s.includes('r'), write: s.includes('w') });

export class MM {
  readonly env: MMEnv;
  readonly label: string;
  readonly mmapLock: RwSem;
  readonly notifiers: NotifierSet;
  readonly vmas = new VmaTree();
  /** Whose it is; set by lib/process. Pins name it. */
  process: ProcessLike | null = null;
  /** VmPin: pages charged by RDMA. VmLck: by mlock and vfio. Two accounts (facts trap 11). */
  pinnedVm = 0;
  lockedVm = 0;
  #dead = false;

  constructor(env: MMEnv, label: string) {
    this.env = env;
    this.label = label;
    this.mmapLock = new RwSem(env.sched, `mmap_lock of ${label}`, {
      lockClass: lockClasses.mmapLock,
    });
    this.notifiers = new NotifierSet(this);
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** The VMA that holds addr. */
  vmaAt(addr: number): VMA | undefined {
    return this.vmas.at(addr);
  }

  /** The one VMA that covers [addr, addr + len). EFAULT if there is none. */
  findVma(addr: number, len: number): VMA {
    const vma = this.vmas.at(addr);
    if (vma === undefined || addr + len > vma.end) {
      throw new Errno('EFAULT', `no mapping of [0x${addr.toString(16)}, +${len})`);
    }
    return vma;
  }

  /**
   * Map a file or anonymous memory; the address. EINVAL: length 0, or an unaligned fixed address.
   * EACCES: shared and writable over a file not open for writing. EEXIST, ENOMEM.
   */
  async mmap(task: Task, req: MmapRequest): Promise<number> {
    if (req.len <= 0) throw new Errno('EINVAL', 'mmap: length 0');
    const len = alignUp(req.len);
    const prot = protOf(req.prot);
    const shared = req.share === 'shared';
    if (req.file !== undefined && shared && prot.write && !req.file.writable) {
      throw new Errno('EACCES', `mmap: ${req.file.label} is not open for writing`);
    }
    const replaced: VMA[] = [];
    await this.mmapLock.downWrite(task, 'killable');
    let vma: VMA;
    try {
      if (this.#dead) assert.fail(`mmap on ${this.label} after exit`);
      const start = await this.#place(task, req, len, replaced);
      const { file, ops } = this.#backing(req, len, shared);
      const pgoff = req.pgoff ?? (file === null ? pgoffOf(start) : 0);
      const ptes = newPageTable(len / PAGE_SIZE);
      const flags = { ...req.flags };
      const end = start + len;
      vma = new VMA({ mm: this, start, end, prot, shared, file, pgoff, ops, ptes, flags });
      file?.getFile();
      await this.#setUp(task, vma, req);
      await this.#link(task, vma);
    } finally {
      this.mmapLock.upWrite(task);
      await this.#closeAll(task, replaced);
    }
    return vma.start;
  }

  /** Unmap whatever lies in the range; nothing there is no error. EINVAL: unaligned, length 0. */
  async munmap(task: Task, addr: number, len: number): Promise<void> {
    if (!isAligned(addr) || len <= 0) throw new Errno('EINVAL', `munmap: 0x${addr.toString(16)}`);
    const gone: VMA[] = [];
    await this.mmapLock.downWrite(task, 'killable');
    try {
      gone.push(...(await this.#unmapRange(task, addr, addr + alignUp(len))));
    } finally {
      this.mmapLock.upWrite(task);
    }
    await this.#closeAll(task, gone);
  }

  /** EINVAL: unaligned. ENOMEM: a hole; what lies before it is changed. EACCES as for mmap. */
  async mprotect(task: Task, addr: number, len: number, prot: ProtString): Promise<void> {
    if (!isAligned(addr)) throw new Errno('EINVAL', `mprotect: 0x${addr.toString(16)}`);
    if (len === 0) return;
    const end = addr + alignUp(len);
    await this.mmapLock.downWrite(task, 'killable');
    try {
      await this.#splitAt(task, addr);
      await this.#splitAt(task, end);
      let at = addr;
      for (const vma of this.vmas.overlapping(addr, end)) {
        if (vma.start > at) break;
        if (vma.shared && prot.includes('w') && vma.file?.writable === false) {
          throw new Errno('EACCES', `mprotect: ${vma.file.label} is not open for writing`);
        }
        await this.#protect(task, vma, protOf(prot));
        at = vma.end;
      }
      if (at < end) throw new Errno('ENOMEM', `mprotect: nothing mapped at 0x${at.toString(16)}`);
    } finally {
      this.mmapLock.upWrite(task);
    }
  }

  madvise(task: Task, addr: number, len: number, advice: Advice): Promise<void> {
    return madvise(task, this, addr, len, advice);
  }

  mlock(task: Task, addr: number, len: number): Promise<void> {
    return mlock(task, this, addr, len);
  }

  munlock(task: Task, addr: number, len: number): Promise<void> {
    return munlock(task, this, addr, len);
  }

  /** Read target.length bytes at addr as the program would. VmFault: what it gets is a signal. */
  load(task: Task, addr: number, target: Uint8Array): Promise<void> {
    return loadBytes(task, this, addr, target);
  }

  /** Write the bytes at addr as the program would; pages before a faulting one are written. */
  store(task: Task, addr: number, source: Uint8Array): Promise<void> {
    return storeBytes(task, this, addr, source);
  }

  /** Split the VMAs at both ends of the range. Call with mmap_lock held for writing. */
  async splitRange(task: Task, start: number, end: number): Promise<void> {
    await this.#splitAt(task, start);
    await this.#splitAt(task, end);
  }

  /**
   * The last user is gone (mm/mmap.c:exit_mmap): notifiers first, then pages, then files. Nothing
   * faults any more; pins outlive it.
   */
  async exitMmap(task: Task): Promise<void> {
    if (this.#dead) assert.fail(`${this.label} exits twice`);
    this.#dead = true;
    await this.notifiers.release(task);
    await this.mmapLock.downWrite(task);
    const gone: VMA[] = [];
    try {
      gone.push(...(await this.#unmapRange(task, 0, Infinity)));
    } finally {
      this.mmapLock.upWrite(task);
    }
    await this.#closeAll(task, gone);
  }

  // -- under mmap_lock, for writing --

  async #place(task: Task, req: MmapRequest, len: number, replaced: VMA[]): Promise<number> {
    if (req.fixed === undefined || req.fixed === false) {
      const gap = this.vmas.findGap(len);
      slabAlloc(task, 'a VMA');
      return gap;
    }
    const { addr } = req;
    if (addr === undefined || !isAligned(addr)) throw new Errno('EINVAL', `mmap: fixed at ${addr}`);
    if (req.fixed === 'noreplace') {
      for (const vma of this.vmas.overlapping(addr, addr + len)) {
        throw new Errno('EEXIST', `mmap: 0x${vma.start.toString(16)} is mapped`);
      }
    }
    slabAlloc(task, 'a VMA'); // before 6.12 Linux has unmapped the range by then
    replaced.push(...(await this.#unmapRange(task, addr, addr + len)));
    return addr;
  }

  #backing(
    req: MmapRequest,
    len: number,
    shared: boolean,
  ): { file: VmFile | null; ops: VmOperations } {
    if (req.file !== undefined || req.ops !== undefined) {
      if (req.ops === undefined) assert.fail(`mmap of ${req.file?.label}: no operations`);
      return { file: req.file ?? null, ops: req.ops };
    }
    if (!shared) return { file: null, ops: anonOps };
    return { file: new ShmemObject(this.env, len), ops: shmemOps };
  }

  async #setUp(task: Task, vma: VMA, req: MmapRequest): Promise<void> {
    try {
      await req.setup?.(vma);
    } catch (e) {
      for (let index = 0; index < vma.ptes.length; index++) clearPte(vma, index);
      await vma.file?.putFile(task); // fput queues; nothing outer is locked here
      throw e;
    }
  }

  async #link(task: Task, vma: VMA): Promise<void> {
    const { mapping } = vma;
    if (mapping !== null) {
      await mapping.iMmap.downWrite(task);
      mapping.attach(vma);
      mapping.iMmap.upWrite(task);
    }
    this.vmas.insert(vma);
  }

  async #splitAt(task: Task, addr: number): Promise<void> {
    const vma = this.vmas.at(addr);
    if (vma === undefined || vma.start === addr) return;
    const index = vma.indexOf(addr);
    const { mapping, file } = vma;
    if (mapping !== null) await mapping.iMmap.downWrite(task);
    const upper = new VMA({
      mm: this,
      start: addr,
      end: vma.end,
      prot: vma.prot,
      shared: vma.shared,
      file,
      pgoff: vma.pgoff + index,
      ops: vma.ops,
      ptes: vma.ptes.subarray(index),
      flags: { ...vma.flags },
    });
    upper.privateData = vma.privateData;
    vma.end = addr;
    vma.ptes = vma.ptes.subarray(0, index);
    file?.getFile();
    vma.ops.open?.(upper);
    mapping?.attach(upper);
    this.vmas.insert(upper);
    if (mapping !== null) mapping.iMmap.upWrite(task);
  }

  /** The VMAs that went, for #closeAll. */
  async #unmapRange(task: Task, start: number, end: number): Promise<VMA[]> {
    await this.#splitAt(task, start);
    await this.#splitAt(task, end);
    const gone = [...this.vmas.overlapping(start, end)];
    for (const vma of gone) {
      await this.#zap(task, vma);
      this.vmas.remove(vma);
      if (vma.flags.locked === true) this.lockedVm -= vma.nrPages;
      const { mapping } = vma;
      if (mapping === null) continue;
      await mapping.iMmap.downWrite(task);
      mapping.detach(vma);
      mapping.iMmap.upWrite(task);
    }
    return gone;
  }

  async #zap(task: Task, vma: VMA): Promise<void> {
    const { sched } = this.env;
    await this.notifiers.around(task, vma.start, vma.end, 'unmap', async () => {
      for (let index = 0; index < vma.ptes.length; index++) {
        if (vma.ptes[index] === 0) continue;
        if (sched.on) await sched.at(vma.id, 'write');
        clearPte(vma, index);
      }
    });
  }

  async #protect(task: Task, vma: VMA, prot: Prot): Promise<void> {
    const { sched } = this.env;
    await this.notifiers.around(task, vma.start, vma.end, 'protect', async () => {
      vma.prot = prot;
      const accessible = prot.read || prot.write;
      for (let index = 0; index < vma.ptes.length; index++) {
        if (vma.ptes[index] === 0) continue;
        if (sched.on) await sched.at(vma.id, 'write');
        if (!prot.write) writeProtectPte(vma, index);
        const pte = vma.pte(index);
        if (pte === 0) continue;
        Atomics.store(vma.ptes, index, accessible ? pte | PTE_PRESENT : pte & ~PTE_PRESENT);
      }
    });
  }

  async #closeAll(task: Task, gone: readonly VMA[]): Promise<void> {
    for (const vma of gone) {
      await vma.ops.close?.(vma, task);
      await vma.file?.putFile(task);
    }
  }
}
