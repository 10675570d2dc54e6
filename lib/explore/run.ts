// One run of a scenario under one search: hands every choice to it, judges after every step, and
// keeps what is said of the run.
//
//   SETUP --start()--> EXPLORED --all tasks ended--> CLOSING (finish checks)
//
// In SETUP and CLOSING the first answer is always taken, and nothing of them is in a token.

import {
  type Access,
  type ObjectId,
  type Scheduler,
  type Step,
  type Strategy,
  type Task,
} from '../sched/index.js';
import { BrokenError, checkFailure, type Failure } from './failure.js';
import type { InvariantOptions, Race } from './scenario.js';
import type { RunRecord, Search } from './search.js';

/** Begins the labels of the objects that stand for judges. */
export const JUDGE = 'judge of ';

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

function meets(ids: readonly ObjectId[], over: ReadonlySet<ObjectId>): boolean {
  for (let i = 0; i < ids.length; i++) if (over.has(ids[i]!)) return true;
  return false;
}

export class Run implements Race, Strategy {
  readonly name: string;
  sched!: Scheduler;
  phase: 'setup' | 'explored' | 'closing' = 'setup';
  failures: Failure[] = [];
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
  /** Where the choices of the tasks begin and end among all that the scheduler made. */
  #first = 0;
  #end = Infinity;

  constructor(name: string) {
    this.name = name;
  }

  /** A run begins under this search; the list is its own, and stays with its record. */
  begin(search: Search, options: RunOptions): void {
    this.#search = search;
    this.#options = options;
    this.failures = [];
  }

  keep(...objects: object[]): void {
    this.kept.push(...objects);
  }

  choose(runnable: readonly Task[], current: Task | null, canAdvance: boolean): number {
    if (this.phase !== 'explored') return 0;
    const choice = this.#search.choose(runnable, current, canAdvance);
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
    this.#first = this.sched.choices.length;
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
    if (!(over === null ? step.writes.length > 0 : meets(step.writes, over))) return;
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

  /** All tasks have ended. */
  close(): void {
    this.#end = this.sched.choices.length;
    this.phase = 'closing';
  }

  record(end: RunRecord['end']): RunRecord {
    const { failures, preemptions, width, sched } = this;
    // Copies: the scheduler's own lists are put back for the next run.
    const choices = sched.choices.slice(this.#first, this.#end);
    const keys = sched.choiceKeys.slice(this.#first, this.#end);
    const outcome = end === 'complete' ? (this.outcomeOf?.() ?? null) : null;
    const { nrPoints } = sched;
    return { end, failures, choices, keys, preemptions, nrPoints, width, outcome };
  }
}
