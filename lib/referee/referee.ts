// The referee: watches every transfer and every block, judges, and never prevents anything.
//
//   law 1   each byte of DMA lands in the (inode, generation, pgoff) its mapping was made for
//   law 2   no block is handed out while a reference taken through its former owner exists
//   law 3   references, pins and accounts are zero when everything is closed
//   law 7   free + used + orphaned + busy = all blocks
//
// struct page carries its owner; a DMA mapping remembers the owners it was made for. A transfer is
// judged when its bytes have moved, in the same turn.
// The other laws are judged by the scenario that makes them observable.

import { constant } from '../constant.js';
import { checkFunction, checkObject, shown } from '../arguments.js';
import type { DmaEvent } from '../driver/dma.js';
import type { DriverEvents } from '../driver/events.js';
import { Errno } from '../errno.js';
import type { PageOwner, PageSpace } from '../mm/page.js';
import type { ObjectId } from '../sched/index.js';
import { checkRange, PAGE_SIZE, pgoffOf, type Pfn, type Pgoff } from '../units.js';

/** One run of bytes that landed where it had no business. */
export interface StrayDma {
  readonly atNs: number;
  readonly device: string;
  readonly access: 'read' | 'write';
  /** Whose bytes were touched: a file's name, or `free block`. */
  readonly file: string;
  /** Whose bytes ought to have been touched. */
  readonly meant: string;
  /** Page frame of the block, and its page offset in the file that owns it now. */
  readonly pfn: Pfn;
  readonly pgoff: Pgoff | null;
  /** First byte touched, counted from the start of the block, and its value after a write. */
  readonly firstByte: number;
  readonly value: number | null;
  readonly len: number;
}

/** A block that changed hands under a reference (law 2). */
export interface ReusedBlock {
  readonly atNs: number;
  readonly pfn: Pfn;
  readonly from: string;
  readonly to: string;
  readonly refs: number;
}

export interface Verdict {
  readonly stray: readonly StrayDma[];
  readonly reused: readonly ReusedBlock[];
  /** Transfers and bytes that were judged. */
  readonly transfers: number;
  readonly bytes: number;
  /** Blocks with an orphan inode: the most there were, and how many there are. */
  readonly orphanedPeak: number;
  readonly orphaned: number;
}

/** What the referee asks of the machine it watches. */
export interface Watched {
  readonly pages: PageSpace;
  readonly nowNs: () => number;
  /** The name of a file, or of what it was, for a report. */
  readonly nameOf: (owner: PageOwner) => string;
  readonly orphanedBlocks: () => number;
}

/** A stray peer can go on for ever; the first ones say it all, the count says the rest. */
const mostRemembered = 64;

const sameOwner = (a: PageOwner, b: PageOwner): boolean =>
  a.mount === b.mount && a.ino === b.ino && a.generation === b.generation && a.pgoff === b.pgoff;

export class Referee {
  /**
   * In footprints: whose each block is, and what was found. Blocks that change hands write it,
   * transfers read it; a verdict is the same until somebody writes it.
   */
  readonly object: ObjectId;
  readonly #watched: Watched;
  readonly #stray: StrayDma[] = [];
  readonly #reused: ReusedBlock[] = [];
  readonly #lastOwner = new Map<Pfn, PageOwner>();
  #transfers = 0;
  #bytes = 0;
  #orphanedPeak = 0;

  constructor(watched: Watched) {
    checkObject('referee', 'watched', watched);
    checkObject('referee', 'pages', watched.pages);
    checkFunction('referee', 'nowNs', watched.nowNs);
    checkFunction('referee', 'nameOf', watched.nameOf);
    checkFunction('referee', 'orphanedBlocks', watched.orphanedBlocks);
    this.#watched = constant(watched);
    this.object = watched.pages.sched.newObject('whose each block is');
  }

  /** What the driver core calls on every transfer. */
  readonly driverEvents: DriverEvents = constant({
    dma: (e) => this.#judge(e),
  });

