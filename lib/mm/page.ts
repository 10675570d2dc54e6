// struct page: every page of the machine under one numbering, over regions of RAM and of pmem.
//
//   counts     in shared memory (native/page_counters.h): references beyond idle, and pins among
//              them. get/put take one reference, pin/unpin one reference that is a pin.
//   meta       in shared memory too: mapcount, flags (page-flags.ts), owner (page-meta.ts)
//   mapping    the address space that has it, kept here: an object of this thread
//
// Linux keeps all in one number, whose idle value and parts differ from kernel to kernel;
// refcount() derives it. When the last reference beyond mappings goes, the page went idle:
// listeners are told (onIdle), and waiters are woken as the kernel's rules say (facts 2.1, trap
// 14).
//
//   call                     may wait   may throw            tells
//   getPages, pinPages       no         ENOMEM (overflow)    -
//   putPages, unpinPages     no         no (BUG: underflow)  onIdle, idleQueue
//   mapped, unmapped         no         no                   idleQueue (7.2), onUnused

import { Errno } from '../errno.js';
import type { KernelRules } from '../kernel-rules.js';
import type { PageCountError } from '../native.js';
import { type ObjectId, pageObject, type Scheduler, WaitQueue } from '../sched/index.js';
import { alignUp, type Pfn } from '../units.js';
import type { AddressSpace } from './address-space.js';
import { Lru } from './lru.js';
import { pageFlags } from './page-flags.js';
import { PageMeta } from './page-meta.js';
import { MAX_PFN } from './pte.js';
import { Region, type RegionKind, type RegionMemory } from './region.js';
import { Vmstat } from './vmstat.js';

export { type PageOwner, PageOwners } from './page-meta.js';

/** GUP_PIN_COUNTING_BIAS (include/linux/mm.h): what a pin adds to a small page's refcount. */
export const GUP_PIN_COUNTING_BIAS = 1024;
/** Page numbers below this exist on no machine, so that 0 is never a page. */
const FIRST_PFN = 512;

/** Pages of one chunk of the table of address spaces. */
const CHUNK_SHIFT = 9;
const CHUNK_PAGES = 1 << CHUNK_SHIFT;

export class PageSpace extends PageMeta {
  readonly rules: KernelRules;
  readonly vmstat = new Vmstat();
  readonly lru = new Lru(this);
  /** The shared zero page, once the page allocator has made it. It takes no pins (facts 2.1). */
  zeroPfn: Pfn = 0;
  /** Told of a RAM page that nothing holds, maps or references any more: the page allocator. */
  onUnused: ((pfn: Pfn) => void) | null = null;
  /** By chunk of pages, made when a file first has a page in it. */
  readonly #mappings = new Map<number, (AddressSpace | undefined)[]>();
  readonly #queues = new Map<Pfn, WaitQueue>();
  readonly #speculative = new Map<Pfn, number>();
  readonly #idleListeners: ((pfn: Pfn) => void)[] = [];
  #nrOrphans = 0;

  constructor(sched: Scheduler, rules: KernelRules) {
    super(sched);
    this.rules = rules;
  }

  /** Number the pages of a device, after those there are. ENOMEM past 2^29 pages. */
  addRegion(memory: RegionMemory, kind: RegionKind): Region {
    const last = this.regions.at(-1);
    const basePfn = last === undefined ? FIRST_PFN : alignUp(last.endPfn, FIRST_PFN);
    const { nrPages } = memory;
    if (basePfn + nrPages - 1 > MAX_PFN)
      throw new Errno('ENOMEM', `no numbers for ${nrPages} pages`);
    const region = new Region(kind, memory, memory.region(basePfn));
    region.index = this.native.addRegion(region.place);
    const { slot } = region.place;
    if (slot !== undefined) this.native.setOpener(region.index, slot);
    this.regions.push(region);
    return region;
  }

  /** What stands for the page in footprints. */
  objectOf(pfn: Pfn): ObjectId {
    return pageObject(pfn);
  }

  // -- counts --

  /** References beyond idle and beyond mappings; pins are among them. */
  refs(pfn: Pfn): number {
    const region = this.region(pfn);
    return Atomics.load(region.words, (pfn - region.basePfn) * 2);
  }

  /**
   * References that nobody uses yet: the fast path of gup has raised the page and not yet read its
   * entry again. Where an idle page shows one reference (to 6.14) such a page may be free already.
   */
  speculative(pfn: Pfn): number {
    return this.#speculative.get(pfn) ?? 0;
  }

  speculate(pfn: Pfn, by: 1 | -1): void {
    const nr = this.speculative(pfn) + by;
    if (nr === 0) this.#speculative.delete(pfn);
    else this.#speculative.set(pfn, nr);
  }

  pins(pfn: Pfn): number {
    const region = this.region(pfn);
    return Atomics.load(region.words, (pfn - region.basePfn) * 2 + 1);
  }

