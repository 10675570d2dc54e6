// The stage of a scenario and one run on it under one search: sets the stage, hands every choice to
// the search, judges after every step, and says how it ended.
//
//   SETUP --tasks start--> EXPLORED --all ended--> CLOSING (finish checks)
//     ^------------- put back (reset: 'restore') -------'
//
// In SETUP and CLOSING the first answer is always taken, and nothing of them is in a token.

import assert from 'node:assert/strict';
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
import { fieldsAreOpen, HeapSnapshot } from './heap-snapshot.js';
import type { Ground, InvariantOptions, Race, Scenario } from './scenario.js';
import type { RunRecord, Search } from './search.js';

/** Begins the labels of the objects that stand for judges. */
export const JUDGE = 'judge of ';
const DEFAULT_MAX_POINTS = 10_000;
/** The event loop that all of this runs in. */
const host = new Scheduler({ mode: 'live' });

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
  failures: Failure[] = [];
  choices: number[] = [];
  keys: number[] = [];
  readonly tasks: { readonly name: string; readonly fn: (task: Task) => Promise<void> }[] = [];
  readonly finishers: { name: string; check: (task: Task) => void | Promise<void> }[] = [];
  preemptions = 0;
  width = 1;
  outcomeOf: (() => string) | null = null;
  /** The task of the scenario that threw. */
  culprit = '';
  /** Given with keep(): put back with the world. */
  readonly kept: object[] = [];
  /** From begin() on; nothing is asked of it while the stage is set. */
  #search!: Search;
  #options: RunOptions = {};
  readonly #invariants: Invariant[] = [];
  #notes: string[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** A run begins under this search; the lists are its own, and stay with its record. */
  begin(search: Search, options: RunOptions): void {
    this.#search = search;
    this.#options = options;
    this.failures = [];
    this.choices = [];
    this.keys = [];
  }

  keep(...objects: object[]): void {
    this.kept.push(...objects);
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

/** Runs under way that want no stacks, and the limit as it was before the first of them. */
const quiet = { nrRuns: 0, limit: 0 };

/** No error has a stack until this is disposed of. Runs of two explorations may overlap. */
function withoutStacks(): Disposable {
  if (quiet.nrRuns++ === 0) quiet.limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  return {
    [Symbol.dispose]() {
      if (--quiet.nrRuns === 0) Error.stackTraceLimit = quiet.limit;
    },
  };
}

/** A set-up world, and the runs on it, one after the other. */
export class Stage {
  readonly #scenario: Scenario;
  readonly #run: Run;
  readonly #ground: Ground<unknown>;
  #snapshot: HeapSnapshot | null = null;
  #used = false;

  private constructor(scenario: Scenario, run: Run, ground: Ground<unknown>) {
    this.#scenario = scenario;
    this.#run = run;
    this.#ground = ground;
    run.sched = ground.sched;
  }

  /** Make the world. With reset 'restore' the body is run here, with 'rebuild' in run(). */
  static async make(scenario: Scenario): Promise<Stage> {
    const run = new Run(scenario.name);
    const ground = await groundOf(scenario, {
      mode: 'simulated',
      strategy: run,
      timers: scenario.timers,
      maxPoints: scenario.maxPoints ?? DEFAULT_MAX_POINTS,
    });
    const stage = new Stage(scenario, run, ground);
    if (scenario.reset === 'restore') await stage.#setUp();
    return stage;
  }

  /** Whether another run can follow on this stage. */
  get reusable(): boolean {
    return this.#snapshot !== null || !this.#used;
  }

  /** What stands in the way of that, where it was asked for; empty if nothing does. */
  unsound: readonly string[] = [];

  async #setUp(): Promise<void> {
    const { sched, world } = this.#ground;
    await sched.run(this.#scenario.name, async (task) => {
      await this.#body();
      await sched.clock.sleep(task, 0); // until the daemons that were woken wait again
    });
    const busy = sched.tasks.rewindDaemons();
    assert(busy.length === 0, `${this.#scenario.name}: ${busy.join(', ')} left over by the body`);
    if (!fieldsAreOpen) return;
    const roots = [this.#run, sched, ...(typeof world === 'object' && world ? [world] : [])];
    const snapshot = HeapSnapshot.take(roots, [this.#scenario]);
    this.unsound = snapshot.unsound;
    if (snapshot.unsound.length === 0) this.#snapshot = snapshot;
    else snapshot.release();
  }

  async #body(): Promise<void> {
    const { judge, world } = this.#ground;
    judge?.(this.#run);
    const set = this.#scenario.body(this.#run, world);
    if (set !== undefined) await set;
  }

  /**
   * Run the scenario once. Failures are in the record; what the body itself throws, and what shows
   * that runs do not repeat, is thrown.
   */
  async run(search: Search, options: RunOptions = {}): Promise<RunRecord> {
    assert(this.reusable, 'the stage was used');
    const run = this.#run;
    const { sched } = run;
    if (this.#used) this.#snapshot!.restore();
    this.#used = true;
    run.begin(search, options);
    options.onScheduler?.(sched);
    if (options.keepGoing === true) {
      sched.onTaskError = (task, error) => run.failures.push(runFailure(error, task.name, false));
    }
    let end: RunRecord['end'] | null = null;
    try {
      // Refusals are part of most schedules, and nobody reads their stacks but at a replay.
      using _quiet = options.onStep === undefined ? withoutStacks() : null;
      end = await this.#explored();
      return run.record(end);
    } finally {
      sched.abandon();
      // What a run that was broken off had under way ends in the microtask queue; nothing of it may
      // meet the next run. After a complete one nothing is under way.
      if (this.#snapshot !== null && end !== 'complete') await host.settle();
    }
  }

  async #explored(): Promise<RunRecord['end']> {
    const run = this.#run;
    const { sched } = run;
    const { name, maxPoints = DEFAULT_MAX_POINTS, reset } = this.#scenario;
    try {
      await sched.run(name, async () => {
        if (reset !== 'restore') await this.#body();
        run.start();
      });
    } catch (error) {
      if (error instanceof CutError) return 'cut';
      if (run.phase === 'setup' || error instanceof NondeterminismError) throw error;
      const spun = sched.nrPoints > maxPoints;
      run.failures.push(runFailure(error, run.culprit, spun));
      return 'failed';
    }
    if (run.finishers.length > 0 && run.failures.length === 0) await close(run);
    return run.failures.length > 0 ? 'failed' : 'complete';
  }

  async end(): Promise<void> {
    const strays = this.#snapshot?.strayFields() ?? [];
    this.#snapshot?.release();
    this.#ground.sched.abandon();
    await this.#ground.end();
    assert(strays.length === 0, `${this.#scenario.name}: ${strays.join(', ')}: not put back`);
  }
}

/** Run the scenario once, on a stage of its own. */
export async function runOnce(
  scenario: Scenario,
  search: Search,
  options: RunOptions = {},
): Promise<RunRecord> {
  const stage = await Stage.make(scenario);
  try {
    return await stage.run(search, options);
  } finally {
    await stage.end();
  }
}

/** A stage for every run: the last one again where that is possible. */
export class Stages {
  readonly #scenario: Scenario;
  #stage: Stage | null = null;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  async run(search: Search, options: RunOptions = {}): Promise<RunRecord> {
    this.#stage ??= await Stage.make(this.#scenario);
    try {
      return await this.#stage.run(search, options);
    } finally {
      if (!this.#stage.reusable) await this.end();
    }
  }

  async end(): Promise<void> {
    const stage = this.#stage;
    this.#stage = null;
    await stage?.end();
  }
}
