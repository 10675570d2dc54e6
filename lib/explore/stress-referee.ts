// The judge of a stress test. It looks while every thread is parked, so that nothing moves: what
// threads say they hold against what is counted, whose the pages are, and the bytes in them.

import { type StressMemory, tallyAt } from './stress-memory.js';
import type { PinProtocol } from './stress-protocol.js';
import { type PoolPage, type Truncater, whoseIs } from './stress-truncater.js';

/** What was broken when the threads were parked for the round-th time. */
export interface StressFailure {
  readonly invariant: string;
  readonly detail: string;
  readonly round: number;
}

/** The names of what must hold. */
export const stressInvariants = {
  landing: 'DMA lands in the page that it was pinned for',
  bytes: 'no page has bytes that were meant for another',
  freed: 'no page is freed under a pin',
  counted: 'every pin that a thread holds is counted, and no other',
  summed: 'summaries and tallies are the sums of the counters',
  balance: 'nothing is left when every thread has ended',
} as const;

type InvariantName = keyof typeof stressInvariants;

const GROUP_PAGES = 512;
const LOW = 0xffffffffn;

export class StressReferee {
  readonly #memory: StressMemory;
  readonly #protocol: PinProtocol;
  readonly failures: StressFailure[] = [];
  readonly #summary: BigUint64Array;
  readonly #tallies: BigUint64Array;
  readonly #words: BigUint64Array;
  readonly #strays: number[];
  round = 0;

  constructor(memory: StressMemory, protocol: PinProtocol) {
    this.#memory = memory;
    this.#protocol = protocol;
    const { buffer, nrPages, countersPos, summaryPos, talliesPos, nrSlots } = memory.parts.place;
    const nrGroups = Math.ceil(nrPages / GROUP_PAGES);
    this.#summary = new BigUint64Array(buffer, summaryPos, nrGroups);
    this.#tallies = new BigUint64Array(buffer, talliesPos!, nrGroups * nrSlots!);
    this.#words = new BigUint64Array(buffer, countersPos, nrPages);
    this.#strays = memory.blocks.map(() => 0);
  }

  /** One finding of a kind is told a round. */
  found(name: InvariantName, detail: string): void {
    const invariant = stressInvariants[name];
    const { failures, round } = this;
    if (failures.some((f) => f.invariant === invariant && f.round === round)) return;
    failures.push({ invariant, detail, round });
  }

  /** Every thread is parked. */
  judge(truncater: Truncater): void {
    this.#judgeLandings();
    for (const page of truncater.pool) this.#judgePage(page, truncater);
    this.#judgeSums();
  }

  /** Every thread has ended, and the truncater too. */
  judgeEnd(truncater: Truncater): void {
    this.judge(truncater);
    for (const { pfn, state } of truncater.pool) {
      if (state !== 'FREE') this.found('balance', `pfn ${pfn} did not come back: it is ${state}`);
      const pins = this.#protocol.pins(pfn);
      if (pins !== 0) this.found('balance', `pfn ${pfn} has ${pins} pins of nobody`);
    }
    const word = this.#words.findIndex((_, page) => Atomics.load(this.#words, page) !== 0n);
    if (word >= 0) this.found('balance', `page ${word} of the device is not idle`);
  }

  #judgeLandings(): void {
    for (const [thread, { tallies }] of this.#memory.blocks.entries()) {
      const strays = tallies[tallyAt.strays]!;
      const before = this.#strays[thread]!;
      this.#strays[thread] = strays;
      if (strays === before) continue;
      const times = `thread ${thread}, ${strays - before} times in this round, last`;
      const page = `page ${tallies[tallyAt.strayPgoff]} of the file`;
      this.found('landing', `${times} pfn ${tallies[tallyAt.strayPfn]}, pinned as ${page}`);
    }
  }

  #judgePage(page: PoolPage, truncater: Truncater): void {
    const { pfn, state } = page;
    const index = this.#memory.indexOf(pfn);
    const holders = this.#memory.blocks.map(({ held }) => held[index]!);
    const held = holders.reduce((sum, nr) => sum + nr, 0);
    const pins = this.#protocol.pins(pfn);
    if (held > 0 && (state === 'FREE' || state === 'OTHER')) {
      const thread = holders.findIndex((nr) => nr > 0);
      this.found('freed', `pfn ${pfn} is ${whoseIs(page)}, and thread ${thread} holds it`);
    }
    if (pins !== held) this.found('counted', `pfn ${pfn} has ${pins} pins, threads hold ${held}`);
    truncater.inspect(page);
  }

  #judgeSums(): void {
    for (let group = 0; group < this.#summary.length; group++) {
      const [from, to] = [group * GROUP_PAGES, (group + 1) * GROUP_PAGES];
      let sum = 0n;
      for (const word of this.#words.subarray(from, to)) sum += word;
      const summary = Atomics.load(this.#summary, group);
      const refs = sum & LOW;
      if (summary !== refs) {
        this.found('summed', `group ${group} has ${refs} references, its summary ${summary}`);
      }
      let tally = 0n;
      const nrGroups = this.#summary.length;
      for (let i = group; i < this.#tallies.length; i += nrGroups) tally += this.#tallies[i]!;
      if (tally !== sum) this.found('summed', `group ${group} counts ${sum}, openers ${tally}`);
    }
  }
}

/** What the threads did, all together. Every thread is parked. */
export function workDone(memory: StressMemory): { pins: number; transfers: number } {
  const sum = (at: number): number => memory.blocks.reduce((n, b) => n + b.tallies[at]!, 0);
  return { pins: sum(tallyAt.pins), transfers: sum(tallyAt.transfers) };
}
