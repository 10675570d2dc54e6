// The part of struct page that is no count of references: mapcount, flags, owner. In shared memory
// beside the data (dax-info-block.ts), so that every thread and process that has the device
// open sees it, and nothing is kept per page anywhere else.
//
//   word       0         1      2..4               5                          6     7
//   holds      mapcount  flags  ino, generation,   mount + 2 (0: no owner),   lru   times the owner
//                               low half of pgoff  bits 32..47 of pgoff             changed, * 2
//
// mapcount and flags change by atomic add, or, and-not: any thread may. The owner is five numbers,
// changed by the machine that has the device mounted; word 7 is odd meanwhile, and who reads them
// reads again when it changed (a seqlock). isOwner() on the way of every DMA does without: a page
// that is compared in the middle of a change is compared again when it seems to be a stranger's,
// and a transfer is judged before and after its bytes move.

import assert from 'node:assert/strict';
import { native } from '../native.js';
import { pageObject, type Scheduler } from '../sched/index.js';
import type { Pfn, Pgoff } from '../units.js';
import { PageBytes } from './page-bytes.js';
import type { Region } from './region.js';

export interface PageOwner {
  readonly mount: number;
  readonly ino: number;
  readonly generation: number;
  readonly pgoff: Pgoff;
}

const MAPCOUNT = 0;
const FLAGS = 1;
const INO = 2;
const GENERATION = 3;
const PGOFF = 4;
const MOUNT = 5;
const CHANGES = 7;
const META_SHIFT = 3;
/** Words of an owner, from INO on. */
const OWNER_WORDS = 4;
/** Mounts are numbered from -1 (memory of no mount), so that 0 says: no owner. */
const FIRST_MOUNT = -2;
const MAX_MOUNT_WORD = 0xffff;
/** How often a reader tries before it takes a change for one that its writer never finished. */
const MOST_TRIES = 1000;

const mountWordOf = (mount: number, pgoff: Pgoff): number => {
  const word = mount - FIRST_MOUNT;
  const fits = word > 0 && word <= MAX_MOUNT_WORD && pgoff < 2 ** 48;
  if (!fits) assert.fail(`owner: mount ${mount}`);
  return (Math.floor(pgoff / 2 ** 32) * 0x10000 + word) >>> 0;
};

/** Who owned the pages of a list, at one moment. */
export class PageOwners {
  readonly length: number;
  /** OWNER_WORDS a page, as they lie in the meta words. */
  readonly words: Uint32Array;

  constructor(length: number) {
    this.length = length;
    this.words = new Uint32Array(length * OWNER_WORDS);
  }

  /** undefined: the page was of no file. */
  of(index: number): PageOwner | undefined {
    return ownerIn(this.words, index * OWNER_WORDS);
  }
}

/** The owner whose words start at `at`. */
function ownerIn(words: Uint32Array, at: number): PageOwner | undefined {
  const mountWord = words[at + MOUNT - INO]!;
  if (mountWord === 0) return undefined;
  return {
    mount: (mountWord & 0xffff) + FIRST_MOUNT,
    ino: words[at]!,
    generation: words[at + GENERATION - INO]!,
    pgoff: words[at + PGOFF - INO]! + (mountWord >>> 16) * 2 ** 32,
  };
}

const oneOwner = new Uint32Array(OWNER_WORDS);

export class PageMeta extends PageBytes {
  readonly regions: Region[] = [];
  #lastRegion: Region | null = null;

  constructor(sched: Scheduler) {
    super(sched);
  }

  /** The region of a page. BUG if there is none. */
  region(pfn: Pfn): Region {
    const last = this.#lastRegion;
    if (last !== null && last.has(pfn)) return last;
    for (const region of this.regions) {
      if (!region.has(pfn)) continue;
      this.#lastRegion = region;
      return region;
    }
    assert.fail(`pfn ${pfn} is in no region`);
  }

