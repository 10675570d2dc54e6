// Scenarios of real threads, one step at a time: two tasks that pin and a truncater take the very
// steps that threads take (stress-protocol.ts), with a point before each.
//
// Here every store is seen at once, so what only the order of memory breaks is clean: the explorer
// says so of threads-missing-fence, and is right about every machine but a real one.

import assert from 'node:assert/strict';
import { pteOf, PTE_PRESENT, PTE_WRITE } from '../../mm/pte.js';
import { type ObjectId, Scheduler, type SimulatedOptions } from '../../sched/index.js';
import type { Race, Scenario, WorldMaker } from '../scenario.js';
import { emptyParts, FILE_PAGES, plainParts, StressMemory } from '../stress-memory.js';
import { type PinProtocol, type StressScenario, stampOf } from '../stress-protocol.js';
import { stressInvariants } from '../stress-referee.js';
import { type Planted, twinOf } from './planted.js';
import { threadScenarioNamed, threadScenarios } from './threads.js';

const PINNERS = 2;
/** The page of the file that all meet at. */
const PGOFF = 0;

/** The same shared memory for every run, emptied. */
function stepWorld(): WorldMaker<StressMemory> {
  const parts = plainParts();
  return {
    make(options: SimulatedOptions) {
      emptyParts(parts);
      const sched = new Scheduler(options);
      return { sched, world: new StressMemory(parts, sched), end: () => {} };
    },
  };
}

class Steps {
  readonly #race: Race;
  readonly #memory: StressMemory;
  readonly #pfn: number;
  readonly #entry: ObjectId;
  /** Whose the page is. */
  readonly #page: ObjectId;
  /** By thread: its part of the count. Adding to a count does not depend on who added before. */
  readonly #counts: readonly ObjectId[];
  readonly #strayed: ObjectId;
  /** By thread, whether it has pinned the page and not begun to unpin it. */
  readonly #holds: boolean[] = [];
  #given = false;
  #strays = 0;

  constructor(race: Race, memory: StressMemory) {
    this.#race = race;
    this.#memory = memory;
    this.#pfn = memory.firstPfn;
    this.#entry = race.object('entry');
    this.#page = memory.pages.objectOf(this.#pfn);
    this.#counts = Array.from({ length: PINNERS }, (_, i) => race.object(`pins of pinner ${i}`));
    this.#strayed = race.object('DMA that strayed');
    memory.nrThreads = PINNERS;
    memory.giveToFile(this.#pfn, PGOFF);
    Atomics.store(memory.ptes, PGOFF, pteOf(this.#pfn, PTE_PRESENT | PTE_WRITE));
    for (const [i, count] of this.#counts.entries()) {
      const over = { over: [this.#page, count] };
      race.invariant(stressInvariants.freed, () => this.#assertNotFreed(i), over);
    }
    const over = { over: [this.#strayed] };
    race.invariant(stressInvariants.landing, () => this.#assertNoStray(), over);
  }

  async pinner(protocol: PinProtocol, thread: number): Promise<void> {
    const { sched } = this.#race;
    const count = this.#counts[thread]!;
    const out = new Uint32Array(FILE_PAGES);
    await sched.at(this.#entry, 'read');
    if (protocol.read(PGOFF, 1) === 0) return;
    await sched.at(count, 'write');
    if (protocol.raise(1) === 0) return;
    await sched.at(this.#entry, 'read');
    const got = protocol.recheck(PGOFF, 1, out);
    sched.touch(count, 'write'); // it is held from here on, or was put back
    if (got === 0) return;
    this.#holds[thread] = true;
    await sched.at(this.#page, 'read'); // each thread has words of its own in it
    this.#transfer(thread);
    await sched.at(count, 'write');
    this.#holds[thread] = false;
    protocol.unpin(out, 0, 1);
  }

  #transfer(thread: number): void {
    this.#memory.transfer(this.#pfn, thread, stampOf(PGOFF));
    if (this.#memory.isFilePage(this.#pfn, PGOFF)) return;
    this.#race.sched.touch(this.#strayed, 'write');
    this.#strays++;
  }

  /** One that leaves a busy page to the next. */
  async truncater(protocol: PinProtocol): Promise<void> {
    const { sched } = this.#race;
    await sched.at(this.#entry, 'write');
    const pfn = protocol.clear(PGOFF);
    await sched.at(this.#counts[0]!, 'read');
    for (const count of this.#counts) sched.touch(count, 'read');
    if (protocol.isBusy(pfn)) return;
    await sched.at(this.#page, 'write');
    this.#memory.giveToOther(pfn);
    this.#given = true;
  }

  assertNothingLeft(protocol: PinProtocol): void {
    assert.equal(protocol.pins(this.#pfn), 0);
  }

  #assertNotFreed(thread: number): void {
    const held = this.#holds[thread] === true;
    assert(!this.#given || !held, `pfn ${this.#pfn} is another file\u2019s, and pinned`);
  }

  #assertNoStray(): void {
    assert(this.#strays === 0, `a device wrote pfn ${this.#pfn}, which is another file\u2019s`);
  }
}

/** A scenario of threads, for the explorer. */
const inSteps = (of: StressScenario): Scenario => ({
  name: of.name,
  title: of.title,
  world: stepWorld(),
  body(race, world) {
    const memory = world as StressMemory;
    const steps = new Steps(race, memory);
    for (let i = 0; i < PINNERS; i++) {
      race.task(`pinner ${i}`, () => steps.pinner(of.protocol(memory, i), i));
    }
    const protocol = of.protocol(memory, PINNERS);
    race.task('truncater', () => steps.truncater(protocol));
    race.finish(stressInvariants.balance, () => steps.assertNothingLeft(protocol));
  },
});

const recheck = threadScenarioNamed('threads-missing-recheck');

/** Bugs of threads that the explorer finds too. */
export const threadBugs: readonly Planted[] = [
  {
    name: recheck.name,
    defect: recheck.defect!,
    finds: 'invariant',
    preemptions: 1,
    ground: 'threads',
    make: (broken) => inSteps(broken ? recheck : threadScenarioNamed(twinOf(recheck.name))),
  },
];

/** Scenarios of threads in which the explorer finds nothing, whatever is wrong with them. */
export const threadOnly: readonly Scenario[] = threadScenarios
  .filter(({ name }) => name !== recheck.name && name !== twinOf(recheck.name))
  .map(inSteps);
