// A task: one thread of the emulated kernel, with what it holds and what it waits for.
//
//   spawn -> runnable <-> running -> done
//               ^            |
//               +- blocked <-+   park() ... unpark() | deadline | interrupt()
//
// Whatever waits is told which task waits, so the same code runs live and simulated. A task parks
// in one place only, and every primitive of this room is made of that. An interrupt never tears
// a task out of anything but a wait that allows it.

import assert from 'node:assert/strict';
import { tracepoints } from '../trace/events.js';
import type { CancelTimer } from './clock.js';
import type { FailNth } from './fail-nth.js';
import type { HeldLock } from './lock-order.js';
import { taskObject } from './objects.js';
import type { Scheduler } from './scheduler.js';
import type { TaskWork } from './task-work.js';

export type Interrupt = 'none' | 'signal' | 'kill';
/** What may end a wait early: any signal, only a fatal one, or nothing. */
export type WaitMode = 'interruptible' | 'killable' | 'uninterruptible';
export type ParkEnd = 'woken' | 'timeout' | 'interrupted';
export type TaskState = 'runnable' | 'running' | 'blocked' | 'done';

export interface Park {
  /** What is waited for, as the deadlock report prints it. */
  readonly why: string;
  readonly mode: WaitMode;
  readonly untilNs?: number;
  /** Runs at once when the wait ends other than by unpark(): leave the queue here. */
  readonly onLeave?: () => void;
  /** Who could end this wait, for the deadlock report. */
  readonly holders?: () => readonly Task[];
}

const severity: Record<Interrupt, number> = { none: 0, signal: 1, kill: 2 };

export class Task {
  readonly id: number;
  readonly name: string;
  readonly sched: Scheduler;
  /** A daemon waits for work for ever: it keeps neither time nor an exploration going. */
  readonly daemon: boolean;
  /** The process this task runs for; set by lib/process, which alone knows its type. */
  owner: unknown = undefined;
  /** Of the process in whose call the task is: which of its allocations fails. */
  faults: FailNth | null = null;
  readonly held: HeldLock[] = [];
  /** What it owes when it leaves the kernel; task-work.ts alone changes it. */
  work: TaskWork[] | null = null;
  #pending: Interrupt = 'none';
  #ended = false;
  #park: Park | null = null;
  #parkEnd: ParkEnd = 'woken';
  #cancelTimer: CancelTimer | null = null;
  #continue: (() => void) | null = null;
  #done: Promise<void> | null = null;
  #settleDone: () => void = () => {};

  constructor(sched: Scheduler, id: number, name: string, daemon: boolean) {
    this.sched = sched;
    this.id = id;
    this.name = name;
    this.daemon = daemon;
  }

  get state(): TaskState {
    if (this.#ended) return 'done';
    if (this.#park !== null) return 'blocked';
    return !this.sched.on || this.sched.current === this ? 'running' : 'runnable';
  }

  /** Resolves when the task's function has settled; for outside code, as TaskHandle.promise. */
  get done(): Promise<unknown> {
    if (this.#ended) return Promise.resolve();
    this.#done ??= new Promise((resolve) => (this.#settleDone = resolve));
    return this.#done;
  }

  /** The gravest signal that has come and was not delivered. Shared with whoever sends one. */
  get pending(): Interrupt {
    this.sched.touch(taskObject(this.id), 'read');
    return this.#pending;
  }

  set pending(kind: Interrupt) {
    this.sched.touch(taskObject(this.id), 'write');
    this.#pending = kind;
  }

  /** What the task is blocked on; empty while it is not. */
  get waitingFor(): string {
    return this.#park?.why ?? '';
  }

  /** The tasks that could end its wait, as far as that is known. */
  get waitingOn(): readonly Task[] {
    return this.#park?.holders?.() ?? [];
  }

  /** Send a signal: wakes the task if its wait allows it, else it is found at the next wait. */
  interrupt(kind: 'signal' | 'kill'): void {
    if (severity[kind] > severity[this.pending]) this.pending = kind;
    if (this.#park !== null && this.interruptedIn(this.#park.mode)) this.#leave('interrupted');
  }

  /** The signal was delivered. */
  clearInterrupt(): void {
    this.pending = 'none';
  }

  /** Whether a wait of this mode would end at once. */
  interruptedIn(mode: WaitMode): boolean {
    if (mode === 'uninterruptible') return false;
    return mode === 'killable' ? this.pending === 'kill' : this.pending !== 'none';
  }

  /**
   * Block until unpark(), the deadline or an interrupt. What was checked before the call still
   * holds when the task is blocked: no other task runs in between. The base of every primitive;
   * other rooms use WaitQueue.
   */
  park(park: Park): Promise<ParkEnd> {
    this.sched.assertTurn(this, park.why);
    if (this.#park !== null) assert.fail(`task ${this.name} is blocked on ${this.waitingFor}`);
    if (this.interruptedIn(park.mode)) {
      park.onLeave?.();
      return Promise.resolve('interrupted');
    }
    this.#park = park;
    const { wait } = tracepoints;
    if (wait.on) wait.begin(this.sched, this.id, { why: park.why, mode: park.mode }, this);
    if (park.untilNs !== undefined && park.untilNs < Infinity) {
      this.#cancelTimer = this.sched.clock.timer(park.untilNs, () => this.#leave('timeout'));
    }
    const parked = new Promise<ParkEnd>((resolve) => {
      this.#continue = () => resolve(this.#parkEnd);
    });
    this.sched.blocked(this);
    return parked;
  }

  /** End the wait of a blocked task as 'woken'; its queue entry is already gone. */
  unpark(): void {
    if (this.#park === null) assert.fail(`task ${this.name} is not blocked`);
    this.#end('woken');
  }

  #leave(end: ParkEnd): void {
    const leave = this.#park?.onLeave;
    this.#end(end);
    leave?.();
  }

  #end(end: ParkEnd): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#park = null;
    this.#parkEnd = end;
    if (tracepoints.wait.on) tracepoints.wait.end(this.sched, this.id, { end }, this);
    this.sched.woken(this);
  }

  /** Scheduler only: what goOn() will do. */
  continueWith(fn: () => void): void {
    if (this.#continue !== null) assert.fail(`task ${this.name} is suspended twice`);
    this.#continue = fn;
  }

  /** Scheduler only: a task that is blocked will do this when its wait ends, and not go on. */
  rewind(fn: () => void): void {
    if (this.#park === null) assert.fail(`task ${this.name} is not blocked`);
    this.#continue = fn;
  }

  /** Scheduler only: start, or go on from the point or the wait where the task was suspended. */
  goOn(): void {
    const fn = this.#continue;
    if (fn === null) assert.fail(`task ${this.name} is not suspended`);
    this.#continue = null;
    fn();
  }

  /** Scheduler only: the task's function has settled. */
  markDone(): void {
    this.#ended = true;
    this.#settleDone();
  }
}