  /** _refcount as this kernel would show it (facts 2.1; trap 4). */
  refcount(pfn: Pfn): number {
    const counted = this.refs(pfn) + (GUP_PIN_COUNTING_BIAS - 1) * this.pins(pfn);
    if (this.region(pfn).kind === 'pmem') {
      const { idleRefcount, mappingsAreReferences } = this.rules;
      return idleRefcount + counted + (mappingsAreReferences ? this.mapcount(pfn) : 0);
    }
    return counted + this.mapcount(pfn) + (this.hasFlags(pfn, pageFlags.held) ? 1 : 0);
  }

  /**
   * Whether a layout change must wait for the page (fs/dax.c:dax_page_idle): refcount above idle in
   * the old world, refcount above mapcount in the new one. Both say: references beyond mappings.
   */
  isBusy(pfn: Pfn): boolean {
    if (this.sched.on) this.sched.touch(pageObject(pfn), 'read');
    return this.refs(pfn) > 0;
  }

  /**
   * What a waiter on idleQueue() asks when it is woken (dax_page_is_idle): in the old world no
   * references beyond mappings, in the new one refcount 0, so no mapping either.
   */
  isIdle(pfn: Pfn): boolean {
    return !this.isBusy(pfn) && this.#wakes(pfn);
  }

  /** The first page of the list that is busy. */
  firstBusy(pfns: Uint32Array): Pfn | undefined {
    if (this.sched.on) for (const pfn of pfns) this.sched.touch(pageObject(pfn), 'read');
    const index = this.native.firstBusyList(nearby(pfns, 0, pfns.length), 0, pfns.length);
    return index < 0 ? undefined : pfns[index];
  }

  /** Take one reference on each page of the list. ENOMEM if a count is full; then none is taken. */
  getPages(pfns: Uint32Array, pos: number, nr: number): void {
    this.#touchAll(pfns, pos, nr);
    const list = nearby(pfns, pos, nr);
    raise(() => this.native.getList(list, list === pfns ? pos : 0, nr));
  }

  /** Give back references taken by getPages. */
  putPages(pfns: Uint32Array, pos: number, nr: number): void {
    this.#touchAll(pfns, pos, nr);
    const list = nearby(pfns, pos, nr);
    this.native.putList(list, list === pfns ? pos : 0, nr);
    this.#lowered(pfns, pos, nr);
  }

  /** Pin each page of the list; the zero page is passed over. ENOMEM as for getPages. */
  pinPages(pfns: Uint32Array, pos: number, nr: number): void {
    this.#touchAll(pfns, pos, nr);
    const list = this.#withoutZero(pfns, pos, nr);
    const all = list === pfns;
    const nrPages = all ? nr : list.length;
    const near = nearby(list, all ? pos : 0, nrPages);
    raise(() => this.native.pinList(near, near === pfns ? pos : 0, nrPages));
    this.vmstat.counters.nrFollPinAcquired += nrPages;
  }

  /** Take back pins. BUG if a page has none. */
  unpinPages(pfns: Uint32Array, pos: number, nr: number): void {
    this.#touchAll(pfns, pos, nr);
    const list = this.#withoutZero(pfns, pos, nr);
    const all = list === pfns;
    const from = all ? pos : 0;
    const nrPages = all ? nr : list.length;
    const near = nearby(list, from, nrPages);
    this.native.unpinList(near, near === list ? from : 0, nrPages);
    this.vmstat.counters.nrFollPinReleased += nrPages;
    this.#lowered(list, from, nrPages);
  }

  /** The fast path took pins itself, or gave some back: keep vmstat's books. */
  countPinned(nr: number): void {
    this.vmstat.counters.nrFollPinAcquired += nr;
  }

  /** One more entry maps the page. */
  mapped(pfn: Pfn, write: boolean): void {
    if (this.sched.on) this.sched.touch(pageObject(pfn), 'write');
    this.raiseMapcount(pfn);
    if (write) super.setFlags(pfn, pageFlags.writeMapped);
  }

  /** One entry less. The last one may be what a waiter or the page allocator waits for. */
  unmapped(pfn: Pfn): void {
    if (this.sched.on) this.sched.touch(pageObject(pfn), 'write');
    if (this.lowerMapcount(pfn) > 0) return;
    super.clearFlags(pfn, pageFlags.writeMapped);
    if (this.rules.idleWakes === 'refs-and-maps' && this.#queues.has(pfn) && this.refs(pfn) === 0) {
      this.#queues.get(pfn)!.wakeAll();
    }
    this.checkUnused(pfn);
  }

  // -- going idle --

  /** Where to wait for a page to become idle. After each wake-up look again. */
  idleQueue(pfn: Pfn): WaitQueue {
    let queue = this.#queues.get(pfn);
    if (queue === undefined) {
      queue = new WaitQueue(this.sched, `pfn ${pfn} idle`);
      this.#queues.set(pfn, queue);
    }
    return queue;
  }

  /** Be told, in every kernel, of each page whose last reference beyond mappings went. */
  onIdle(listener: (pfn: Pfn) => void): () => void {
    this.#idleListeners.push(listener);
    return () => {
      const index = this.#idleListeners.indexOf(listener);
      if (index >= 0) this.#idleListeners.splice(index, 1);
    };
  }

