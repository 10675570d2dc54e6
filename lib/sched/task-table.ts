// The task table: every simulated task that is not done, with what spawn() returned for it.

import { describeBlocked } from './report.js';
import type { Task } from './task.js';
import type { TaskHandle } from './task-handle.js';

interface Entry {
  readonly handle: TaskHandle<unknown>;
  readonly begin: () => void;
}

export class TaskTable {
  readonly #handles = new Map<Task, Entry>();
  #nrAlive = 0;

  /** Tasks that somebody expects to end: all but the daemons. */
  get nrAlive(): number {
    return this.#nrAlive;
  }

  /** begin: runs the task's function from its beginning. */
  add<T>(handle: TaskHandle<T>, begin: () => void): void {
    this.#handles.set(handle.task, { handle: handle as TaskHandle<unknown>, begin });
    if (!handle.task.daemon) this.#nrAlive++;
  }

  delete(task: Task): void {
    this.#handles.delete(task);
    if (!task.daemon) this.#nrAlive--;
  }

  /** Every task ends in error; whether anybody hears of it. */
  rejectAll(error: Error): boolean {
    let heard = false;
    for (const { handle } of this.#handles.values()) {
      heard ||= handle.observed;
      handle.end({ ok: false, error }, true);
    }
    return heard;
  }

  /**
   * Every daemon that waits begins anew when it is woken, where it would have gone on: an
   * exploration puts its objects back, which it cannot do with a function that is under way.
   * The names of all other tasks.
   */
  rewindDaemons(): string[] {
    const others: string[] = [];
    for (const [task, { begin }] of this.#handles) {
      if (task.daemon && task.state === 'blocked' && task.held.length === 0) task.rewind(begin);
      else others.push(task.name);
    }
    return others;
  }

  blockedReport(): string {
    return describeBlocked(this.#handles.keys());
  }
}
