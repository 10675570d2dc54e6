// One run of a scenario under one search: sets the stage, hands every choice to the search, judges
// after every step, and says how it ended.
//
//   SETUP --tasks start--> EXPLORED --all ended--> CLOSING (finish checks)
//
// In SETUP and CLOSING the first answer is always taken, and nothing of them is in a token.

import {
  type Access,
  choiceKey,
  type ObjectId,
  Scheduler,
  type SimulatedOptions,
  type Step,
  type Strategy,
  type Task,
} from '../sched/index.js';
import {
  BrokenError,
  checkFailure,
  CutError,
  type Failure,
  NondeterminismError,
  runFailure,
} from './failure.js';
import type { Ground, InvariantOptions, Race, Scenario } from './scenario.js';
import type { RunRecord, Search } from './search.js';

/** Begins the labels of the objects that stand for judges. */
export const JUDGE = 'judge of ';
const DEFAULT_MAX_POINTS = 10_000;

export interface RunOptions {
  /** Go on after a failure, so that a reduction sees whole runs. */
  readonly keepGoing?: boolean;
  /** Hears every explored step, after the checks, with what was noted in it. */
  readonly onStep?: (step: Step, notes: readonly string[]) => void;
  /** Hears of the scheduler before anything runs on it. */
  readonly onScheduler?: (sched: Scheduler) => void;
}

interface Invariant {
  readonly name: string;
  readonly check: () => void;
  readonly judge: ObjectId;
  readonly over: ReadonlySet<ObjectId> | null;
  broken: boolean;
}

class Run implements Race, Strategy {
  readonly name: string;
  sched!: Scheduler;
  phase: 'setup' | 'explored' | 'closing' = 'setup';
  readonly failures: Failure[] = [];
  readonly choices: number[] = [];
  readonly keys: number[] = [];
  readonly tasks: { readonly name: string; readonly fn: (task: Task) => Promise<void> }[] = [];
  readonly finishers: { name: string; check: (task: Task) => void | Promise<void> }[] = [];
  preemptions = 0;
  width = 1;
  outcomeOf: (() => string) | null = null;
  /** The task of the scenario that threw. */
  culprit = '';
  readonly #search: Search;
  readonly #options: RunOptions;
  readonly #invariants: Invariant[] = [];
  #notes: string[] = [];

  constructor(search: Search, options: RunOptions) {
    this.name = search.name;
    this.#search = search;
    this.#options = options;
  }

  choose(runnable: readonly Task[], current: Task | null, canAdvance: boolean): number {
    if (this.phase !== 'explored') return 0;
    const choice = this.#search.choose(runnable, current, canAdvance);
    this.choices.push(choice);
    this.keys.push(choiceKey(runnable, canAdvance));
    const width = runnable.length + (canAdvance ? 1 : 0);
    if (width > this.width) this.width = width;
    if (choice > 0 && (current !== null || choice === runnable.length)) this.preemptions++;
    return choice;
  }

  task(name: string, fn: (task: Task) => Promise<void>): void {
    this.tasks.push({ name, fn });
  }

  invariant(name: string, check: () => void, opts: InvariantOptions = {}): void {
    const judge = this.sched.newObject(`${JUDGE}${name}`);
    const over = opts.over === undefined ? null : new Set(opts.over);
    this.#invariants.push({ name, check, judge, over, broken: false });
  }

  finish(name: string, check: (task: Task) => void | Promise<void>): void {
    this.finishers.push({ name, check });
  }

  outcome(value: () => string): void {
    this.outcomeOf = value;
  }

