// Lock order: finds a possible deadlock the first time two locks are taken in the wrong order,
// whether or not it would have happened. Checked in every mode, as Linux's lockdep does.
//
// Locks belong to classes. The classes of the kernel have a fixed order (mm/filemap.c and
// Documentation/filesystems/locking.rst; mm/rmap.c opens with the same list). Any other class,
// a driver's say, must only never be seen both before and after another. Two locks of one class
// may be held together when each has a nest number (inode number, page offset) and they are
// taken in rising order. A try-lock cannot deadlock, so it is exempt, but what it took counts.

import assert from 'node:assert/strict';
import { tracepoints } from '../trace/events.js';
import type { Access, ObjectId } from './objects.js';
import type { Task } from './task.js';

export interface LockClass {
  readonly name: string;
  /** Place in the kernel's fixed order; absent: the order is learnt. */
  readonly rank?: number;
}

const ranked = [
  'i_rwsem(directory)',
  'i_rwsem(file)',
  'mmap_lock',
  'invalidate_lock',
  'dax_entry',
  'i_mmap',
  'page_table',
  'notifier',
] as const;

const rankedClass = (name: (typeof ranked)[number]): LockClass =>
  Object.freeze({ name, rank: ranked.indexOf(name) });

/** The kernel's lock classes, outermost first. */
export const lockClasses = Object.freeze({
  inodeDirectory: rankedClass('i_rwsem(directory)'),
  inodeFile: rankedClass('i_rwsem(file)'),
  mmapLock: rankedClass('mmap_lock'),
  invalidateLock: rankedClass('invalidate_lock'),
  daxEntry: rankedClass('dax_entry'),
  iMmap: rankedClass('i_mmap'),
  pageTable: rankedClass('page_table'),
  notifier: rankedClass('notifier'),
});

/** What every lock tells about itself. */
export interface Lock {
  readonly id: ObjectId;
  readonly label: string;
  readonly lockClass: LockClass;
  readonly nest: number | undefined;
}

export interface HeldLock {
  readonly lock: Lock;
  readonly access: Access;
}

export interface LockOptions {
  /** If not given: a class of its own, named as the lock. */
  readonly lockClass?: LockClass;
  /** Orders locks of one class held together: rising. */
  readonly nest?: number;
}

const heldList = (task: Task): string => task.held.map(({ lock }) => lock.label).join(', ');

/** Fails if task holds any lock: callers may wait here for somebody who needs one. */
export function assertNoLocks(task: Task, where: string): void {
  if (task.held.length !== 0) assert.fail(`${where}: task ${task.name} holds ${heldList(task)}`);
}

/** Fails unless task holds the lock, for writing if that is asked. */
export function assertHeld(task: Task, lock: Lock, access: Access = 'read'): void {
  const held = task.held.find((h) => h.lock === lock);
  const enough = held !== undefined && (access === 'read' || held.access === 'write');
  if (!enough) assert.fail(`task ${task.name} does not hold ${lock.label} for ${access}`);
}

/** The orders seen so far on one machine. */
export class LockOrder {
  /** Class name -> names of classes that were taken while it was held. */
  readonly #after = new Map<string, Set<string>>();

  /** Before task waits for lock. Fails if that could ever deadlock. */
  check(task: Task, lock: Lock): void {
    for (const { lock: held } of task.held) {
      if (held === lock) assert.fail(`task ${task.name} takes ${lock.label} twice`);
      if (held.lockClass.name === lock.lockClass.name) this.#checkNest(task, held, lock);
      else this.#checkClasses(task, held, lock);
    }
  }

  #checkNest(task: Task, held: Lock, lock: Lock): void {
    const rising = held.nest !== undefined && lock.nest !== undefined && held.nest < lock.nest;
    assert(
      rising,
      `lock order: task ${task.name} takes ${lock.label} while it holds ${held.label} of the same` +
        ` class ${lock.lockClass.name}, not in rising order`,
    );
  }

  #checkClasses(task: Task, held: Lock, lock: Lock): void {
    const first = held.lockClass;
    const second = lock.lockClass;
    const known = this.#after.get(first.name);
    if (known?.has(second.name) === true) return;
    const backwards =
      first.rank !== undefined && second.rank !== undefined
        ? first.rank > second.rank
        : this.#reaches(second.name, first.name);
    assert(
      !backwards,
      `lock order: task ${task.name} takes ${lock.label} (${second.name}) while it holds` +
        ` ${held.label} (${first.name}), but ${second.name} comes before ${first.name}`,
    );
    if (known === undefined) this.#after.set(first.name, new Set([second.name]));
    else known.add(second.name);
  }

  /** Whether a lock of class `to` was ever taken, directly or not, under one of class `from`. */
  #reaches(from: string, to: string, seen = new Set<string>()): boolean {
    if (from === to) return true;
    if (seen.has(from)) return false;
    seen.add(from);
    for (const next of this.#after.get(from) ?? []) {
      if (this.#reaches(next, to, seen)) return true;
    }
    return false;
  }
}

/** Note that task now holds lock. */
export function noteHeld(task: Task, lock: Lock, access: Access): void {
  task.held.push({ lock, access });
  if (tracepoints.lock.on) {
    const key = `${lock.id} ${task.id}`;
    tracepoints.lock.begin(task.sched, key, { lock: lock.label, access }, task);
  }
}

/** Note that task let go of lock. Fails if it did not hold it. */
export function noteReleased(task: Task, lock: Lock, access: Access): void {
  const { held } = task;
  let index = held.length - 1;
  while (index >= 0 && (held[index]!.lock !== lock || held[index]!.access !== access)) index--;
  if (index < 0) assert.fail(`task ${task.name} releases ${lock.label}, which it does not hold`);
  if (index === held.length - 1) held.pop();
  else held.splice(index, 1);
  if (tracepoints.lock.on) tracepoints.lock.end(task.sched, `${lock.id} ${task.id}`, {}, task);
}
