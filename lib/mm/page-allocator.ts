// The page allocator: RAM pages, in two zones.
//
//   free --alloc--> held --free--> free                 nobody else has it
//                        `--free--> orphan --last reference or mapping goes--> free
//
// ZONE_NORMAL takes anything; ZONE_MOVABLE takes what may be moved, and is asked first for that
// (GFP_HIGHUSER_MOVABLE). No long-term pin may stay in ZONE_MOVABLE: migrate.ts moves such pages.
// freePage() is "the owner lets go": pins, gets and mappings keep a page alive beyond it, as
// Linux's refcount does, and the free count follows only when the last of them is gone.

import assert from 'node:assert/strict';
import { Errno } from '../errno.js';
import type { ObjectId } from '../sched/index.js';
import type { Pfn } from '../units.js';
import { pageFlags } from './page-flags.js';
import type { PageSpace } from './page.js';
import type { Region } from './region.js';

export type ZoneName = 'normal' | 'movable';

export interface AllocOptions {
  /** User memory that the kernel may move: page cache, anonymous. */
  readonly movable?: boolean;
  /** Filled with zeroes unless this is false. */
  readonly zero?: boolean;
}

/** The low mark is a share of all pages: 1 of so many, and at most so many pages. */
const LOW_MARK_SHARE = 64;
const MOST_LOW_MARK = 64;

/** A run of pages handed out lowest first, freed ones before untouched ones. */
class Zone {
  readonly name: ZoneName;
  readonly basePfn: Pfn;
  readonly nrPages: number;
  readonly #freed: Pfn[] = [];
  #nextPfn: Pfn;

  constructor(name: ZoneName, basePfn: Pfn, nrPages: number) {
    this.name = name;
    this.basePfn = basePfn;
    this.nrPages = nrPages;
    this.#nextPfn = basePfn;
  }

  get nrFree(): number {
    return this.#freed.length + (this.basePfn + this.nrPages - this.#nextPfn);
  }

  has(pfn: Pfn): boolean {
    return pfn >= this.basePfn && pfn < this.basePfn + this.nrPages;
  }

  take(): Pfn | undefined {
    const pfn = this.#freed.pop();
    if (pfn !== undefined) return pfn;
    return this.#nextPfn < this.basePfn + this.nrPages ? this.#nextPfn++ : undefined;
  }

  give(pfn: Pfn): void {
    this.#freed.push(pfn);
  }
}

export class PageAllocator {
  readonly pages: PageSpace;
  /** The shared page of zeroes that private anonymous memory reads before it is written. */
  readonly zeroPfn: Pfn;
  readonly #zones: readonly [normal: Zone, movable: Zone];
  /** In footprints: which pages are free. */
  readonly #object: ObjectId;
  /** Free pages below which who can wait reclaims before it allocates. */
  readonly lowMark: number;
  /** Asked to free something when a zone is empty; true: try once more. Reclaim sets it. */
  onPressure: ((zone: ZoneName) => boolean) | null = null;

  /** The last nrMovable pages of the region are ZONE_MOVABLE (the boot option movablecore=). */
  constructor(pages: PageSpace, ram: Region, nrMovable = 0) {
    if (ram.kind !== 'ram' || nrMovable >= ram.nrPages)
      assert.fail(`movablecore: ${nrMovable} pages`);
    this.pages = pages;
    this.#object = pages.sched.newObject('free pages');
    const nrNormal = ram.nrPages - nrMovable;
    this.#zones = [
      new Zone('normal', ram.basePfn, nrNormal),
      new Zone('movable', ram.basePfn + nrNormal, nrMovable),
    ];
    this.lowMark = Math.min(MOST_LOW_MARK, Math.floor(ram.nrPages / LOW_MARK_SHARE));
    this.zeroPfn = this.allocPage();
    pages.setFlags(this.zeroPfn, pageFlags.reserved);
    pages.zeroPfn = this.zeroPfn;
    pages.onUnused = (pfn) => this.#release(pfn);
  }

  /** Free pages of both zones, or of one. */
  get nrFree(): number {
    return this.#zones[0].nrFree + this.#zones[1].nrFree;
  }

  get isLow(): boolean {
    return this.nrFree < this.lowMark;
  }

  nrFreeIn(zone: ZoneName): number {
    return this.#zones[zone === 'normal' ? 0 : 1].nrFree;
  }

  zoneOf(pfn: Pfn): ZoneName | undefined {
    return this.#zones.find((zone) => zone.has(pfn))?.name;
  }

  /**
   * A page, held by the caller until freePage(). ENOMEM when the zones it may come from are empty.
   */
  allocPage(opts: AllocOptions = {}): Pfn {
    let pfn = this.#take(opts.movable === true);
    if (pfn === undefined && this.onPressure?.(opts.movable === true ? 'movable' : 'normal')) {
      pfn = this.#take(opts.movable === true);
    }
    if (pfn === undefined) throw new Errno('ENOMEM', 'no free page');
    const movable = this.#zones[1].has(pfn) ? pageFlags.movable : 0;
    this.pages.setFlags(pfn, pageFlags.allocated | pageFlags.held | movable);
    if (opts.zero !== false) this.pages.fillPage(pfn, 0);
    return pfn;
  }

  /** The owner lets go. The page is free when nothing maps or references it, else an orphan. */
  freePage(pfn: Pfn): void {
    const { pages } = this;
    if (!pages.hasFlags(pfn, pageFlags.held)) assert.fail(`pfn ${pfn} is freed twice`);
    if (pages.hasFlags(pfn, pageFlags.cached))
      assert.fail(`pfn ${pfn} is freed while in an address space`);
    pages.clearFlags(pfn, pageFlags.held);
    pages.checkUnused(pfn);
  }

  #take(movable: boolean): Pfn | undefined {
    this.pages.sched.touch(this.#object, 'write');
    const [normal, movableZone] = this.#zones;
    return (movable ? movableZone.take() : undefined) ?? normal.take();
  }

  #release(pfn: Pfn): void {
    const { pages } = this;
    pages.lru.remove(pfn);
    pages.clearFlags(pfn, pages.flags(pfn));
    pages.setOwner(pfn, null);
    const zone = this.#zones.find((z) => z.has(pfn));
    if (zone === undefined) assert.fail(`pfn ${pfn} is in no zone`);
    pages.sched.touch(this.#object, 'write');
    zone.give(pfn);
  }
}
