// A pool of processes that measure cells: one per core, each with device files of its own.
//
//   parent --{index, cell, kind}--> child      child --{index, verdict | live | failure}--> parent
//
//   schedules   every cell, those that pin with as many schedules as there is time for
//   more        those that had few because nobody knew how fast it goes, as long as there is time
//   live        each cell that pins, several at once: their time is real, and mostly waited for
//
// A child that dies takes its cell with it; that is a failure of the lab, not a verdict.

import { type ChildProcess, fork } from 'node:child_process';
import { Budget } from './budget.js';
import { type Cell, cellName, type CellVerdict, type LiveEnding } from './cell.js';
import { playLive } from './live.js';
import { isToBePlayed, measureSchedules, withLive, withoutLive } from './measure.js';
import type { SearchOptions } from './search-cell.js';
import { policyOf } from './user-policy.js';

export interface PoolOptions {
  /** Of each cell that pins, and no limit at all. */
  readonly schedules: number;
  readonly exhaustive: boolean;
  /** Play the cells live as well. */
  readonly live: boolean;
  /** Where device files begin. */
  readonly device: string;
  /** Fewer schedules for each cell rather than take longer; Infinity: as many as were asked for. */
  readonly seconds: number;
  /** Seconds since the lab began. */
  readonly elapsed: () => number;
  readonly processes: number;
  /** What to start a child with: a script and its arguments; it calls serveCells(). */
  readonly script: string;
  readonly args: readonly string[];
  /** A cell's schedules were run: again, if there was time for more. picture: PictureData. */
  onVerdict(verdict: CellVerdict, index: number, picture: string): void;
  onLive(done: number, of: number): void;
}

type Job = { readonly index: number; readonly cell: Cell } & (
  | { readonly kind: 'schedules'; readonly options: SearchOptions }
  | { readonly kind: 'live'; readonly device: string }
);

type Answer = { readonly index: number } & (
  | { readonly verdict: CellVerdict; readonly picture: string; readonly seconds: number }
  | { readonly live: LiveEnding }
  | { readonly failure: string }
);

/** Live plays that one process has under way. */
const liveAtOnce = 8;

const tooMuch = 'the lab failed';

async function answer(job: Job): Promise<Answer> {
  const { index, cell } = job;
  try {
    const policy = await policyOf(cell.policy);
    if (job.kind === 'live') return { index, live: await playLive(cell, policy, job.device) };
    const before = process.cpuUsage();
    const { verdict, picture } = await measureSchedules(cell, policy, job.options);
    const { user, system } = process.cpuUsage(before);
    const seconds = (user + system) / 1e6;
    return { index, verdict, picture: JSON.stringify(picture), seconds };
  } catch (e) {
    return { index, failure: e instanceof Error ? (e.stack ?? e.message) : String(e) };
  }
}

/** The child's side: measure what comes until the parent goes away. */
export function serveCells(): void {
  process.on('message', (job: Job) => {
    void answer(job).then((a) => process.send?.(a));
  });
  process.on('disconnect', () => process.exit(0));
}

interface Child {
  readonly process: ChildProcess;
  readonly device: string;
  underWay: number;
}

class Pool {
  readonly #cells: readonly Cell[];
  readonly #options: PoolOptions;
  readonly #budget: Budget;
  readonly #children: Child[] = [];
  readonly #verdicts: CellVerdict[] = [];
  /** What is still to be given out, and what becomes of an answer. */
  #next: (child: Child) => Job | null = () => null;
  #take: (answer: Answer) => void = () => {};
  #settle!: { done(): void; fail(error: Error): void };
  #over = false;

  constructor(cells: readonly Cell[], options: PoolOptions) {
    this.#cells = cells;
    this.#options = options;
    this.#budget = new Budget(cells, options);
  }

