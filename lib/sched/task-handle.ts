// What spawn() returns: the task, and two ways to learn how it ended. Inside the emulated kernel
// a task join()s another; outside code awaits the promise.

import type { Scheduler } from './scheduler.js';
import type { Task, WaitMode } from './task.js';
import { WaitQueue } from './wait-queue.js';

export class TaskHandle<T> {
  readonly task: Task;
  readonly #sched: Scheduler;
  readonly #promise: Promise<T>;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;
  #joiners: WaitQueue | null = null;
  #joined = false;
  #watchedFromOutside = false;

  constructor(sched: Scheduler, task: Task) {
    this.#sched = sched;
    this.task = task;
    this.#promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** How the task ends. For outside code only: inside a turn this is a foreign await. */
  get promise(): Promise<T> {
    this.#watchedFromOutside = true;
    return this.#promise;
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
    return this.#promise;
  }

  /** Scheduler only. */
  resolve(value: T): void {
    this.#resolve(value);
    this.#joiners?.wakeAll();
  }

  /** Scheduler only. handled: the error is reported elsewhere. */
  reject(error: unknown, handled: boolean): void {
    if (handled) this.#promise.catch(() => {});
    this.#reject(error);
    this.#joiners?.wakeAll();
  }
}
