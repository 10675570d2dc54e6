// A pool of processes that measure cells: one per core, each with a device file of its own.
//
//   parent --{index, cell}--> child        child --{index, verdict | failure}--> parent
//
// A child that dies takes its cell with it; that is a failure of the lab, not a verdict.

import { type ChildProcess, fork } from 'node:child_process';
import type { Cell, CellVerdict } from './cell.js';
import { measureCell, type MeasureOptions } from './measure.js';
import { policyOf } from './user-policy.js';

export interface PoolOptions extends MeasureOptions {
  /** Fewer schedules for each cell rather than take longer; Infinity: as many as were asked for. */
  readonly seconds: number;
  /** Seconds since the lab began. */
  readonly elapsed: () => number;
  readonly processes: number;
  /** What to start a child with: a script and its arguments; it calls serveCells(). */
  readonly script: string;
  readonly args: readonly string[];
  /** Cells in the order in which they came to an end. */
  onVerdict(verdict: CellVerdict, index: number): void;
}

interface Job {
  readonly index: number;
  readonly cell: Cell;
  readonly options: MeasureOptions;
}

type Answer =
  | { readonly index: number; readonly verdict: CellVerdict }
  | { readonly index: number; readonly failure: string };

/** Schedules of a cell that pins, however late it is; and before any rate is known. */
const fewest = 2;
const atFirst = 20;
/** Cells that tell the rate. */
const warmUp = 8;

const tooMuch = 'the lab failed';

async function answer({ index, cell, options }: Job): Promise<Answer> {
  try {
    const policy = await policyOf(cell.policy);
    return { index, verdict: await measureCell(cell, policy, options) };
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

class Pool {
  readonly #cells: readonly Cell[];
  readonly #options: PoolOptions;
  readonly #children: ChildProcess[] = [];
  #next = 0;
  #left: number;
  /** Schedules so far, and cells that had more than one. */
  #schedules = 0;
  #raced = 0;
  #settle!: { done(): void; fail(error: Error): void };

  constructor(cells: readonly Cell[], options: PoolOptions) {
    this.#cells = cells;
    this.#options = options;
    this.#left = cells.length;
  }

  async run(): Promise<void> {
    if (this.#left === 0) return;
    const over = new Promise<void>((done, fail) => (this.#settle = { done, fail }));
    const { processes, script, args } = this.#options;
    for (let i = 0; i < processes; i++) {
      const child = fork(script, args, { execArgv: process.execArgv, serialization: 'advanced' });
      child.on('message', (a: Answer) => this.#answered(child, i, a));
      child.on('exit', (code) => this.#exited(code));
      this.#children.push(child);
      this.#give(child, i);
    }
    try {
      await over;
    } finally {
      for (const child of this.#children) if (child.connected) child.disconnect();
    }
  }

  #give(child: ChildProcess, i: number): void {
    const index = this.#next++;
    const cell = this.#cells[index];
    if (cell === undefined) return;
    const { exhaustive, live, device } = this.#options;
    const schedules = this.#affordable();
    const options = { schedules, exhaustive, live, device: `${device}${i}.img` };
    child.send({ index, cell, options } satisfies Job);
  }

  /** Schedules for the next cell, if the rest is to be over in time at the rate so far. */
  #affordable(): number {
    const { schedules, seconds, elapsed } = this.#options;
    if (seconds === Infinity) return schedules;
    if (this.#raced < warmUp) return Math.min(schedules, atFirst);
    const done = this.#cells.length - this.#left;
    const toRace = Math.max(1, (this.#left * this.#raced) / done);
    const rate = this.#schedules / elapsed();
    const share = Math.floor(((seconds - elapsed()) * rate) / toRace);
    return Math.max(fewest, Math.min(schedules, share));
  }

  #answered(child: ChildProcess, i: number, a: Answer): void {
    if ('failure' in a) {
      const c = this.#cells[a.index]!;
      const name = `${c.policy}/${c.driver}/${c.behaviour}/${c.operation}`;
      return this.#settle.fail(new Error(`${tooMuch} at ${name}: ${a.failure}`));
    }
    this.#schedules += a.verdict.schedules;
    if (a.verdict.schedules > 1) this.#raced++;
    this.#options.onVerdict(a.verdict, a.index);
    if (--this.#left === 0) this.#settle.done();
    else this.#give(child, i);
  }

  #exited(code: number | null): void {
    if (this.#left > 0) this.#settle.fail(new Error(`${tooMuch}: a process ended with ${code}`));
  }
}

/** Measure every cell. Rejects with the first failure of the lab itself. */
export const measureAll = (cells: readonly Cell[], options: PoolOptions): Promise<void> =>
  new Pool(cells, options).run();
