// The openers of one device: who has it open, and what the dead ones left pinned.
//
//   slot: FREE --claim--> LIVE --leave, no pins held--> FREE
//                           |---leave with pins, crash--> DEAD --recover, nobody else lives--> FREE
//
// A LIVE slot is one whose first byte is locked by an open file description; Linux unlocks it
// however its holder ends, so no pid has to be trusted. recover() and claim() run under the opening
// lock, so the set of living openers cannot grow while they look. While anybody lives, pages of a
// group in which a dead opener still counts are quarantined: which of a page's references were the
// dead one's is not known, so nothing of it is reset. When nobody lives, every count is a dead
// one's and the groups are reset.

import { readFileSync } from 'node:fs';

import { Errno } from '../errno.js';
import type { DaxFile } from '../native.js';
import { type DaxLayout, GROUP_PAGES, NR_SLOTS, SLOT_SIZE } from './dax-info-block.js';

/** One opener of a device. */
export interface Opener {
  readonly slot: number;
  readonly pid: number;
  /** Clock ticks since boot; tells a pid from a later one that is the same number. */
  readonly startTime: number;
  /** False: it died, or closed the device with references left. */
  readonly alive: boolean;
  /** Pins and all references (pins among them) that it holds, over all pages. */
  readonly pins: number;
  readonly references: number;
}

/** Pages of the device, counted from its page 0. */
export interface PageRun {
  readonly start: number;
  readonly nrPages: number;
}

const SLOT_WORDS = SLOT_SIZE / 4;

// Field 22 of /proc/self/stat; the name in field 2 may hold spaces and brackets itself.
function ownStartTime(): bigint {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  return BigInt(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 0);
}

export class Openers {
  readonly #file: DaxFile;
  readonly #layout: DaxLayout;
  readonly #slots: Uint32Array;
  readonly #tallies: BigUint64Array;
  readonly #summary: BigUint64Array;
  readonly #words: BigUint64Array;
  /** The slot of this opener, after claim(). */
  slot = -1;

  constructor(file: DaxFile, buffer: SharedArrayBuffer, layout: DaxLayout) {
    this.#file = file;
    this.#layout = layout;
    this.#slots = new Uint32Array(buffer, layout.openersPos, NR_SLOTS * SLOT_WORDS);
    this.#tallies = new BigUint64Array(buffer, layout.talliesPos, NR_SLOTS * layout.nrGroups);
    this.#summary = new BigUint64Array(buffer, layout.summaryPos, layout.nrGroups);
    this.#words = new BigUint64Array(buffer, layout.countersPos, layout.nrPages);
  }

  /**
   * Free what the dead held, if nobody lives; else free only the slots of those who held nothing.
   * Whether nobody lives.
   */
  recover(): boolean {
    const dead = this.#used().filter((slot) => !this.#lives(slot));
    const someoneLives = this.#allSlots().some((slot) => this.#lives(slot));
    for (const slot of dead) {
      if (!someoneLives) this.#groupsOf(slot).forEach((group) => this.#resetGroup(slot, group));
      if (this.#groupsOf(slot).length === 0) this.#free(slot);
    }
    return !someoneLives;
  }

  /** Take a free slot. EBUSY when there is none. */
  claim(): number {
    const start = ownStartTime();
    for (const slot of this.#allSlots()) {
      if (this.#pid(slot) !== 0 || !this.#file.lock(this.#lockPos(slot), 1, 0)) continue;
      Atomics.store(this.#slots, slot * SLOT_WORDS + 2, Number(start & 0xffffffffn));
      Atomics.store(this.#slots, slot * SLOT_WORDS + 3, Number(start >> 32n));
      Atomics.store(this.#slots, slot * SLOT_WORDS, process.pid);
      this.slot = slot;
      return slot;
    }
    const pids = this.list().map((opener) => opener.pid + (opener.alive ? '' : ' (dead)'));
    throw new Errno('EBUSY', `open: all ${NR_SLOTS} opener slots are taken, by ${pids.join(', ')}`);
  }

  /** Give the slot up, unless references are left in it: then it reads as a dead opener's. */
  leave(): void {
    if (this.slot >= 0 && this.#groupsOf(this.slot).length === 0) this.#free(this.slot);
    this.slot = -1;
  }

  list(): Opener[] {
    return this.#used().map((slot) => {
      const low = Atomics.load(this.#slots, slot * SLOT_WORDS + 2);
      const high = Atomics.load(this.#slots, slot * SLOT_WORDS + 3);
      let pins = 0;
      let references = 0;
      for (const group of this.#groupsOf(slot)) {
        const tally = this.#tally(slot, group);
        pins += Number(tally >> 32n);
        references += Number(tally & 0xffffffffn);
      }
      return {
        slot,
        pid: this.#pid(slot),
        startTime: high * 2 ** 32 + low,
        alive: this.#lives(slot),
        pins,
        references,
      };
    });
  }

  /** Pages that a dead opener may still hold, in whole groups, ascending and joined. */
  quarantined(): PageRun[] {
    const groups = new Set<number>();
    for (const slot of this.#used()) {
      if (!this.#lives(slot)) this.#groupsOf(slot).forEach((group) => groups.add(group));
    }
    const runs: { start: number; nrPages: number }[] = [];
    for (const group of [...groups].sort((a, b) => a - b)) {
      const start = group * GROUP_PAGES;
      const nrPages = Math.min(GROUP_PAGES, this.#layout.nrPages - start);
      const last = runs.at(-1);
      if (last !== undefined && last.start + last.nrPages === start) last.nrPages += nrPages;
      else runs.push({ start, nrPages });
    }
    return runs;
  }

  #allSlots(): number[] {
    return Array.from({ length: NR_SLOTS }, (_, slot) => slot);
  }

  #used(): number[] {
    return this.#allSlots().filter((slot) => this.#pid(slot) !== 0);
  }

  #pid(slot: number): number {
    return Atomics.load(this.#slots, slot * SLOT_WORDS);
  }

  #lockPos(slot: number): number {
    return this.#layout.openersPos + slot * SLOT_SIZE;
  }

  #lives(slot: number): boolean {
    return slot === this.slot || this.#file.lockedByOther(this.#lockPos(slot), 1);
  }

  #free(slot: number): void {
    Atomics.store(this.#slots, slot * SLOT_WORDS, 0);
  }

  #tally(slot: number, group: number): bigint {
    return Atomics.load(this.#tallies, slot * this.#layout.nrGroups + group);
  }

  #groupsOf(slot: number): number[] {
    const { nrGroups } = this.#layout;
    const row = this.#tallies.subarray(slot * nrGroups, (slot + 1) * nrGroups);
    const groups: number[] = [];
    row.forEach((_, group) => {
      if (this.#tally(slot, group) !== 0n) groups.push(group);
    });
    return groups;
  }

  // The tally last: killed in the middle, the next recovery comes here again.
  #resetGroup(slot: number, group: number): void {
    this.#words.fill(0n, group * GROUP_PAGES, (group + 1) * GROUP_PAGES);
    Atomics.store(this.#summary, group, 0n);
    Atomics.store(this.#tallies, slot * this.#layout.nrGroups + group, 0n);
  }
}
