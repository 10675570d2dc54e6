// The main thread's part: truncates pages of the file under the pinners, gives them to another
// file, takes them back, and faults new ones in.
//
//   FREE --install--> FILE --truncate, idle--------------> OTHER --taken back--> FREE
//                       `--truncate, busy--> LEAVING --idle--^
//
// It is the only one that moves pages, so where each is, is kept here. Whatever changes hands is
// looked at first: bytes of another owner are DMA that went astray.

import assert from 'node:assert/strict';
import { pteOf, PTE_PRESENT, PTE_WRITE } from '../mm/pte.js';
import { Prng } from '../sched/index.js';
import type { Pfn, Pgoff } from '../units.js';
import { FILE_PAGES, POOL_PAGES, type StressMemory } from './stress-memory.js';
import { FREE_STAMP, OTHER_STAMP, type PinProtocol, stampOf } from './stress-protocol.js';

/** Pages that the other file has at most. */
const MOST_OF_OTHER = 8;
/** Truncates between two looks at the clock. */
const BATCH = 64;

export type PageState = 'FREE' | 'FILE' | 'LEAVING' | 'OTHER';

/** A page of the pool. */
export interface PoolPage {
  readonly pfn: Pfn;
  state: PageState;
  /** Where in the file it is or was. */
  pgoff: Pgoff;
}

/** In words. */
export function whoseIs({ state, pgoff }: PoolPage): string {
  if (state === 'FREE') return 'free';
  return state === 'OTHER' ? 'another file\u2019s' : `page ${pgoff} of the file`;
}

export class Truncater {
  readonly #memory: StressMemory;
  readonly #protocol: PinProtocol;
  readonly #prng: Prng;
  readonly #onStray: (detail: string) => void;
  readonly pool: readonly PoolPage[];
  readonly #mapped: (PoolPage | null)[] = new Array<PoolPage | null>(FILE_PAGES).fill(null);
  readonly #free: PoolPage[] = [];
  readonly #leaving: PoolPage[] = [];
  readonly #other: PoolPage[] = [];
  #turn = 0;
  truncates = 0;
  /** Truncates that met a pin. */
  busy = 0;

  constructor(
    memory: StressMemory,
    protocol: PinProtocol,
    seed: number,
    onStray: (detail: string) => void,
  ) {
    this.#memory = memory;
    this.#protocol = protocol;
    this.#prng = new Prng(seed);
    this.#onStray = onStray;
    const { firstPfn } = memory;
    this.pool = Array.from({ length: POOL_PAGES }, (_, i): PoolPage => {
      memory.fill(firstPfn + i, FREE_STAMP);
      return { pfn: firstPfn + i, state: 'FREE', pgoff: -1 };
    });
    this.#free.push(...this.pool);
    for (let pgoff = 0; pgoff < FILE_PAGES; pgoff++) this.#install(pgoff);
  }

  /** Go on while told so. */
  run(goOn: () => boolean): void {
    do for (let i = 0; i < BATCH; i++) this.#once();
    while (goOn());
  }

  /** Nobody pins any more: truncate everything and take all pages back. */
  end(): void {
    for (let pgoff = 0; pgoff < FILE_PAGES; pgoff++) this.#truncate(pgoff);
    for (let i = this.#leaving.length; i > 0; i--) this.#look();
    while (this.#other.length > 0) this.#takeBack();
  }

  /** What every stamp in a page must be. */
  stampOf({ state, pgoff }: PoolPage): number {
    if (state === 'FREE') return FREE_STAMP;
    return state === 'OTHER' ? OTHER_STAMP : stampOf(pgoff);
  }

  /** DMA of another owner in a page, said once. */
  inspect(page: PoolPage): void {
    const found = this.#memory.strange(page.pfn, this.stampOf(page));
    if (found === undefined) return;
    const stamp = `0x${found.toString(16)}`;
    this.#onStray(`a device wrote ${stamp} to pfn ${page.pfn}, which was ${whoseIs(page)} by then`);
    this.#memory.fill(page.pfn, this.stampOf(page));
  }

  #once(): void {
    const pgoff = this.#prng.uint32() % FILE_PAGES;
    this.#truncate(pgoff);
    this.#install(pgoff);
    this.#look();
  }

  #truncate(pgoff: Pgoff): void {
    const page = this.#mapped[pgoff]!;
    if (page === null) return;
    const pfn = this.#protocol.clear(pgoff);
    const busy = this.#protocol.isBusy(pfn);
    assert(pfn === page.pfn, 'truncate: the entry was somebody else\u2019s');
    this.#mapped[pgoff] = null;
    this.truncates++;
    if (busy) {
      this.busy++;
      page.state = 'LEAVING';
      this.#leaving.push(page);
    } else {
      this.#reuse(page);
    }
  }

  /** Look at one of the pages that were busy again. */
  #look(): void {
    if (this.#leaving.length === 0) return;
    const page = this.#leaving.shift()!;
    if (this.#protocol.isBusy(page.pfn)) this.#leaving.push(page);
    else this.#reuse(page);
  }

  /** The page is idle: it is free, and next it is the other file's. */
  #reuse(page: PoolPage): void {
    this.#memory.giveToOther(page.pfn);
    this.inspect(page);
    page.state = 'OTHER';
    this.#memory.fill(page.pfn, OTHER_STAMP);
    this.#other.push(page);
    if (this.#other.length > MOST_OF_OTHER) this.#takeBack();
  }

  #takeBack(): void {
    const page = this.#other.shift()!;
    this.inspect(page);
    this.#memory.pages.setOwner(page.pfn, null);
    page.state = 'FREE';
    this.#memory.fill(page.pfn, FREE_STAMP);
    this.#free.push(page);
  }

  /** A fault: a page for this place of the file, if one is free. */
  #install(pgoff: Pgoff): void {
    // From both ends: the page that was just freed, and the one that was free for longest.
    const page = this.#turn++ % 2 === 0 ? this.#free.pop() : this.#free.shift();
    if (page === undefined) return;
    this.inspect(page);
    page.state = 'FILE';
    page.pgoff = pgoff;
    this.#memory.fill(page.pfn, stampOf(pgoff));
    this.#memory.giveToFile(page.pfn, pgoff);
    this.#mapped[pgoff] = page;
    Atomics.store(this.#memory.ptes, pgoff, pteOf(page.pfn, PTE_PRESENT | PTE_WRITE));
  }
}
