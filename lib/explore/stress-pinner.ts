// One thread that pins, does DMA and unpins, without a lock and as fast as it can; and parks
// whenever it is told to, holding what it holds.
//
//   phase odd: race --phase even--> publish, park --phase odd--> race ...
//                                                 `--ending--> unpin all, publish, leave

import { Prng } from '../sched/index.js';
import type { Pfn, Pgoff } from '../units.js';
import { FILE_PAGES, type StressMemory, tallyAt, type ThreadBlock } from './stress-memory.js';
import { pinOnce, type PinProtocol, stampOf } from './stress-protocol.js';

/** Pins between two looks at the phase. */
const BATCH = 32;
/** One pin in so many is kept for long. */
const KEEP_EVERY = 256;
/** Pins kept for long at once. */
const MOST_KEPT = 4;
/** Transfers to a page under one pin, with a look at whose it is after each. */
const TRANSFERS = 4;
/** Most pages of one pin. */
const MOST_AT_ONCE = 2;

interface Kept {
  readonly pfn: Pfn;
  readonly pgoff: Pgoff;
}

export class Pinner {
  readonly #memory: StressMemory;
  readonly #protocol: PinProtocol;
  readonly #thread: number;
  readonly #block: ThreadBlock;
  readonly #prng: Prng;
  readonly #out = new Uint32Array(new ArrayBuffer(4 * FILE_PAGES));
  readonly #kept: Kept[] = [];
  #pins = 0;
  #transfers = 0;

  constructor(memory: StressMemory, protocol: PinProtocol, thread: number, seed: number) {
    this.#memory = memory;
    this.#protocol = protocol;
    this.#thread = thread;
    this.#block = memory.blocks[thread]!;
    this.#prng = new Prng(seed * 100 + thread);
  }

  /** Until the end of the test. Blocks this thread while it is parked. */
  run(): void {
    const { phase } = this.#memory;
    for (;;) {
      const now = phase.load();
      if (now % 2 === 0) this.#park(now);
      else if (this.#memory.ending) return this.#leave();
      else this.#race(now);
    }
  }

  #race(phase: number): void {
    while (this.#memory.phase.load() === phase) {
      for (let i = 0; i < BATCH; i++) this.#once();
    }
  }

  #once(): void {
    const bits = this.#prng.uint32();
    const pgoff = bits % FILE_PAGES;
    const nr = Math.min(FILE_PAGES - pgoff, 1 + ((bits >>> 8) % MOST_AT_ONCE));
    const got = pinOnce(this.#protocol, pgoff, nr, this.#out);
    if (got === 0) return;
    this.#pins += got;
    for (let i = 0; i < got; i++) this.#transfer(this.#out[i]!, pgoff + i);
    if (got === 1 && (bits >>> 16) % KEEP_EVERY === 0) this.#keep(this.#out[0]!, pgoff);
    else this.#protocol.unpin(this.#out, 0, got);
  }

  /** The device writes; whoever owns the page meanwhile must be who owned it when it was pinned. */
  #transfer(pfn: Pfn, pgoff: Pgoff): void {
    const stamp = stampOf(pgoff);
    for (let i = 0; i < TRANSFERS; i++) {
      this.#memory.transfer(pfn, this.#thread, stamp);
      if (this.#memory.isFilePage(pfn, pgoff)) continue;
      const { tallies } = this.#block;
      tallies[tallyAt.strays]!++;
      tallies[tallyAt.strayPfn] = pfn;
      tallies[tallyAt.strayPgoff] = pgoff;
      break;
    }
    this.#transfers++;
  }

  #keep(pfn: Pfn, pgoff: Pgoff): void {
    this.#kept.push({ pfn, pgoff });
    if (this.#kept.length > MOST_KEPT) this.#drop();
  }

  #drop(): void {
    const { pfn, pgoff } = this.#kept.shift()!;
    this.#transfer(pfn, pgoff);
    this.#out[0] = pfn;
    this.#protocol.unpin(this.#out, 0, 1);
  }

  #park(phase: number): void {
    this.#publish();
    this.#memory.parked.add(1);
    while (this.#memory.phase.load() === phase) this.#memory.phase.wait(phase);
  }

  #leave(): void {
    while (this.#kept.length > 0) this.#drop();
    this.#publish();
    this.#memory.parked.add(1);
  }

  #publish(): void {
    const { held, tallies } = this.#block;
    held.fill(0);
    for (const { pfn } of this.#kept) held[this.#memory.indexOf(pfn)]!++;
    tallies[tallyAt.pins] = this.#pins;
    tallies[tallyAt.transfers] = this.#transfers;
  }
}
