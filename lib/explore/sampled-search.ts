// Searches that sample: uniform random, and PCT.
//
// Random: at every choice each answer is equally likely. Guarantees nothing but that the same seed
// gives the same runs; finds what needs many switches.
//
// PCT (Burckhardt and others, 2010): tasks get random priorities, the highest that can run does,
// and at depth - 1 random choices the one on turn drops below all others. With n tasks and k
// choices a bug of depth d is found by one run with probability at least 1 / (n k^(d-1)), whatever
// the bug. n and k are the largest seen; runs longer than those before them make the bound smaller.

import { Prng, type Task } from '../sched/index.js';
import { counted, grouped, noStep, type RunRecord, type Search, type Stats } from './search.js';

abstract class Sampled implements Search {
  abstract readonly name: string;
  readonly wantsSteps = false;
  readonly bound = null;
  readonly samples = true;
  readonly step = noStep;
  protected readonly runs: number;
  protected begun = 0;

  constructor(runs: number) {
    this.runs = runs;
  }

  begin(): boolean {
    return this.begun++ < this.runs;
  }

  abstract choose(runnable: readonly Task[], current: Task | null, canAdvance: boolean): number;
  abstract coverage(stats: Stats): string;
  end(_record: RunRecord): void {}
}

export class RandomSearch extends Sampled {
  readonly name = 'random';
  readonly #seed: number;
  readonly #prng: Prng;

  constructor(seed: number, runs: number) {
    super(runs);
    this.#seed = seed;
    this.#prng = new Prng(seed);
  }

  choose(runnable: readonly Task[], _current: Task | null, canAdvance: boolean): number {
    return this.#prng.below(runnable.length + (canAdvance ? 1 : 0));
  }

  coverage({ schedules }: Stats): string {
    return `random, seed ${this.#seed}, ${counted(schedules, 'run')}: no bound on what is missed`;
  }
}

/** The clock's place among the priorities. */
const CLOCK = 0;

export class PCTSearch extends Sampled {
  readonly name = 'pct';
  readonly #depth: number;
  readonly #seed: number;
  readonly #prng: Prng;
  readonly #priorities = new Map<number, number>();
  #changes: number[] = [];
  #nrChoices = 0;
  #lowest = 0;
  #maxTasks = 1;
  /** The longest run so far; the first one measures. */
  #maxChoices = 1;

  constructor(depth: number, seed: number, runs: number) {
    super(runs);
    this.#depth = depth;
    this.#seed = seed;
    this.#prng = new Prng(seed);
  }

  override begin(): boolean {
    this.#priorities.clear();
    this.#nrChoices = 0;
    this.#lowest = 0;
    this.#changes = Array.from({ length: this.#depth - 1 }, () =>
      this.#prng.below(this.#maxChoices),
    );
    return super.begin();
  }

  choose(runnable: readonly Task[], current: Task | null, canAdvance: boolean): number {
    const now = this.#nrChoices++;
    if (current !== null && this.#changes.includes(now)) this.#drop(current.id);
    let best = 0;
    for (let i = 1; i < runnable.length; i++) {
      if (this.#priority(runnable[i]!.id) > this.#priority(runnable[best]!.id)) best = i;
    }
    if (canAdvance && this.#priority(CLOCK) > this.#priority(runnable[best]!.id)) {
      this.#drop(CLOCK); // the clock always can: it must not run for ever
      best = runnable.length;
    }
    return best;
  }

  override end(_record: RunRecord): void {
    this.#maxChoices = Math.max(this.#maxChoices, this.#nrChoices);
    this.#maxTasks = Math.max(this.#maxTasks, this.#priorities.size);
  }

  /** The probability that all these runs miss a bug of this depth is at most this. */
  missedAtMost(runs: number): number {
    const found = 1 / (this.#maxTasks * this.#maxChoices ** (this.#depth - 1));
    return (1 - found) ** runs;
  }

  coverage({ schedules }: Stats): string {
    const p = this.missedAtMost(schedules);
    const shown = p < 0.001 ? p.toExponential(1) : p.toPrecision(3);
    return (
      `PCT, depth ${this.#depth}, seed ${this.#seed}, ${grouped(schedules)} runs` +
      ` (${this.#maxTasks} tasks, ${this.#maxChoices} choices): a bug of that depth is missed` +
      ` with probability at most ${shown}`
    );
  }

  #drop(id: number): void {
    this.#priorities.set(id, --this.#lowest);
  }

  #priority(id: number): number {
    let priority = this.#priorities.get(id);
    if (priority === undefined) {
      priority = 1 + this.#prng.uint32();
      this.#priorities.set(id, priority);
    }
    return priority;
  }
}
