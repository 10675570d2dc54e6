// The stage of a scenario: a world that is set up, and the runs on it, one after the other.
//
//   SET UP --run()--> USED --put back (reset: 'restore')--> run() ...
//                       `--otherwise: a new stage for the next run
//
// With reset 'restore' the body sets the stage once, before the first run; else it is a part of
// every run.

import assert from 'node:assert/strict';
import { Scheduler, type SimulatedOptions } from '../sched/index.js';
import { checkFailure, CutError, NondeterminismError, runFailure } from './failure.js';
import { fieldsAreOpen, HeapSnapshot } from './heap-snapshot.js';
import { Run, type RunOptions } from './run.js';
import type { Ground, Scenario } from './scenario.js';
import type { RunRecord, Search } from './search.js';

const DEFAULT_MAX_POINTS = 10_000;
/** The event loop that all of this runs in. */
const host = new Scheduler({ mode: 'live' });

async function groundOf(scenario: Scenario, options: SimulatedOptions): Promise<Ground<unknown>> {
  if (scenario.world !== undefined) return scenario.world.make(options);
  return { sched: new Scheduler(options), world: undefined, end: () => {} };
}

async function close(run: Run): Promise<void> {
  run.close();
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

/** No error has a stack from here to the call of stacksAgain(). Two explorations may overlap. */
function withoutStacks(): void {
  if (quiet.nrRuns++ === 0) quiet.limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
}

function stacksAgain(): void {
  if (--quiet.nrRuns === 0) Error.stackTraceLimit = quiet.limit;
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
    // Refusals are part of most schedules, and nobody reads their stacks but at a replay.
    const isQuiet = options.onStep === undefined;
    if (isQuiet) withoutStacks();
    try {
      end = await this.#explored();
      return run.record(end);
    } finally {
      if (isQuiet) stacksAgain();
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
