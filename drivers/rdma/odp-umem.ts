// On-demand paging: a region without pins, whose pages come when the adapter asks for them and go
// when the memory management takes them away (core/umem_odp.c, rxe_odp.c; facts 5.5).
//
//   page slot    absent -> readable -> writable -> absent (invalidated)
//
// An access looks at its pages under the region's mutex; what is missing is faulted outside it and
// looked at again. The invalidation takes the same mutex, so that it returns only when the
// adapter is through with the pages. Nothing is pinned, and no account is charged.

import {
  alignDown,
  type Caller,
  type Device,
  type DmaMapping,
  isErrno,
  Mutex,
  PAGE_SIZE,
  type RangeWatch,
  slabAlloc,
  type Task,
  WaitQueue,
} from '../../lib/driver/index.js';
import { isWritable } from './access.js';
import type { Hca } from './hca.js';
import { type Backing, RegionFault, type UseRun } from './memory-key.js';
import type { RegionMemory } from './umem.js';

interface Slot {
  readonly mapping: DmaMapping;
  readonly writable: boolean;
}

export interface OdpRequest {
  readonly addr: number;
  readonly len: number;
  readonly access: number;
}

export class OdpUmem implements RegionMemory, Backing {
  readonly mapping = null;
  readonly writable: boolean;
  readonly nrCharged = 0;
  readonly #dev: Device<Hca>;
  readonly #addr: number;
  readonly #watch: RangeWatch;
  readonly #mutex: Mutex;
  /** Present pages, by address. */
  readonly #slots = new Map<number, Slot>();
  readonly #freed: WaitQueue;
  #nrHolders = 0;

  constructor(dev: Device<Hca>, caller: Caller, request: OdpRequest) {
    for (const list of ['an on-demand umem', 'its pages', 'its DMA addresses']) {
      slabAlloc(caller.task, list); // ib_umem_odp_get, ib_init_umem_odp
    }
    this.#dev = dev;
    this.#addr = request.addr;
    this.writable = isWritable(request.access);
    this.#mutex = new Mutex(dev.sched, `umem_mutex at ${request.addr}`, {
      lockClass: { name: 'umem_mutex' },
    });
    this.#freed = new WaitQueue(dev.sched, `prefetches at ${request.addr}`);
    this.#watch = dev.watchRange(caller, {
      addr: request.addr,
      len: request.len,
      invalidate: (task, start, end) => this.#invalidate(task, start, end),
    });
  }

  get backing(): Backing {
    return this;
  }

  /** Pages the adapter could reach now. */
  get nrPresent(): number {
    return this.#slots.size;
  }

  /** Map what is present, fault nothing (rxe_odp_init_pages). */
  async snapshot(task: Task): Promise<void> {
    await this.#faultIn(task, this.#watch.start, this.#watch.end, this.writable, false);
  }

  /**
   * Fault pages of [addr, addr + len) in ahead of their use (advise_mr). EFAULT EPERM: as a fault
   * of the adapter would end.
   */
  async prefetch(task: Task, addr: number, len: number, write: boolean): Promise<void> {
    const end = addr + len;
    await this.#faultIn(task, alignDown(addr), end, write, true);
  }

  async access(task: Task, pos: number, len: number, write: boolean, use: UseRun): Promise<void> {
    const start = this.#addr + pos;
    await this.#lockPresent(task, start, start + len, write);
    try {
      for (let addr = start; addr < start + len;) {
        const slot = this.#slots.get(alignDown(addr))!;
        const offset = addr - alignDown(addr);
        const n = Math.min(start + len - addr, PAGE_SIZE - offset);
        await use(slot.mapping, offset, n);
        addr += n;
      }
    } finally {
      this.#mutex.unlock(task);
    }
  }

  /** Returns with the mutex held and every page there. RegionFault: they cannot be had. */
  async #lockPresent(task: Task, start: number, end: number, write: boolean): Promise<void> {
    for (;;) {
      await this.#mutex.lock(task);
      if (this.#allPresent(start, end, write)) return;
      this.#mutex.unlock(task);
      this.#dev.hardware.counters.pageFaults++;
      try {
        await this.#faultIn(task, alignDown(start), end, write, true);
      } catch (e) {
        if (!isErrno(e) || e.code === 'EINTR') throw e;
        throw new RegionFault(`page fault: ${e.message}`, { cause: e });
      }
    }
  }

  #allPresent(start: number, end: number, write: boolean): boolean {
    for (let addr = alignDown(start); addr < end; addr += PAGE_SIZE) {
      const slot = this.#slots.get(addr);
      if (slot === undefined || (write && !slot.writable)) return false;
    }
    return true;
  }

  /** Collect pages and enter them, again if an invalidation came in between (hmm_range_fault). */
  async #faultIn(
    task: Task,
    start: number,
    end: number,
    write: boolean,
    fault: boolean,
  ): Promise<void> {
    for (;;) {
      const seq = await this.#watch.readBegin(task);
      const asked = { start, end: Math.ceil(end / PAGE_SIZE) * PAGE_SIZE, write, fault };
      const found = await this.#dev.faultRange(task, this.#watch, asked);
      await this.#mutex.lock(task);
      try {
        if (this.#watch.readRetry(seq)) continue;
        found.pages.forEach((page, i) => {
          if (page === undefined) return;
          const one = { ...found, pages: [page] };
          const writable = page.writable && this.writable;
          this.#enter(found.start + i * PAGE_SIZE, writable, () =>
            this.#dev.dmaMap(one, writable ? 'bidirectional' : 'to-device'),
          );
        });
        return;
      } finally {
        this.#mutex.unlock(task);
      }
    }
  }

  #enter(addr: number, writable: boolean, map: () => DmaMapping): void {
    const old = this.#slots.get(addr);
    if (old !== undefined) {
      if (old.writable || !writable) return;
      this.#dev.dmaUnmap(old.mapping);
    }
    this.#slots.set(addr, { mapping: map(), writable });
  }

  /** rxe_ib_invalidate_range: the mutex waits for the access under way. */
  async #invalidate(task: Task, start: number, end: number): Promise<void> {
    await this.#mutex.lock(task);
    try {
      const { counters } = this.#dev.hardware;
      counters.invalidations++;
      for (const [addr, slot] of [...this.#slots]) {
        if (addr < start || addr >= end) continue;
        this.#dev.dmaUnmap(slot.mapping);
        this.#slots.delete(addr);
        counters.invalidatedPages++;
      }
    } finally {
      this.#mutex.unlock(task);
    }
  }

  /** Somebody works on the region in the background: release() waits until it lets go. */
  hold(): void {
    this.#nrHolders++;
  }

  letGo(): void {
    this.#nrHolders--;
    this.#freed.wakeAll();
  }

  async release(task: Task): Promise<void> {
    await this.#freed.waitEvent(task, () => this.#nrHolders === 0, {
      mode: 'uninterruptible',
      why: `prefetches of the region at ${this.#addr}`,
    });
    await this.#watch.close(task);
    for (const slot of this.#slots.values()) this.#dev.dmaUnmap(slot.mapping);
    this.#slots.clear();
  }
}
