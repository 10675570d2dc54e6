// The task table: every simulated task that is not done, with what spawn() returned for it.

import { describeBlocked } from './report.js';
import type { Task } from './task.js';
import type { TaskHandle } from './task-handle.js';

export class TaskTable {
  readonly #handles = new Map<Task, TaskHandle<unknown>>();
  #nrAlive = 0;

  /** Tasks that somebody expects to end: all but the daemons. */
  get nrAlive(): number {
    return this.#nrAlive;
  }

  add<T>(handle: TaskHandle<T>): void {
    this.#handles.set(handle.task, handle as TaskHandle<unknown>);
    if (!handle.task.daemon) this.#nrAlive++;
  }

  delete(task: Task): void {
    this.#handles.delete(task);
    if (!task.daemon) this.#nrAlive--;
  }

  /** Every task ends in error; whether anybody hears of it. */
  rejectAll(error: Error): boolean {
    let heard = false;
    for (const handle of this.#handles.values()) {
      heard ||= handle.observed;
      handle.reject(error, true);
    }
    return heard;
  }

  blockedReport(): string {
    return describeBlocked(this.#handles.keys());
  }
}
