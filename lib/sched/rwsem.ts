// A read-write semaphore: many readers or one writer, first come first served.
//
//   free --read--> read-held(n) --last up--> free        free --write--> write-held --up--> free
//
// A reader queues behind a waiting writer, so readers cannot starve it. When the lock falls to a
// queued reader, all queued readers get it at once, also those behind a writer (linux
// kernel/locking/rwsem.c: rwsem_mark_wake); that writer is first in the queue then. Waiters do
// not overtake: the lock is handed over.
//
// In footprints readers read it and writers write it: readers that come and go in another order
// leave the lock as it was. Whoever queues, or lets go while somebody does, writes it.

import assert from 'node:assert/strict';
import { Guard } from './guard.js';
import {
  type Lock,
  type LockClass,
  type LockOptions,
  noteHeld,
  noteReleased,
} from './lock-order.js';
import { Errno } from '../errno.js';
import type { Access, ObjectId } from './objects.js';
import type { Scheduler } from './scheduler.js';
import type { Task, WaitMode } from './task.js';

interface Waiter {
  readonly task: Task;
  readonly access: Access;
}

/** What a lock that was free answers: it is taken without a promise of its own. */
const taken = Promise.resolve();

export class RwSem implements Lock {
  readonly sched: Scheduler;
  readonly id: ObjectId;
  readonly label: string;
  readonly lockClass: LockClass;
  readonly nest: number | undefined;
  #writer: Task | null = null;
  readonly #readers: Task[] = [];
  readonly #queue: Waiter[] = [];

  constructor(sched: Scheduler, label: string, opts: LockOptions = {}) {
    this.sched = sched;
    this.label = label;
    this.id = sched.newObject(label);
    this.lockClass = opts.lockClass ?? { name: label };
    this.nest = opts.nest;
  }

  /** The tasks that hold it, for reading or for writing. */
  get holders(): readonly Task[] {
    return this.#writer === null ? this.#readers : [this.#writer];
  }

  get nrWaiters(): number {
    return this.#queue.length;
  }

  /** Whether task holds it; 'write' asks for more than 'read'. */
  isLockedBy(task: Task, access: Access = 'read'): boolean {
    return this.#writer === task || (access === 'read' && this.#readers.includes(task));
  }

  /** Take it for reading. EINTR if the mode allows it and task is interrupted; not held then. */
  downRead(task: Task, mode: WaitMode = 'uninterruptible'): Promise<void> {
    return this.#down(task, 'read', mode);
  }

  /** Take it for writing. EINTR as for downRead(). */
  downWrite(task: Task, mode: WaitMode = 'uninterruptible'): Promise<void> {
    return this.#down(task, 'write', mode);
  }

  tryDownRead(task: Task): boolean {
    return this.#tryDown(task, 'read');
  }

  tryDownWrite(task: Task): boolean {
    return this.#tryDown(task, 'write');
  }

  upRead(task: Task): void {
    this.#up(task, 'read');
  }

  upWrite(task: Task): void {
    this.#up(task, 'write');
  }

  /** Go from writing to reading without letting go; waiting readers get it too. */
  downgradeWrite(task: Task): void {
    this.sched.assertTurn(task, this.label);
    noteReleased(task, this, 'write');
    this.sched.touch(this.id, 'write');
    this.#writer = null;
    this.#grant(task, 'read');
    noteHeld(task, this, 'read');
    if (this.#queue[0]?.access === 'read') this.#grantNext();
  }

  /** downRead(), for `using guard = await sem.read(task)`. */
  async read(task: Task, mode?: WaitMode): Promise<Disposable> {
    await this.downRead(task, mode);
    return new Guard(() => this.upRead(task));
  }

  /** downWrite(), for `using guard = await sem.write(task)`. */
  async write(task: Task, mode?: WaitMode): Promise<Disposable> {
    await this.downWrite(task, mode);
    return new Guard(() => this.upWrite(task));
  }

  #isFreeFor(access: Access): boolean {
    if (this.#writer !== null || this.#queue.length > 0) return false;
    return access === 'read' || this.#readers.length === 0;
  }

  #grant(task: Task, access: Access): void {
    if (access === 'write') this.#writer = task;
    else this.#readers.push(task);
  }

  #down(task: Task, access: Access, mode: WaitMode): Promise<void> {
    try {
      const turn = this.sched.on ? this.sched.at(this.id, access) : undefined;
      if (turn !== undefined) return this.#downLater(turn, { task, access }, mode);
      return this.#take({ task, access }, mode);
    } catch (e) {
      return Promise.reject(e as Error);
    }
  }

  async #downLater(turn: Promise<void>, waiter: Waiter, mode: WaitMode): Promise<void> {
    await turn;
    await this.#take(waiter, mode);
  }

  #take(waiter: Waiter, mode: WaitMode): Promise<void> {
    const { task, access } = waiter;
    this.sched.assertTurn(task, this.label);
    this.sched.lockOrder.check(task, this);
    if (!this.#isFreeFor(access)) return this.#wait(waiter, mode);
    this.#grant(task, access);
    noteHeld(task, this, access);
    return taken;
  }

  async #wait(waiter: Waiter, mode: WaitMode): Promise<void> {
    this.sched.touch(this.id, 'write');
    this.#queue.push(waiter);
    const why = `${this.label} for ${waiter.access === 'read' ? 'reading' : 'writing'}`;
    const onLeave = (): void => {
      this.#queue.splice(this.#queue.indexOf(waiter), 1);
      this.#grantNext(); // a writer that gave up no longer holds back the readers behind it
    };
    const end = await waiter.task.park({ why, mode, onLeave, holders: () => this.holders });
    this.sched.touch(this.id, 'write');
    if (end === 'interrupted') throw new Errno('EINTR', `interrupted while waiting for ${why}`);
    noteHeld(waiter.task, this, waiter.access);
  }

  #tryDown(task: Task, access: Access): boolean {
    this.sched.assertTurn(task, this.label);
    this.sched.touch(this.id, access);
    if (!this.#isFreeFor(access)) return false;
    this.#grant(task, access);
    noteHeld(task, this, access);
    return true;
  }

  #up(task: Task, access: Access): void {
    this.sched.assertTurn(task, this.label);
    noteReleased(task, this, access);
    this.sched.touch(this.id, this.#queue.length > 0 ? 'write' : access);
    if (access === 'write') {
      this.#writer = null;
    } else {
      const index = this.#readers.indexOf(task);
      if (index < 0) assert.fail(`${this.label}: ${task.name} is no reader`);
      if (index === this.#readers.length - 1) this.#readers.pop();
      else this.#readers.splice(index, 1);
    }
    this.#grantNext();
  }

  /** Hand the lock to whoever is first in the queue, if it is free for it. */
  #grantNext(): void {
    const first = this.#queue[0];
    if (first === undefined || this.#writer !== null) return;
    if (first.access === 'write') {
      if (this.#readers.length > 0) return;
      this.#queue.shift();
      this.#grant(first.task, 'write');
      first.task.unpark();
      return;
    }
    const readers = this.#queue.filter((w) => w.access === 'read');
    const writers = this.#queue.filter((w) => w.access === 'write');
    this.#queue.splice(0, Infinity, ...writers);
    for (const { task } of readers) {
      this.#grant(task, 'read');
      task.unpark();
    }
  }
}
