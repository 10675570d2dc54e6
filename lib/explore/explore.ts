// explore(): runs a scenario under one search until the search ends, a schedule fails, or the
// budget is spent, and says what was covered.
//
//   search.begin -> run -> [failure -> shrink -> token] -> search.end -> ...
//
// Between runs the host gets its turn now and then: timers, signals and a test runner go on.

import { RealClock, Scheduler } from '../sched/index.js';
import { NS_PER_SECOND, seconds } from '../units.js';
import { sameFailure, type Failure } from './failure.js';
import { Stages } from './stage.js';
import type { Scenario } from './scenario.js';
import type { RunRecord, Search } from './search.js';
import { shrink } from './shrink.js';
import { makeSearch, type StrategyName, type StrategyOptions } from './strategies.js';
import { encodeToken } from './token.js';

export interface Budget {
  readonly schedules?: number;
  readonly seconds?: number;
}

export interface ExploreOptions extends StrategyOptions {
  /** 'exhaustive' if not given. A search can be used once. */
  readonly strategy?: StrategyName | Search;
  readonly budget?: Budget;
  /** Go on after failures and collect the different ones; runs that fail go on to their end. */
  readonly keepGoing?: boolean;
  /** Make failing schedules light before they are told. True if not given. */
  readonly shrink?: boolean;
  readonly onProgress?: (schedules: number) => void;
}

/** A failure, with the schedule that shows it. */
export interface Finding extends Failure {
  readonly token: string;
  readonly choices: readonly number[];
  readonly preemptions: number;
  /** Scheduling points from the start to the failure. */
  readonly nrPoints: number;
}

export interface Exploration {
  readonly scenario: string;
  readonly strategy: string;
  /** The bound; null for a search that has none. */
  readonly preemptions: number | null;
  /** Runs to the end or to a failure. */
  readonly schedules: number;
  /** Runs that the search broke off because they led nowhere new. */
  readonly cut: number;
  /** The search ended by itself. */
  readonly complete: boolean;
  readonly seconds: number;
  readonly schedulesPerSecond: number;
  readonly pointsPerSchedule: number;
  /** The most choices in one run. */
  readonly depth: number;
  readonly failures: readonly Finding[];
  /** Every different end that the scenario named. */
  readonly outcomes: readonly string[];
  readonly coverage: string;
}

/** The host gets a turn after so much work. */
const TURN_NS = 20_000_000;
/** Runs between two looks at the clock. */
const LOOK_EVERY = 16;

class Explorer {
  readonly #scenario: Scenario;
  readonly #options: ExploreOptions;
  readonly #search: Search;
  readonly #stages: Stages;
  readonly #clock = new RealClock();
  readonly #host = new Scheduler({ mode: 'live' });
  readonly #outcomes = new Set<string>();
  readonly #findings: Finding[] = [];
  #schedules = 0;
  #cut = 0;
  #points = 0;
  #depth = 0;
  #turnNs = 0;

  constructor(scenario: Scenario, options: ExploreOptions) {
    const { strategy = 'exhaustive' } = options;
    this.#scenario = scenario;
    this.#stages = new Stages(scenario);
    this.#options = options;
    this.#search = typeof strategy === 'string' ? makeSearch(strategy, options) : strategy;
  }

  async run(): Promise<Exploration> {
    const search = this.#search;
    const runOptions = { keepGoing: this.#options.keepGoing === true };
    let ended = false;
    try {
      for (let runs = 1; ; runs++) {
        if (!search.begin()) {
          ended = true;
          break;
        }
        const record = await this.#stages.run(search, runOptions);
        search.end(record);
        this.#count(record);
        for (const failure of record.failures) await this.#found(failure, record);
        if (this.#findings.length > 0 && !runOptions.keepGoing) break;
        if (runs % LOOK_EVERY === 0 || this.#scenario.world !== undefined) {
          if (this.#clock.nowNs - this.#turnNs > TURN_NS) await this.#hostTurn();
        }
        if (this.#isSpent()) break;
      }
      return this.#report(ended);
    } finally {
      await this.#stages.end();
      await this.#scenario.world?.close?.();
    }
  }

  #count(record: RunRecord): void {
    this.#points += record.nrPoints;
    this.#depth = Math.max(this.#depth, record.choices.length);
    if (record.end === 'cut') this.#cut++;
    else this.#schedules++;
    if (record.outcome !== null) this.#outcomes.add(record.outcome);
  }

  async #found(failure: Failure, record: RunRecord): Promise<void> {
    if (this.#findings.some((finding) => sameFailure(finding, failure))) return;
    let failing = { failure, record };
    if (this.#options.shrink !== false) {
      const fewest = this.#search.bound !== null && this.#search.bound !== Infinity;
      failing = await shrink(this.#scenario, failing, { fewest });
    }
    const { choices, keys, preemptions, nrPoints } = failing.record;
    const token = encodeToken(this.#scenario.name, choices, keys);
    this.#findings.push({ ...failing.failure, token, choices, preemptions, nrPoints });
  }

  async #hostTurn(): Promise<void> {
    this.#options.onProgress?.(this.#schedules);
    await this.#host.settle();
    this.#turnNs = this.#clock.nowNs;
  }

  #isSpent(): boolean {
    const { schedules = Infinity, seconds: allowed = Infinity } = this.#options.budget ?? {};
    return this.#schedules >= schedules || (allowed < Infinity && this.#isLate(allowed));
  }

  /** The clock was looked at in the last turn of the host; that is exact enough. */
  #isLate(allowed: number): boolean {
    return this.#turnNs >= seconds(allowed);
  }

  #report(ended: boolean): Exploration {
    const took = Math.max(1, this.#clock.nowNs) / NS_PER_SECOND;
    const runs = this.#schedules + this.#cut;
    const stats = { schedules: this.#schedules, failures: this.#findings.length };
    return {
      scenario: this.#scenario.name,
      strategy: this.#search.name,
      preemptions: this.#search.bound,
      schedules: this.#schedules,
      cut: this.#cut,
      complete: ended && !this.#search.samples,
      seconds: took,
      schedulesPerSecond: runs / took,
      pointsPerSchedule: this.#points / Math.max(1, runs),
      depth: this.#depth,
      failures: this.#findings,
      outcomes: [...this.#outcomes].sort(),
      coverage: this.#search.coverage(stats, ended),
    };
  }
}

/** Explore the schedules of a scenario. What its body throws is thrown: that is no finding. */
export function explore(scenario: Scenario, options: ExploreOptions = {}): Promise<Exploration> {
  return new Explorer(scenario, options).run();
}