  async run(): Promise<readonly CellVerdict[]> {
    const { processes, script, args, device } = this.#options;
    for (let i = 0; i < processes; i++) {
      const child = fork(script, args, { execArgv: process.execArgv, serialization: 'advanced' });
      const own = { process: child, device: `${device}${i}`, underWay: 0 };
      child.on('message', (a: Answer) => this.#answered(own, a));
      child.on('exit', (code) => this.#exited(code));
      this.#children.push(own);
    }
    try {
      await this.#phase(1, this.#searches(this.#cells.keys()));
      await this.#phase(1, this.#more());
      if (this.#options.live) await this.#phase(liveAtOnce, this.#lives());
      return this.#verdicts.map(withoutLive);
    } finally {
      this.#over = true;
      for (const { process: child } of this.#children) if (child.connected) child.disconnect();
    }
  }

  /** Give out jobs until there are none, so many to a child at once. */
  #phase(atOnce: number, jobs: { next(child: Child): Job | null; take(a: Answer): void }) {
    return new Promise<void>((done, fail) => {
      this.#settle = { done, fail };
      this.#next = (child) => jobs.next(child);
      this.#take = (a) => jobs.take(a);
      for (let i = 0; i < atOnce; i++) for (const child of this.#children) this.#give(child);
      this.#ended();
    });
  }

  #ended(): void {
    if (this.#children.every(({ underWay }) => underWay === 0)) this.#settle.done();
  }

  #give(child: Child): void {
    const job = this.#next(child);
    if (job === null) return;
    child.underWay++;
    child.process.send(job);
  }

  #searches(indices: Iterator<number>) {
    const { exhaustive } = this.#options;
    const next = ({ device }: Child): Job | null => {
      const { value: index, done } = indices.next();
      if (done === true) return null;
      const cell = this.#cells[index]!;
      const schedules = this.#budget.schedulesFor(index);
      const options = { schedules, exhaustive, device: `${device}.img` };
      return { kind: 'schedules', index, cell, options };
    };
    const take = (a: Answer): void => {
      if (!('verdict' in a)) return;
      this.#budget.spent(a.index, a.verdict, a.seconds);
      const before = this.#verdicts[a.index];
      const worse = !a.verdict.complete && before && before.schedules >= a.verdict.schedules;
      if (worse === true) return;
      this.#verdicts[a.index] = a.verdict;
      this.#options.onVerdict(a.verdict, a.index, a.picture);
    };
    return { next, take };
  }

  /** Cells that had fewer schedules than others could be given since, the poorest first. */
  #more() {
    const { budget, verdicts } = { budget: this.#budget, verdicts: this.#verdicts };
    function* poorest(): Generator<number> {
      const order = [...verdicts.keys()].sort(
        (a, b) => verdicts[a]!.schedules - verdicts[b]!.schedules,
      );
      for (const index of order) if (budget.isWorthMore(index, verdicts[index]!)) yield index;
    }
    return this.#searches(poorest());
  }

  #lives() {
    const waiting = [...this.#verdicts.keys()].filter((i) => isToBePlayed(this.#verdicts[i]!));
    const of = waiting.length;
    let done = 0;
    const next = ({ device }: Child): Job | null => {
      const index = waiting.shift();
      if (index === undefined) return null;
      const cell = this.#cells[index]!;
      return { kind: 'live', index, cell, device: `${device}-live-${index}.img` };
    };
    const take = (a: Answer): void => {
      if (!('live' in a)) return;
      this.#verdicts[a.index] = withLive(this.#verdicts[a.index]!, a.live);
      this.#options.onLive(++done, of);
    };
    return { next, take };
  }

  #answered(child: Child, a: Answer): void {
    child.underWay--;
    if ('failure' in a) {
      const name = cellName(this.#cells[a.index]!);
      return this.#settle.fail(new Error(`${tooMuch} at ${name}: ${a.failure}`));
    }
    this.#take(a);
    this.#give(child);
    this.#ended();
  }

  #exited(code: number | null): void {
    if (!this.#over) this.#settle.fail(new Error(`${tooMuch}: a process ended with ${code}`));
  }
}

/** Measure every cell, in the order given. Rejects with the first failure of the lab itself. */
export const measureAll = (
  cells: readonly Cell[],
  options: PoolOptions,
): Promise<readonly CellVerdict[]> => new Pool(cells, options).run();
