// The memory that the threads of a stress test share: the pages of a device with their counters and
// meta, and a control file beside it.
//
//   device    POOL_PAGES pages on both sides of the border between two groups of counters
//   control   +0      words to park on         +256    the page table of the file under test
//             +4096   a page for each thread: what it did, what it holds, its own counters
//
// Threads get it posted, processes open the same files. A thread writes its own page plainly, and
// what it says there is true whenever it is parked.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { kernelRules } from '../kernel-rules.js';
import { META_WORDS } from '../mm/dax-info-block.js';
import { DaxDevice } from '../mm/dax-device.js';
import { PageSpace } from '../mm/page.js';
import type { PageOwner } from '../mm/page-meta.js';
import type { RegionPlace } from '../mm/region.js';
import { asErrno, type DaxFile, type DaxMapping, native } from '../native.js';
import { Scheduler } from '../sched/index.js';
import { WaitWord } from '../shared/wait-word.js';
import { alignUp, KiB, MiB, PAGE_SIZE, type Pfn, type Pgoff } from '../units.js';

/** Pages of the file under test: few, so that everybody meets. */
export const FILE_PAGES = 4;
/** Pages that the file and its neighbours are made of. */
export const POOL_PAGES = 32;
/** Of all processes together. */
export const MOST_THREADS = 16;
/** 32-bit words at the start of a page that devices write; each thread has some of its own. */
const DMA_WORDS = 64;
const DMA_WORDS_EACH = DMA_WORDS / MOST_THREADS;

const DEVICE_SIZE = 4 * MiB;
/** Pages of the device before the pool: 512 pages are a group. */
const POOL_START = 512 - POOL_PAGES / 2;
const PTES_POS = 256;
const BLOCKS_POS = 4 * KiB;
const BLOCK_SIZE = 4 * KiB;
const CONTROL_SIZE = BLOCKS_POS + MOST_THREADS * BLOCK_SIZE;
const HELD_POS = 512;
const SLOTS_POS = 2 * KiB;
/** Each word to park on has a cache line of its own. */
const LINE = 64;

/** The file under test. */
const INO = 1;
/** The file that gets its pages when it is truncated. */
const OTHER_INO = 2;

const ownerOf = (ino: number, pgoff: Pgoff): PageOwner => ({ mount: 0, ino, generation: 1, pgoff });
const owners = Array.from({ length: FILE_PAGES }, (_, pgoff) => ownerOf(INO, pgoff));

/** All of it, as it is posted to a thread. */
export interface SharedParts {
  readonly place: RegionPlace;
  readonly meta: Uint32Array;
  readonly control: SharedArrayBuffer;
}

/** The same without files and openers, for one thread. */
export function plainParts(): SharedParts {
  const nrPages = POOL_START + POOL_PAGES;
  const summaryPos = nrPages * 8;
  const dataPos = alignUp(summaryPos + 2 * 8, PAGE_SIZE);
  const buffer = new SharedArrayBuffer(dataPos + nrPages * PAGE_SIZE);
  const place = { buffer, basePfn: 0, nrPages, countersPos: 0, summaryPos, dataPos };
  const meta = new Uint32Array(nrPages * META_WORDS);
  return { place, meta, control: new SharedArrayBuffer(CONTROL_SIZE) };
}

/** Nobody counts or owns anything; the bytes of pages stay. */
export function emptyParts({ place, meta, control }: SharedParts): void {
  new Uint8Array(place.buffer, 0, place.dataPos).fill(0);
  new Uint8Array(control).fill(0);
  meta.fill(0);
}

/** What a thread counts, in its page; of the last stray the page and where it was pinned for. */
export const tallyAt = { pins: 0, transfers: 1, strays: 2, strayPfn: 3, strayPgoff: 4 } as const;

/** What one thread says of itself. */
export class ThreadBlock {
  /** By tallyAt. */
  readonly tallies: Float64Array;
  /** By page of the pool: how many pins this thread holds. */
  readonly held: Int32Array;
  /** By page of the pool: counters of the thread's own, for protocols that keep some. */
  readonly slots: Int32Array;

  constructor(control: SharedArrayBuffer, thread: number) {
    assert(thread >= 0 && thread < MOST_THREADS, `thread ${thread}`);
    const pos = BLOCKS_POS + thread * BLOCK_SIZE;
    this.tallies = new Float64Array(control, pos, Object.keys(tallyAt).length);
    this.held = new Int32Array(control, pos + HELD_POS, POOL_PAGES);
    this.slots = new Int32Array(control, pos + SLOTS_POS, POOL_PAGES);
  }
}

