// Shrinking: from a schedule that fails to one that fails alike with less.
//
// Less is fewer preemptions, then fewer answers that are not 0, then a shorter list. Each round
// tries to forget halves, quarters ... single ones of the answers that are not 0; what still fails
// alike is kept. In the end no single answer can be forgotten or made smaller. What came of a
// sample is then looked for by rising preemptions, as far as the runs go; what came of an iterated
// bound already has the fewest.

import { BoundedSearch } from './bounded-search.js';
import { type Failure, sameFailure } from './failure.js';
import { ReplaySearch } from './replay-search.js';
import { Stages } from './stage.js';
import type { Scenario } from './scenario.js';
import type { RunRecord } from './search.js';
import { trimmed } from './token.js';

/** A schedule that fails. */
export interface Failing {
  readonly failure: Failure;
  readonly record: RunRecord;
}

export interface ShrinkOptions {
  /** Runs to spend. 2,000 if not given. */
  readonly runs?: number;
  /** The schedule has the fewest preemptions already, as a bounded search finds it. */
  readonly fewest?: boolean;
}

type Weight = readonly [preemptions: number, answers: number, length: number];

function weightOf({ preemptions, choices }: RunRecord): Weight {
  const answers = choices.reduce((sum, choice) => sum + choice, 0);
  return [preemptions, answers, trimmed(choices).length];
}

function lighter(a: Weight, b: Weight): boolean {
  const at = a.findIndex((n, i) => n !== b[i]);
  return at >= 0 && a[at]! < b[at]!;
}

class Shrinker {
  best: Failing;
  readonly #stages: Stages;
  #left: number;

  constructor(scenario: Scenario, failing: Failing, runs: number) {
    this.#stages = new Stages(scenario);
    this.best = failing;
    this.#left = runs;
  }

  end(): Promise<void> {
    return this.#stages.end();
  }

  async run(): Promise<void> {
    for (let better = true; better;) {
      better = await this.#forgetMany();
      better = (await this.#changeOne()) || better;
    }
  }

  /** The first failure alike that a search by rising preemptions meets, if it is lighter. */
  async fewer(): Promise<void> {
    const { preemptions } = this.best.record;
    if (preemptions < 2) return;
    const search = new BoundedSearch({ preemptions: preemptions - 1, cache: true });
    while (this.#left-- > 0 && search.begin()) {
      const record = await this.#stages.run(search);
      search.end(record);
      if (this.#take(record)) return;
    }
  }

  /** Where answers that are not 0 stand. */
  #places(): number[] {
    const { choices } = this.best.record;
    return [...choices.keys()].filter((i) => choices[i] !== 0);
  }

  async #forgetMany(): Promise<boolean> {
    let better = false;
    for (let size = Math.ceil(this.#places().length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let from = 0; from < this.#places().length;) {
        const gone = new Set(this.#places().slice(from, from + size));
        const choices = this.best.record.choices.map((c, i) => (gone.has(i) ? 0 : c));
        if (await this.#try(choices)) better = true;
        else from += size;
      }
    }
    return better;
  }

  /** A smaller answer at one place, or the rest of the schedule one choice earlier. */
  async #changeOne(): Promise<boolean> {
    for (const place of this.#places()) {
      const { choices } = this.best.record;
      const value = choices[place]!;
      const candidates: number[][] = [];
      for (let other = 1; other < value; other++) candidates.push(choices.with(place, other));
      candidates.push(choices.slice(0, place).concat(choices.slice(place + 1)));
      for (const candidate of candidates) if (await this.#try(candidate)) return true;
    }
    return false;
  }

  async #try(choices: readonly number[]): Promise<boolean> {
    if (this.#left-- <= 0) return false;
    const search = new ReplaySearch(choices);
    search.begin();
    return this.#take(await this.#stages.run(search));
  }

  #take(record: RunRecord): boolean {
    const failure = record.failures[0];
    if (failure === undefined || !sameFailure(failure, this.best.failure)) return false;
    if (!lighter(weightOf(record), weightOf(this.best.record))) return false;
    this.best = { failure, record };
    return true;
  }
}

/** The lightest schedule found that fails as this one does. */
export async function shrink(
  scenario: Scenario,
  failing: Failing,
  options: ShrinkOptions = {},
): Promise<Failing> {
  const shrinker = new Shrinker(scenario, failing, options.runs ?? 2_000);
  try {
    await shrinker.run();
    if (options.fewest !== true) await shrinker.fewer();
    return shrinker.best;
  } finally {
    await shrinker.end();
  }
}