  note(text: string): void {
    if (this.#options.onStep !== undefined) this.#notes.push(text);
  }

  object(label: string): ObjectId {
    return this.sched.newObject(label);
  }

  at(object: ObjectId, access: Access = 'write'): Promise<void> | undefined {
    return this.sched.at(object, access);
  }

  /** The tasks start here, inside the body's task. */
  start(): void {
    const { wantsSteps } = this.#search;
    const watched = wantsSteps || this.#invariants.length > 0 || this.#options.onStep !== undefined;
    if (watched) this.sched.onStep = (step) => this.#stepEnded(step);
    this.phase = 'explored';
    for (const { name, fn } of this.tasks) this.sched.spawn(name, (task) => this.#body(task, fn));
  }

  async #body(task: Task, fn: (task: Task) => Promise<void>): Promise<void> {
    try {
      await fn(task);
    } catch (error) {
      this.culprit = task.name;
      throw error;
    }
  }

  #stepEnded(step: Step): void {
    if (this.phase !== 'explored') return;
    for (const invariant of this.#invariants) this.#judge(invariant, step);
    if (this.#search.wantsSteps) this.#search.step(step);
    this.#options.onStep?.(step, this.#notes);
    if (this.#notes.length > 0) this.#notes = [];
  }

  #judge(invariant: Invariant, step: Step): void {
    const { over, judge, name } = invariant;
    const concerned =
      over === null ? step.writes.length > 0 : step.writes.some((id) => over.has(id));
    if (!concerned) return;
    // The judge reads several objects: whatever writes one of them writes the judge.
    (step.writes as ObjectId[]).push(judge);
    if (invariant.broken) return;
    try {
      invariant.check();
    } catch (error) {
      invariant.broken = true;
      const failure = checkFailure('invariant', name, error, step.taskName);
      if (this.#options.keepGoing !== true) {
        this.#options.onStep?.(step, this.#notes);
        throw new BrokenError(failure);
      }
      this.failures.push(failure);
    }
  }

  record(end: RunRecord['end']): RunRecord {
    const { failures, choices, keys, preemptions, width, sched } = this;
    const outcome = end === 'complete' ? (this.outcomeOf?.() ?? null) : null;
    const { nrPoints } = sched;
    return { end, failures, choices, keys, preemptions, nrPoints, width, outcome };
  }
}

async function groundOf(scenario: Scenario, options: SimulatedOptions): Promise<Ground<unknown>> {
  if (scenario.world !== undefined) return scenario.world.make(options);
  return { sched: new Scheduler(options), world: undefined, end: () => {} };
}

async function close(run: Run): Promise<void> {
  run.phase = 'closing';
  for (const { name, check } of run.finishers) {
    try {
      await run.sched.run(`finish ${name}`, async (task) => check(task));
    } catch (error) {
      run.failures.push(checkFailure('leak', name, error, ''));
      return;
    }
  }
}

async function explored(
  run: Run,
  scenario: Scenario,
  { world, judge }: Ground<unknown>,
): Promise<RunRecord['end']> {
  const { sched } = run;
  try {
    await sched.run(scenario.name, async () => {
      judge?.(run);
      const set = scenario.body(run, world);
      if (set !== undefined) await set;
      run.start();
    });
  } catch (error) {
    if (error instanceof CutError) return 'cut';
    if (run.phase === 'setup' || error instanceof NondeterminismError) throw error;
    const spun = sched.nrPoints > (scenario.maxPoints ?? DEFAULT_MAX_POINTS);
    run.failures.push(runFailure(error, run.culprit, spun));
    return 'failed';
  }
  if (run.finishers.length > 0 && run.failures.length === 0) await close(run);
  return run.failures.length > 0 ? 'failed' : 'complete';
}

/**
 * Run the scenario once. Failures are in the record; what the body itself throws, and what shows
 * that runs do not repeat, is thrown.
 */
export async function runOnce(
  scenario: Scenario,
  search: Search,
  options: RunOptions = {},
): Promise<RunRecord> {
  const run = new Run(search, options);
  const made = groundOf(scenario, {
    mode: 'simulated',
    strategy: run,
    timers: scenario.timers,
    maxPoints: scenario.maxPoints ?? DEFAULT_MAX_POINTS,
  });
  const ground = await made;
  run.sched = ground.sched;
  options.onScheduler?.(ground.sched);
  if (options.keepGoing === true) {
    run.sched.onTaskError = (task, error) => run.failures.push(runFailure(error, task.name, false));
  }
  try {
    return run.record(await explored(run, scenario, ground));
  } finally {
    ground.sched.abandon();
    await ground.end();
  }
}
