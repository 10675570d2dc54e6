// What spawn() returns: the task, and two ways to learn how it ended. Inside the emulated kernel
// a task join()s another; outside code awaits the promise.

import assert from 'node:assert/strict';
import type { Scheduler } from './scheduler.js';
import type { Task, WaitMode } from './task.js';
import { WaitQueue } from './wait-queue.js';

/** How a task's function ended. */
export type Outcome<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

export class TaskHandle<T> {
  readonly task: Task;
  readonly #sched: Scheduler;
  /** Made when somebody asks: most tasks end unheard, and an exploration starts millions. */
  #promise: Promise<T> | null = null;
  #settle: ((outcome: Outcome<T>) => void) | null = null;
  #outcome: Outcome<T> | null = null;
  #joiners: WaitQueue | null = null;
  #joined = false;
  #watchedFromOutside = false;

  constructor(sched: Scheduler, task: Task) {
    this.#sched = sched;
    this.task = task;
  }

  /** How the task ends. For outside code only: inside a turn this is a foreign await. */
  get promise(): Promise<T> {
    this.#watchedFromOutside = true;
    this.#promise ??= this.#makePromise();
    return this.#promise;
  }

  #makePromise(): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const settle = (outcome: Outcome<T>): void => {
        if (outcome.ok) resolve(outcome.value);
        else reject(outcome.error as Error);
      };
      if (this.#outcome === null) this.#settle = settle;
      else settle(this.#outcome);
    });
  }

  /** Outside code goes on when this task ends, and gets to run before the next turn. */
  get watchedFromOutside(): boolean {
    return this.#watchedFromOutside;
  }

  /** Whether somebody will hear of an error. */
  get observed(): boolean {
    return this.#watchedFromOutside || this.#joined;
  }

  /** Block waiter until the task has ended; its value, or its error. EINTR as the mode says. */
  async join(waiter: Task, mode: WaitMode = 'uninterruptible'): Promise<T> {
    this.#joined = true;
    if (this.task.state !== 'done') {
      this.#joiners ??= new WaitQueue(this.#sched, `end of task ${this.task.name}`);
      await this.#joiners.waitEvent(waiter, () => this.task.state === 'done', {
        mode,
        why: this.#joiners.label,
        holders: () => [this.task],
      });
    }
    const outcome = this.#outcome;
    if (outcome === null) assert.fail(`task ${this.task.name} is done`);
    if (!outcome.ok) throw outcome.error;
    return outcome.value;
  }

  /** Scheduler only: run the body. */
  start(fn: (task: Task) => Promise<T>, ended: (outcome: Outcome<T>) => void): void {
    const { task } = this;
    let body: Promise<T>;
    try {
      body = fn(task);
    } catch (error) {
      body = Promise.reject(error as Error);
    }
    body.then(
      (value) => {
        const error = leakedLocks(task);
        ended(error === null ? { ok: true, value } : { ok: false, error });
      },
      (error: unknown) => ended({ ok: false, error }),
    );
  }

  /** Scheduler only. handled: an error is reported elsewhere; else it is an unhandled rejection. */
  end(outcome: Outcome<T>, handled: boolean): void {
    this.#outcome = outcome;
    this.task.markDone();
    if (handled) this.#promise?.catch(() => {});
    if (this.#settle !== null) this.#settle(outcome);
    else if (!outcome.ok && !handled && !this.#joined) void Promise.reject(outcome.error as Error);
    this.#joiners?.wakeAll();
  }
}

/** A lock still held when a task succeeds is a mistake of the task. */
function leakedLocks(task: Task): Error | null {
  if (task.held.length === 0) return null;
  const labels = task.held.map(({ lock }) => lock.label).join(', ');
  return new assert.AssertionError({ message: `task ${task.name} ended holding ${labels}` });
}

/** Run fn on a task that nobody else will ever look for: a system call of a live machine. */
export async function runLive<T>(task: Task, fn: (task: Task) => Promise<T>): Promise<T> {
  try {
    const value = await fn(task);
    const error = leakedLocks(task);
    if (error !== null) throw error;
    return value;
  } finally {
    task.markDone();
  }
}
