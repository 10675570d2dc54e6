// A wait queue: tasks blocked until somebody says that what they wait for may have come.
//
// As in the kernel, a wake-up promises nothing: the waiter checks its condition again, which
// waitEvent() does. Checking and then waiting is atomic, since no other task runs between the
// check and the wait unless the code awaits something there.

import { Errno } from '../errno.js';
import type { ObjectId } from './objects.js';
import type { Scheduler } from './scheduler.js';
import type { Task, WaitMode } from './task.js';

export interface WaitOptions {
  /** 'interruptible' if not given. */
  readonly mode?: WaitMode;
  /** When the wait times out, on the scheduler's clock. */
  readonly untilNs?: number;
  /** What is waited for, for EINTR's message and for the deadlock report. */
  readonly why: string;
  /** Who could end the wait, for the deadlock report. */
  readonly holders?: () => readonly Task[];
}

const nobody = (): readonly Task[] => [];

/** Most conditions hold when they are first asked. */
const wokenAlready = Promise.resolve('woken' as const);

export class WaitQueue {
  readonly sched: Scheduler;
  readonly id: ObjectId;
  readonly label: string;
  readonly #tasks: Task[] = [];

  constructor(sched: Scheduler, label: string) {
    this.sched = sched;
    this.label = label;
    this.id = sched.newObject(label);
  }

  /** Tasks waiting, the longest first. */
  get waiters(): readonly Task[] {
    return this.#tasks;
  }

  /** Block task. EINTR when interrupted, and then nothing else has changed. */
  async wait(task: Task, opts: WaitOptions): Promise<'woken' | 'timeout'> {
    this.#tasks.push(task);
    this.sched.touch(this.id, 'write');
    const { mode = 'interruptible', why, untilNs = Infinity, holders = nobody } = opts;
    const onLeave = (): void => this.#remove(task);
    const end = await task.park({ why, mode, untilNs, onLeave, holders });
    this.sched.touch(this.id, 'write');
    if (end === 'interrupted') throw new Errno('EINTR', `interrupted while waiting for ${why}`);
    return end;
  }

  /**
   * Block until condition() holds; 'timeout' if it still does not at untilNs. The condition wins
   * over a signal and a deadline that come at the same time (linux include/linux/wait.h:
   * ___wait_event). condition() must be synchronous.
   */
  waitEvent(task: Task, condition: () => boolean, opts: WaitOptions): Promise<'woken' | 'timeout'> {
    return condition() ? wokenAlready : this.#waitUntil(task, condition, opts);
  }

  async #waitUntil(
    task: Task,
    condition: () => boolean,
    opts: WaitOptions,
  ): Promise<'woken' | 'timeout'> {
    do {
      try {
        const end = await this.wait(task, opts);
        if (end === 'timeout') return condition() ? 'woken' : 'timeout';
      } catch (e) {
        if (condition()) return 'woken';
        throw e;
      }
    } while (!condition());
    return 'woken';
  }

  /** Wake every waiter; returns how many there were. */
  wakeAll(): number {
    this.sched.touch(this.id, 'write');
    if (this.#tasks.length === 0) return 0;
    const woken = this.#tasks.splice(0);
    for (const task of woken) task.unpark();
    return woken.length;
  }

  /** Wake the task that has waited longest; false if nobody waits. */
  wakeOne(): boolean {
    this.sched.touch(this.id, 'write');
    const task = this.#tasks.shift();
    task?.unpark();
    return task !== undefined;
  }

  #remove(task: Task): void {
    const index = this.#tasks.indexOf(task);
    if (index >= 0) this.#tasks.splice(index, 1);
  }
}
