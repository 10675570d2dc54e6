// struct address_space: which pages hold which part of one file, and who maps it.
//
// A page cache keeps RAM pages in it, fsdax keeps the pages of the device itself (DAX entries).
// invalidate_lock is held for writing by whoever takes pages out, for reading by faults that put
// them in (mm/filemap.c). i_mmap guards the set of VMAs: mmap and munmap write, unmapping reads.
//
// unmapMappingRange is unmap_mapping_range: for each VMA of the range the MMU notifiers are told
// first, and their callbacks complete, before an entry is cleared.

import assert from 'node:assert/strict';
import { lockClasses, type ObjectId, RwSem, type Task } from '../sched/index.js';
import { tracepoints } from '../trace/events.js';
import type { Pfn, Pgoff } from '../units.js';
import type { MMEnv } from './mm-env.js';
import { pageFlags } from './page-flags.js';
import { pfnOfPte } from './pte.js';
import { clearPte, type VMA } from './vma.js';

/** secretmem: memory that the kernel itself cannot reach (memfd_secret). */
export type AddressSpaceKind = 'fsdax' | 'devdax' | 'pagecache' | 'secretmem' | 'shmem';

export interface AddressSpaceHost {
  readonly ino: number;
  readonly generation: number;
  readonly mount: number;
  readonly kind: AddressSpaceKind;
  readonly label: string;
  /** Stores must be noticed for writeback: ext4 and xfs page caches; not tmpfs (trap 12). */
  readonly dirtyTracked: boolean;
  /** i_size, in bytes. */
  size(): number;
}

export interface UnmapOptions {
  /** Private copies too, as truncate asks; punching a hole leaves them. */
  readonly evenCows?: boolean;
}

export class AddressSpace {
  readonly env: MMEnv;
  readonly host: AddressSpaceHost;
  readonly id: ObjectId;
  readonly invalidateLock: RwSem;
  readonly iMmap: RwSem;
  readonly vmas = new Set<VMA>();
  readonly #pages = new Map<Pgoff, Pfn>();
  readonly #dirty = new Set<Pgoff>();
  /** No page of the file lies outside; they are of one region. Never narrowed. */
  #lowPfn: Pfn = Infinity;
  #highPfn: Pfn = -1;

  constructor(env: MMEnv, host: AddressSpaceHost) {
    this.env = env;
    this.host = host;
    const { sched } = env;
    this.id = sched.newObject(`mapping of ${host.label}`);
    const nest = host.ino;
    this.invalidateLock = new RwSem(sched, `invalidate_lock of ${host.label}`, {
      lockClass: lockClasses.invalidateLock,
      nest,
    });
    this.iMmap = new RwSem(sched, `i_mmap of ${host.label}`, {
      lockClass: lockClasses.iMmap,
      nest,
    });
  }

  lookup(pgoff: Pgoff): Pfn | undefined {
    if (this.env.sched.on) this.env.sched.touch(this.id, 'read');
    return this.#pages.get(pgoff);
  }