export class StressMemory {
  readonly parts: SharedParts;
  readonly pages: PageSpace;
  /** The page of the pool with index 0. */
  readonly firstPfn: Pfn;
  /** The entries of the file under test, by pgoff. */
  readonly ptes: Int32Array;
  readonly blocks: readonly ThreadBlock[];
  /** Odd: run. Even: park. */
  readonly phase: WaitWord;
  /** Threads that are parked. */
  readonly parked: WaitWord;
  readonly #settings: Int32Array;
  readonly #bytes: Uint32Array;

  constructor(parts: SharedParts, sched = new Scheduler({ mode: 'live' })) {
    const { place, meta, control } = parts;
    this.parts = parts;
    this.pages = new PageSpace(sched, kernelRules['7.2']);
    const region = (basePfn: Pfn): RegionPlace => ({ ...place, basePfn });
    const { basePfn } = this.pages.addRegion({ nrPages: place.nrPages, meta, region }, 'pmem');
    this.firstPfn = basePfn + POOL_START;
    this.ptes = new Int32Array(control, PTES_POS, FILE_PAGES);
    this.blocks = Array.from({ length: MOST_THREADS }, (_, i) => new ThreadBlock(control, i));
    this.phase = new WaitWord(control, 0);
    this.parked = new WaitWord(control, LINE);
    this.#settings = new Int32Array(control, 2 * LINE, 2);
    const dataPos = place.dataPos + POOL_START * PAGE_SIZE;
    this.#bytes = new Uint32Array(place.buffer, dataPos, (POOL_PAGES * PAGE_SIZE) / 4);
  }

  /** How many threads there are, and whether they are to end. */
  get nrThreads(): number {
    return Atomics.load(this.#settings, 0);
  }

  set nrThreads(nr: number) {
    Atomics.store(this.#settings, 0, nr);
  }

  get ending(): boolean {
    return Atomics.load(this.#settings, 1) !== 0;
  }

  /** From the next phase on. */
  end(): void {
    Atomics.store(this.#settings, 1, 1);
  }

  // -- pages of the pool, by pfn --

  indexOf(pfn: Pfn): number {
    return pfn - this.firstPfn;
  }

  /** Whether the page is at this place of the file under test. */
  isFilePage(pfn: Pfn, pgoff: Pgoff): boolean {
    return this.pages.isOwner(pfn, owners[pgoff]!);
  }

  giveToFile(pfn: Pfn, pgoff: Pgoff): void {
    this.pages.setOwner(pfn, owners[pgoff]!);
  }

  giveToOther(pfn: Pfn): void {
    this.pages.setOwner(pfn, ownerOf(OTHER_INO, this.indexOf(pfn)));
  }

  /** What a device of this thread does: store the stamp in the thread's words of the page. */
  transfer(pfn: Pfn, thread: number, stamp: number): void {
    const bytes = this.#bytes;
    const at = this.#at(pfn) + thread * DMA_WORDS_EACH;
    for (let i = 0; i < DMA_WORDS_EACH; i++) bytes[at + i] = stamp;
  }

  fill(pfn: Pfn, stamp: number): void {
    const at = this.#at(pfn);
    this.#bytes.fill(stamp, at, at + DMA_WORDS);
  }

  /** The first word with another stamp; undefined if there is none. */
  strange(pfn: Pfn, stamp: number): number | undefined {
    const at = this.#at(pfn);
    for (let i = at; i < at + DMA_WORDS; i++) {
      if (this.#bytes[i] !== stamp) return this.#bytes[i];
    }
    return undefined;
  }

  #at(pfn: Pfn): number {
    return (pfn - this.firstPfn) * (PAGE_SIZE / 4);
  }
}

/** The files of one stress test, opened by this process; the threads of it share the opening. */
export class StressFiles implements Disposable {
  readonly memory: StressMemory;
  readonly #device: DaxDevice;
  readonly #control: DaxFile;
  readonly #mapping: DaxMapping;

  constructor(folder: string, create: boolean) {
    const path = join(folder, 'pmem');
    const size = DEVICE_SIZE;
    this.#device = DaxDevice.open(path, create ? { size, create } : { size });
    this.#control = asErrno('stress', () => native.openFile(join(folder, 'control'), create));
    if (create) this.#control.setSize(CONTROL_SIZE);
    this.#mapping = asErrno('stress', () => this.#control.map());
    const { meta } = this.#device;
    const control = this.#mapping.buffer;
    this.memory = new StressMemory({ place: this.#device.region(0), meta, control });
  }

  [Symbol.dispose](): void {
    this.#mapping.close();
    this.#control.close();
    this.#device.close();
  }
}
