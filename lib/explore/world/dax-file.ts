// A DAX file for scenarios: blocks of pmem, faults under invalidate_lock, truncate to nothing.
//
// truncate() is the loop of the file system (design, section 5): unmap, scan, wait with
// invalidate_lock dropped, unmap and scan again, free. Its steps are public, so that a planted bug
// can put them together wrongly. A freed block may belong to somebody else from then on.

import assert from 'node:assert/strict';
import { AddressSpace } from '../../mm/address-space.js';
import type { MMEnv } from '../../mm/mm-env.js';
import { installPte, type VMA, type VmFile, VmFault, type VmOperations } from '../../mm/vma.js';
import type { ObjectId, Task } from '../../sched/index.js';
import { PAGE_SIZE, type Pfn, type Pgoff } from '../../units.js';

export class DaxFile implements VmFile {
  readonly env: MMEnv;
  readonly mapping: AddressSpace;
  readonly label: string;
  readonly writable = true;
  readonly nrPages: number;
  /** Blocks given back to the file system, and how often. */
  readonly freed = new Map<Pfn, number>();
  /** Who pins, or is about to: for the deadlock report. */
  readonly users = new Set<Task>();
  readonly #firstPfn: Pfn;
  #sizePages: number;

  constructor(env: MMEnv, ino: number, firstPfn: Pfn, nrPages: number) {
    this.env = env;
    this.label = `/file${ino}`;
    this.nrPages = nrPages;
    this.#sizePages = nrPages;
    this.#firstPfn = firstPfn;
    this.mapping = new AddressSpace(env, {
      ino,
      generation: 1,
      mount: 1,
      kind: 'fsdax',
      label: this.label,
      dirtyTracked: false,
      size: () => this.#sizePages * PAGE_SIZE,
    });
  }

  /** What a judge of this file's blocks reads: whoever pins, frees or transfers writes these. */
  get objects(): readonly ObjectId[] {
    return Array.from({ length: this.nrPages }, (_, i) =>
      this.env.pages.objectOf(this.#firstPfn + i),
    );
  }

  getFile(): void {}
  putFile(): void {}

  readonly ops: VmOperations = {
    fault: (task, vma, pgoff, access) => this.#fault(task, vma, pgoff, access === 'write'),
  };

  async #fault(task: Task, vma: VMA, pgoff: Pgoff, write: boolean): Promise<Pfn> {
    const { invalidateLock } = this.mapping;
    await invalidateLock.downRead(task);
    try {
      this.env.sched.touch(this.mapping.id, 'read');
      if (pgoff >= this.#sizePages) throw new VmFault('BUS_ADRERR', vma.addrOfIndex(pgoff));
      if (this.mapping.lookup(pgoff) === undefined) {
        this.mapping.insert(pgoff, this.#firstPfn + pgoff);
      }
      return installPte(vma, pgoff - vma.pgoff, this.#firstPfn + pgoff, { write, dirty: write });
    } finally {
      invalidateLock.upRead(task);
    }
  }

  /** Every entry of every page table goes. */
  unmap(task: Task): Promise<void> {
    return this.mapping.unmapMappingRange(task, 0, Infinity);
  }

  firstBusy(): Pfn | undefined {
    return this.mapping.firstBusy();
  }

  /** Sleep until a page may have become idle. Look again afterwards. */
  async waitIdle(task: Task, pfn: Pfn): Promise<void> {
    const { pages } = this.env;
    const idle = (): boolean => pages.isIdle(pfn);
    await pages.idleQueue(pfn).waitEvent(task, idle, {
      why: `pfn ${pfn} to become idle`,
      holders: () => [...this.users].filter((user) => user !== task),
    });
  }

  /** The blocks go back to the file system. Synchronous, as a transaction is. */
  free(): void {
    this.#sizePages = 0;
    for (const [pgoff, pfn] of [...this.mapping.entries()]) {
      this.mapping.delete(pgoff);
      this.freePage(pfn);
    }
  }

  /** The file is empty; its blocks stay with nobody until freePage(). */
  orphan(): void {
    this.#sizePages = 0;
    for (const [pgoff] of [...this.mapping.entries()]) this.mapping.delete(pgoff);
  }

  freePage(pfn: Pfn): void {
    const { sched, pages } = this.env;
    sched.touch(pages.objectOf(pfn), 'write');
    this.freed.set(pfn, (this.freed.get(pfn) ?? 0) + 1);
    pages.setOwner(pfn, null);
  }

  /** As it is done. */
  async truncate(task: Task): Promise<void> {
    const { invalidateLock } = this.mapping;
    await invalidateLock.downWrite(task);
    try {
      for (;;) {
        await this.unmap(task);
        const busy = this.firstBusy();
        if (busy === undefined) break;
        invalidateLock.upWrite(task);
        try {
          await this.waitIdle(task, busy);
        } finally {
          await invalidateLock.downWrite(task);
        }
      }
      this.free();
    } finally {
      invalidateLock.upWrite(task);
    }
  }

  /** Fails if a live pin holds a page that was given back. */
  assertNoPinOnFreePage(): void {
    for (const pins of this.env.pinTable) {
      for (const pfn of pins.pfns) {
        assert(!this.freed.has(pfn), `pfn ${pfn} is free and pinned by ${pins.origin.device}`);
      }
    }
  }

  /** Fails if a block was given back twice. */
  assertFreedOnce(): void {
    for (const [pfn, times] of this.freed)
      assert(times === 1, `pfn ${pfn} was freed ${times} times`);
  }
}