  /** Put a page in; its owner is noted. A RAM page stays held by whoever allocated it. */
  insert(pgoff: Pgoff, pfn: Pfn): void {
    const { pages, sched } = this.env;
    if (sched.on) sched.touch(this.id, 'write');
    if (this.#pages.has(pgoff)) assert.fail(`${this.host.label}: page ${pgoff} is there already`);
    this.#pages.set(pgoff, pfn);
    this.#lowPfn = Math.min(this.#lowPfn, pfn);
    this.#highPfn = Math.max(this.#highPfn, pfn);
    const { mount, ino, generation } = this.host;
    pages.setFlags(pfn, pageFlags.cached);
    pages.setOwner(pfn, { mount, ino, generation, pgoff });
    pages.setMapping(pfn, this);
    if (this.host.kind === 'pagecache') pages.lru.add(pfn);
  }

  /** Take a page out; undefined if there is none. A RAM page is then the allocator's to free. */
  delete(pgoff: Pgoff): Pfn | undefined {
    const { pages, sched } = this.env;
    if (sched.on) sched.touch(this.id, 'write');
    const pfn = this.#pages.get(pgoff);
    if (pfn === undefined) return undefined;
    this.#pages.delete(pgoff);
    this.#dirty.delete(pgoff);
    pages.clearFlags(pfn, pageFlags.cached | pageFlags.dirty);
    pages.setMapping(pfn, null);
    pages.lru.remove(pfn);
    return pfn;
  }

  /**
   * Another page takes the place of the old one (migration); tags stay. The old one is returned.
   */
  replace(pgoff: Pgoff, pfn: Pfn): Pfn {
    const { pages } = this.env;
    const dirty = this.#dirty.has(pgoff);
    const old = this.delete(pgoff);
    if (old === undefined) assert.fail(`${this.host.label}: no page ${pgoff} to replace`);
    this.insert(pgoff, pfn);
    if (dirty) {
      this.#dirty.add(pgoff);
      pages.setFlags(pfn, pageFlags.dirty);
    }
    return old;
  }

  get nrEntries(): number {
    return this.#pages.size;
  }

  /** Pages of [start, end), in order. */
  *entries(start: Pgoff = 0, end: Pgoff = Infinity): Iterable<[Pgoff, Pfn]> {
    if (this.env.sched.on) this.env.sched.touch(this.id, 'read');
    if (end - start <= this.#pages.size) {
      for (let pgoff = start; pgoff < end; pgoff++) {
        const pfn = this.#pages.get(pgoff);
        if (pfn !== undefined) yield [pgoff, pfn];
      }
      return;
    }
    const inside = [...this.#pages].filter(([pgoff]) => pgoff >= start && pgoff < end);
    yield* inside.sort(([a], [b]) => a - b);
  }

  /** The numbers of those pages, in order. */
  pgoffs(start: Pgoff = 0, end: Pgoff = Infinity): Pgoff[] {
    if (this.env.sched.on) this.env.sched.touch(this.id, 'read');
    const pages = this.#pages;
    const inside: Pgoff[] = [];
    if (end - start <= pages.size) {
      for (let pgoff = start; pgoff < end; pgoff++) if (pages.has(pgoff)) inside.push(pgoff);
      return inside;
    }
    for (const pgoff of pages.keys()) if (pgoff >= start && pgoff < end) inside.push(pgoff);
    return inside.length > 1 ? inside.sort((a, b) => a - b) : inside;
  }

  // -- tags --

  setDirty(pgoff: Pgoff): void {
    const pfn = this.#pages.get(pgoff);
    if (pfn === undefined) return;
    this.#dirty.add(pgoff);
    this.env.pages.setFlags(pfn, pageFlags.dirty);
  }

  /** The same for a page known by its number, if it is still this file's. */
  setPageDirty(pfn: Pfn): void {
    const pgoff = this.pgoffOfPage(pfn);
    if (pgoff !== undefined) this.setDirty(pgoff);
  }

  clearDirty(pgoff: Pgoff): void {
    const pfn = this.#pages.get(pgoff);
    this.#dirty.delete(pgoff);
    if (pfn !== undefined) this.env.pages.clearFlags(pfn, pageFlags.dirty);
  }

  isDirty(pgoff: Pgoff): boolean {
    return this.#dirty.has(pgoff);
  }

  /** Dirty pages of [start, end), in order. */
  dirtyPages(start: Pgoff = 0, end: Pgoff = Infinity): Pgoff[] {
    return [...this.#dirty].filter((p) => p >= start && p < end).sort((a, b) => a - b);
  }

  /** Where the file holds a page. */
  pgoffOfPage(pfn: Pfn): Pgoff | undefined {
    const pgoff = this.env.pages.ownerPgoff(pfn);
    return pgoff !== undefined && this.#pages.get(pgoff) === pfn ? pgoff : undefined;
  }

  // -- mappings --

  /** mapping_mapped(): whether any VMA maps the file. */
  get mapped(): boolean {
    return this.vmas.size > 0;
  }

  /** Call with i_mmap held for writing. */
  attach(vma: VMA): void {
    this.env.sched.touch(this.id, 'write');
    this.vmas.add(vma);
  }

  detach(vma: VMA): void {
    this.env.sched.touch(this.id, 'write');
    this.vmas.delete(vma);
  }

  /**
   * Take pages [start, end) of the file out of every page table. When it returns nobody can reach
   * them through an entry found before; who wants them must fault. New faults are the caller's to
   * hold off, by invalidate_lock.
   */
  async unmapMappingRange(
    task: Task,
    start: Pgoff,
    end: Pgoff,
    opts: UnmapOptions = {},
  ): Promise<void> {
    const { sched } = this.env;
    if (sched.on) await sched.at(this.id, 'read');
    if (this.vmas.size === 0) return;
    if (tracepoints.unmap.on) tracepoints.unmap.emit(sched, { file: this.host.label, start, end });
    await this.iMmap.downRead(task);
    try {
      for (const vma of this.vmas) {
        const first = Math.max(start, vma.pgoff) - vma.pgoff;
        const last = Math.min(end, vma.pgoff + vma.nrPages) - vma.pgoff;
        if (first >= last) continue;
        const { notifiers } = vma.mm;
        const zap = () => this.#zap(vma, first, last, opts.evenCows === true);
        await notifiers.around(task, vma.addrOfIndex(first), vma.addrOfIndex(last), 'unmap', zap);
      }
    } finally {
      this.iMmap.upRead(task);
    }
  }

  async #zap(vma: VMA, first: number, last: number, cows: boolean): Promise<void> {
    const { sched, pages } = this.env;
    for (let index = first; index < last; index++) {
      if (vma.ptes[index] === 0) continue;
      if (sched.on) await sched.at(vma.id, 'write');
      const pte = vma.pte(index);
      if (pte === 0) continue;
      if (!cows && pages.hasFlags(pfnOfPte(pte), pageFlags.anon)) continue;
      clearPte(vma, index);
    }
  }

  /** The first page of [start, end) that somebody references beyond mapping it. */
  firstBusy(start: Pgoff = 0, end: Pgoff = Infinity): Pfn | undefined {
    const { pages, sched } = this.env;
    if (this.#pages.size === 0) return undefined;
    // An idle file among idle ones is seen by its summary counters. Others may hold pages between.
    const nr = this.#highPfn - this.#lowPfn + 1;
    if (!sched.on && pages.native.firstBusy(this.#lowPfn, nr) < 0) return undefined;
    const pgoffs = this.pgoffs(start, end);
    const pfns = new Uint32Array(pgoffs.length);
    for (let i = 0; i < pfns.length; i++) pfns[i] = this.#pages.get(pgoffs[i]!)!;
    return pfns.length === 0 ? undefined : pages.firstBusy(pfns);
  }
}