  /** Say again that the page may have gone idle: another thread gave the last reference back. */
  noticeIdle(pfn: Pfn): void {
    if (this.refs(pfn) === 0) this.#wentIdle(pfn);
  }

  // -- flags, mapping --

  override setFlags(pfn: Pfn, flags: number): number {
    const before = super.setFlags(pfn, flags);
    if ((flags & ~before & pageFlags.orphan) !== 0) this.#nrOrphans++;
    return before;
  }

  override clearFlags(pfn: Pfn, flags: number): number {
    const before = super.clearFlags(pfn, flags);
    if ((flags & before & pageFlags.orphan) !== 0) this.#nrOrphans--;
    return before;
  }

  /** Pages whose owner let go while references or mappings keep them alive. */
  get nrOrphans(): number {
    return this.#nrOrphans;
  }

  /** The address space that has the page. */
  mappingOf(pfn: Pfn): AddressSpace | undefined {
    return this.#mappings.get(pfn >>> CHUNK_SHIFT)?.[pfn % CHUNK_PAGES];
  }

  setMapping(pfn: Pfn, mapping: AddressSpace | null): void {
    let chunk = this.#mappings.get(pfn >>> CHUNK_SHIFT);
    if (chunk === undefined) {
      if (mapping === null) return;
      const nr = Math.min(CHUNK_PAGES, this.region(pfn).endPfn - (pfn - (pfn % CHUNK_PAGES)));
      chunk = new Array<AddressSpace | undefined>(nr).fill(undefined);
      this.#mappings.set(pfn >>> CHUNK_SHIFT, chunk);
    }
    chunk[pfn % CHUNK_PAGES] = mapping ?? undefined;
  }

  /** Whatever held a RAM page may just have let go of it: it is freed, or an orphan. */
  checkUnused(pfn: Pfn): void {
    const keeps = pageFlags.held | pageFlags.cached | pageFlags.reserved;
    const flags = this.flags(pfn);
    if ((flags & pageFlags.allocated) === 0 || (flags & keeps) !== 0) return;
    if (this.mapcount(pfn) > 0) return;
    if (this.refs(pfn) === 0) this.onUnused?.(pfn);
    else this.setFlags(pfn, pageFlags.orphan);
  }

  #lowered(pfns: Uint32Array, pos: number, nr: number): void {
    if (this.#queues.size === 0 && this.#idleListeners.length === 0 && this.#nrOrphans === 0)
      return;
    let region = this.regions[0]!;
    for (let i = pos; i < pos + nr; i++) {
      const pfn = pfns[i]!;
      if (!region.has(pfn)) region = this.region(pfn);
      // A plain load: the native call before it has ordered this thread's own puts.
      if (region.words[(pfn - region.basePfn) * 2] === 0) this.#wentIdle(pfn);
    }
  }

  #wentIdle(pfn: Pfn): void {
    for (const listener of this.#idleListeners) listener(pfn);
    const queue = this.#queues.get(pfn);
    if (queue !== undefined && this.#wakes(pfn)) queue.wakeAll();
    this.checkUnused(pfn);
  }

  #wakes(pfn: Pfn): boolean {
    if (this.rules.idleWakes === 'refs' || this.mapcount(pfn) === 0) return true;
    return this.rules.writeRefaultWakes && this.hasFlags(pfn, pageFlags.writeMapped);
  }

  #withoutZero(pfns: Uint32Array, pos: number, nr: number): Uint32Array {
    const { zeroPfn } = this;
    const first = pfns.indexOf(zeroPfn, pos);
    if (first < 0 || first >= pos + nr) return pfns;
    return pfns.slice(pos, pos + nr).filter((pfn) => pfn !== zeroPfn);
  }

  #touchAll(pfns: Uint32Array, pos: number, nr: number): void {
    if (!this.sched.on) return;
    for (let i = pos; i < pos + nr; i++) this.sched.touch(pageObject(pfns[i]!), 'write');
  }
}

/**
 * V8 keeps typed arrays up to this long in its own heap, and moves one out for good when the addon
 * asks where it is, which takes half a microsecond. So the native call gets a short list in `few`.
 */
export const MOST_IN_HEAP = 16;
/** Lists of up to MOST_IN_HEAP pages on their way to or from one native call; nobody keeps it. */
export const few = new Uint32Array(new ArrayBuffer(MOST_IN_HEAP * Uint32Array.BYTES_PER_ELEMENT));

/** The entries from pos on, where a native call reaches them: in `few`, from 0 on, or in place. */
function nearby(pfns: Uint32Array, pos: number, nr: number): Uint32Array {
  if (nr > MOST_IN_HEAP) return pfns;
  for (let i = 0; i < nr; i++) few[i] = pfns[pos + i]!;
  return few;
}

/** A count at its limit: try_grab_folio fails and the slow path answers ENOMEM (facts 2.1). */
function raise(count: () => void): void {
  try {
    count();
  } catch (e) {
    const { code, pfn } = e as PageCountError;
    if (code !== 'ENOMEM') throw e;
    throw new Errno('ENOMEM', `pfn ${pfn}: its count is full`, { cause: e });
  }
}