  protected override noteStore(pfn: Pfn): void {
    const { stores, basePfn } = this.region(pfn);
    if (stores !== null) stores.note(pfn - basePfn);
  }

  has(pfn: Pfn): boolean {
    return this.regions.some((region) => region.has(pfn));
  }

  // -- mapcount --

  /** Entries that map the page, of whatever process. */
  mapcount(pfn: Pfn): number {
    const { meta, basePfn } = this.region(pfn);
    return Atomics.load(meta, at(pfn - basePfn, MAPCOUNT));
  }

  /** One more; how many there were. */
  protected raiseMapcount(pfn: Pfn): number {
    const { meta, basePfn } = this.region(pfn);
    return Atomics.add(meta, at(pfn - basePfn, MAPCOUNT), 1);
  }

  /** One less; how many are left. BUG: there was none. */
  protected lowerMapcount(pfn: Pfn): number {
    const { meta, basePfn } = this.region(pfn);
    const index = at(pfn - basePfn, MAPCOUNT);
    const before = Atomics.sub(meta, index, 1);
    if (before === 0) Atomics.add(meta, index, 1);
    if (before === 0) assert.fail(`pfn ${pfn}: unmap without map`);
    return before - 1;
  }

  // -- flags --

  flags(pfn: Pfn): number {
    const { meta, basePfn } = this.region(pfn);
    return Atomics.load(meta, at(pfn - basePfn, FLAGS));
  }

  hasFlags(pfn: Pfn, flags: number): boolean {
    return (this.flags(pfn) & flags) === flags;
  }

  /** Whether one of adjacent pages, which lie in one region, has one of the flags. */
  anyFlags(pfn: Pfn, nrPages: number, flags: number): boolean {
    const { meta, basePfn } = this.region(pfn);
    const end = at(pfn - basePfn + nrPages, FLAGS);
    for (let i = at(pfn - basePfn, FLAGS); i < end; i += 1 << META_SHIFT) {
      if ((meta[i]! & flags) !== 0) return true;
    }
    return false;
  }

  /** Set them; those that stood before. */
  setFlags(pfn: Pfn, flags: number): number {
    const { meta, basePfn } = this.region(pfn);
    return Atomics.or(meta, at(pfn - basePfn, FLAGS), flags);
  }

  /** Clear them; those that stood before. */
  clearFlags(pfn: Pfn, flags: number): number {
    const { meta, basePfn } = this.region(pfn);
    return Atomics.and(meta, at(pfn - basePfn, FLAGS), ~flags);
  }

  // -- owner --

  owner(pfn: Pfn): PageOwner | undefined {
    this.#readOwner(pfn, oneOwner, 0);
    return ownerIn(oneOwner, 0);
  }

  /** Where in its file the page stands; undefined if it is of none. */
  ownerPgoff(pfn: Pfn): Pgoff | undefined {
    this.#readOwner(pfn, oneOwner, 0);
    const mountWord = oneOwner[MOUNT - INO]!;
    if (mountWord === 0) return undefined;
    return oneOwner[PGOFF - INO]! + (mountWord >>> 16) * 2 ** 32;
  }

  /** null: the page holds nothing of any file. */
  setOwner(pfn: Pfn, owner: PageOwner | null): void {
    if (owner === null) this.#clearOwner(pfn);
    else this.setOwners(pfn, 1, owner);
  }

  /** Adjacent pages hold adjacent pages of a file, the first one `owner`. */
  setOwners(pfn: Pfn, nrPages: number, owner: PageOwner): void {
    const { mount, ino, generation, pgoff } = owner;
    const { meta, basePfn } = this.region(pfn);
    for (let i = 0; i < nrPages; i++) {
      const page = pfn + i - basePfn;
      if (this.sched.on) this.sched.touch(pageObject(pfn + i), 'write');
      Atomics.add(meta, at(page, CHANGES), 1);
      meta[at(page, INO)] = ino;
      meta[at(page, GENERATION)] = generation;
      meta[at(page, PGOFF)] = pgoff + i; // modulo 2^32
      meta[at(page, MOUNT)] = mountWordOf(mount, pgoff + i);
      Atomics.add(meta, at(page, CHANGES), 1);
    }
  }

