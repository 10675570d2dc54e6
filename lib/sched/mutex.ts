// A mutex: one task at a time, in the order in which they asked.
//
// Unlike Linux's, which lets a running task overtake a sleeping one, unlock() hands the lock to
// the task that has waited longest: the same for every schedule, and nobody starves.

import assert from 'node:assert/strict';
import { Guard } from './guard.js';
import {
  type Lock,
  type LockClass,
  type LockOptions,
  noteHeld,
  noteReleased,
} from './lock-order.js';
import type { ObjectId } from './objects.js';
import type { Scheduler } from './scheduler.js';
import type { Task, WaitMode } from './task.js';
import { WaitQueue } from './wait-queue.js';

export class Mutex implements Lock {
  readonly sched: Scheduler;
  readonly label: string;
  readonly lockClass: LockClass;
  readonly nest: number | undefined;
  readonly #queue: WaitQueue;
  #holder: Task | null = null;

  constructor(sched: Scheduler, label: string, opts: LockOptions = {}) {
    this.sched = sched;
    this.label = label;
    this.lockClass = opts.lockClass ?? { name: label };
    this.nest = opts.nest;
    this.#queue = new WaitQueue(sched, label);
  }

  get id(): ObjectId {
    return this.#queue.id;
  }

  get holder(): Task | null {
    return this.#holder;
  }

  isLockedBy(task: Task): boolean {
    return this.#holder === task;
  }

  /** Take the lock. EINTR if the mode allows it and task is interrupted; not held then. */
  async lock(task: Task, mode: WaitMode = 'uninterruptible'): Promise<void> {
    if (this.sched.on) await this.sched.at(this.id, 'write');
    this.sched.assertTurn(task, this.label);
    this.sched.lockOrder.check(task, this);
    if (this.#holder === null) {
      this.#holder = task;
    } else {
      const holders = (): Task[] => (this.#holder === null ? [] : [this.#holder]);
      await this.#queue.wait(task, { mode, why: this.label, holders });
      if (this.#holder !== task) assert.fail(`${this.label} was not handed to ${task.name}`);
    }
    noteHeld(task, this, 'write');
  }

  /** Take the lock if it is free. */
  tryLock(task: Task): boolean {
    this.sched.assertTurn(task, this.label);
    this.sched.touch(this.id, 'write');
    if (this.#holder !== null) return false;
    this.#holder = task;
    noteHeld(task, this, 'write');
    return true;
  }

  unlock(task: Task): void {
    this.sched.assertTurn(task, this.label);
    noteReleased(task, this, 'write');
    this.#holder = this.#queue.waiters[0] ?? null;
    this.#queue.wakeOne();
  }

  /** lock(), for `using guard = await mutex.guard(task)`. */
  async guard(task: Task, mode?: WaitMode): Promise<Disposable> {
    await this.lock(task, mode);
    return new Guard(() => this.unlock(task));
  }
}