  /** A block was given to a file: nobody may still reference it through whom it belonged to. */
  blockGiven(pfn: Pfn, to: PageOwner): void {
    this.#check('blockGiven', pfn, to);
    this.#changed(pfn);
    const { pages } = this.#watched;
    const refs = pages.refs(pfn) - pages.speculative(pfn);
    const from = this.#lastOwner.get(pfn);
    this.#lastOwner.delete(pfn);
    if (refs === 0 || from === undefined || sameOwner(from, to)) return;
    if (this.#reused.length >= mostRemembered) return;
    const { nowNs, nameOf } = this.#watched;
    this.#reused.push({ atNs: nowNs(), pfn, from: nameOf(from), to: nameOf(to), refs });
  }

  /** A block left its file: remember whose it was while somebody references it. */
  blockLeft(pfn: Pfn, owner: PageOwner): void {
    this.#check('blockLeft', pfn, owner);
    this.#changed(pfn);
    if (this.#watched.pages.refs(pfn) > 0) this.#lastOwner.set(pfn, owner);
  }

  /** The number of orphaned blocks changed. */
  orphansChanged(): void {
    this.#orphanedPeak = Math.max(this.#orphanedPeak, this.#watched.orphanedBlocks());
  }

  #changed(pfn: Pfn): void {
    const { pages } = this.#watched;
    pages.sched.touch(this.object, 'write');
    pages.sched.touch(pages.objectOf(pfn), 'write');
  }

  /** A page of the machine, and an owner. */
  #check(call: string, pfn: Pfn, owner: PageOwner): void {
    checkObject(call, 'owner', owner);
    const { regions } = this.#watched.pages;
    if (Number.isSafeInteger(pfn) && regions.some((region) => region.has(pfn))) return;
    throw new Errno('EINVAL', `${call}: pfn: ${shown(pfn)} is no page`);
  }

  #judge(e: DmaEvent): void {
    checkEvent(e);
    this.#transfers++;
    this.#bytes += e.len;
    if (e.len === 0) return;
    const first = pgoffOf(e.mapping.offset + e.pos);
    const last = pgoffOf(e.mapping.offset + e.pos + e.len - 1);
    const { pages } = this.#watched;
    pages.sched.touch(this.object, 'read');
    const { pfns, owners } = e.mapping;
    let page = pages.firstStranger(pfns, owners, first, last + 1);
    while (page >= 0 && this.#stray.length < mostRemembered) {
      this.#remember(e, page);
      page = pages.firstStranger(pfns, owners, page + 1, last + 1);
    }
  }

  #remember(e: DmaEvent, page: number): void {
    const { pages, nowNs, nameOf } = this.#watched;
    const pfn = e.mapping.pfns[page]!;
    const owner = pages.owner(pfn);
    pages.sched.touch(this.object, 'write');
    const meant = e.mapping.owners.of(page)!;
    const from = e.mapping.offset + e.pos;
    const firstByte = Math.max(from - page * PAGE_SIZE, 0);
    const end = Math.min(from + e.len - page * PAGE_SIZE, PAGE_SIZE);
    this.#stray.push({
      atNs: nowNs(),
      device: e.device,
      access: e.access,
      file: owner === undefined ? 'free block' : nameOf(owner),
      meant: nameOf(meant),
      pfn,
      pgoff: owner?.pgoff ?? null,
      firstByte,
      value: e.access === 'write' ? byteAt(pages, pfn, firstByte) : null,
      len: end - firstByte,
    });
  }

  /** The first finding of each kind, as verdict() has it; cheap enough to ask after every step. */
  get firstStray(): StrayDma | undefined {
    return this.#stray[0];
  }

  get firstReused(): ReusedBlock | undefined {
    return this.#reused[0];
  }

  verdict(): Verdict {
    return {
      stray: [...this.#stray],
      reused: [...this.#reused],
      transfers: this.#transfers,
      bytes: this.#bytes,
      orphanedPeak: this.#orphanedPeak,
      orphaned: this.#watched.orphanedBlocks(),
    };
  }
}

function checkEvent(e: DmaEvent): void {
  checkObject('dma', 'event', e);
  checkObject('dma', 'mapping', e.mapping);
  checkRange('dma: pos, len:', e.pos, e.len);
}

function byteAt(pages: PageSpace, pfn: Pfn, pos: number): number {
  const byte = new Uint8Array(1);
  pages.read(pfn, pos, byte);
  return byte[0]!;
}