  /** Whether the page is what it was: the same file's, at the same place. No allocation. */
  isOwner(pfn: Pfn, owner: PageOwner): boolean {
    this.#readOwner(pfn, oneOwner, 0);
    return (
      oneOwner[0] === owner.ino >>> 0 &&
      oneOwner[1] === owner.generation >>> 0 &&
      oneOwner[2] === owner.pgoff >>> 0 &&
      oneOwner[3] === mountWordOf(owner.mount, owner.pgoff)
    );
  }

  /** Whose the pages are now. */
  ownersOf(pfns: Uint32Array): PageOwners {
    const owners = new PageOwners(pfns.length);
    for (let i = 0; i < pfns.length; i++) this.#readOwner(pfns[i]!, owners.words, i * OWNER_WORDS);
    return owners;
  }

  /**
   * The first page of [from, to) of the list that is not whose it was when `owners` was taken, or
   * -1. Pages that were of no file then are passed over. No allocation: on the way of every DMA.
   */
  firstStranger(pfns: Uint32Array, owners: PageOwners, from: number, to: number): number {
    const { words } = owners;
    if (this.sched.on) {
      for (let i = from; i < to; i++) this.sched.touch(pageObject(pfns[i]!), 'read');
    }
    for (let i = from; i < to;) {
      const { meta, basePfn, endPfn } = this.region(pfns[i]!);
      i = native.firstStranger(meta, basePfn, pfns, words, i, to);
      if (i === to) return -1;
      const pfn = pfns[i]!;
      if (pfn < basePfn || pfn >= endPfn) continue; // of another region
      if (this.#differs(pfn, words, i * OWNER_WORDS)) return i;
      i++;
    }
    return -1;
  }

  #differs(pfn: Pfn, words: Uint32Array, w: number): boolean {
    this.#readOwner(pfn, oneOwner, 0);
    for (let i = 0; i < OWNER_WORDS; i++) if (oneOwner[i] !== words[w + i]) return true;
    return false;
  }

  /** Adjacent pages hold nothing of any file. */
  clearOwners(pfn: Pfn, nrPages: number): void {
    for (let i = 0; i < nrPages; i++) this.#clearOwner(pfn + i);
  }

  #clearOwner(pfn: Pfn): void {
    const { meta, basePfn } = this.region(pfn);
    const page = pfn - basePfn;
    if (this.sched.on) this.sched.touch(pageObject(pfn), 'write');
    if (meta[at(page, MOUNT)] === 0) return;
    Atomics.add(meta, at(page, CHANGES), 1);
    meta.fill(0, at(page, INO), at(page, INO) + OWNER_WORDS);
    Atomics.add(meta, at(page, CHANGES), 1);
  }

  /** The four words of one moment. */
  #readOwner(pfn: Pfn, target: Uint32Array, pos: number): void {
    const { meta, basePfn } = this.region(pfn);
    const page = pfn - basePfn;
    const first = at(page, INO);
    if (this.sched.on) this.sched.touch(pageObject(pfn), 'read');
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const changes = Atomics.load(meta, at(page, CHANGES));
      for (let i = 0; i < OWNER_WORDS; i++) target[pos + i] = meta[first + i]!;
      if ((changes & 1) === 0 && Atomics.load(meta, at(page, CHANGES)) === changes) return;
    }
  }
}

/** What a machine that is gone said of a page: its mappings and flags mean nothing any more. */
export function clearMapsAndFlags(meta: Uint32Array, page: number): void {
  Atomics.store(meta, at(page, MAPCOUNT), 0);
  Atomics.store(meta, at(page, FLAGS), 0);
}

/** Index of a word of a page, counted from the region's first. */
const at = (page: number, word: number): number => page * 2 ** META_SHIFT + word;
