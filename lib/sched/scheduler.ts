// The scheduler: who runs next, and the clock they all read.
//
//   live        the event loop decides; points cost a flag test, time is real
//   simulated   one task holds the turn; at every point the strategy may give it to another.
//               The turn passes inside at(), park() or the end of a task, by microtasks only, so
//               the order of everything follows from the choices. Time is virtual.
//
// Outside code (a test, an application) is no task. What it starts begins and ends at a turn of
// the event loop, the pump, so that outside code always runs while nobody holds the turn. run()
// needs no pump: everything happens in tasks, as an exploration wants it.

import assert from 'node:assert/strict';
import { seconds } from '../units.js';
import { schedSwitch } from '../trace/events.js';
import { type Clock, RealClock, VirtualClock } from './clock.js';
import { DeadlockError, StrayError } from './errors.js';
import { LockOrder } from './lock-order.js';
import { type Access, type ObjectId, ObjectTable, type Step, StepRecorder } from './objects.js';
import { describeBlocked } from './report.js';
import { RunQueue } from './run-queue.js';
import { type Strategy, firstStrategy, seededStrategy } from './strategy.js';
import { Task } from './task.js';
import { TaskHandle } from './task-handle.js';
import { watch } from './watchdog.js';

/**
 * When virtual time moves. 'idle': to the next timer whenever no task can run and one that is no
 * daemon waits. 'any': also at any point, if the strategy says so. 'manual': only by runFor(),
 * runUntil() and the clock's advanceTo().
 */
export type TimerMode = 'idle' | 'any' | 'manual';

export interface SimulatedOptions {
  readonly mode: 'simulated';
  /** If not given: seededStrategy(seed), or firstStrategy() without a seed. */
  readonly strategy?: Strategy | undefined;
  readonly seed?: number | undefined;
  readonly timers?: TimerMode | undefined;
  /** Time never passes this by itself; what waits longer is hung. One hour if not given. */
  readonly horizonNs?: number | undefined;
  /** A run with more points than this fails: somebody spins. */
  readonly maxPoints?: number | undefined;
}

export type SchedulerOptions = { readonly mode: 'live' } | SimulatedOptions;

export interface SpawnOptions {
  /** A task that serves others for ever; nobody waits for its end. */
  readonly daemon?: boolean;
}

/** Somebody outside who waits for time to pass: runFor(), runUntil(), settle(). */
interface Drive {
  readonly targetNs: number;
  readonly finish: (settled: boolean) => void;
  readonly reject: (error: Error) => void;
}

/** A run() under way. */
interface ClosedRun {
  readonly finish: () => void;
  readonly reject: (error: Error) => void;
}

const resolved = Promise.resolve();

/** taskId of the steps that the clock takes: a timer that fires. */
export const CLOCK_TASK_ID = 0;

export class Scheduler {
  /** Whether points count. Test it before each: `if (sched.on) await sched.at(id, 'write')`. */
  readonly on: boolean;
  readonly clock: Clock;
  readonly lockOrder = new LockOrder();
  /** Whose turn it is; null outside a turn, and always in live mode. */
  current: Task | null = null;
  /** Told of the error of a task that nobody joined or awaited. Default: an unhandled rejection. */
  onTaskError: ((task: Task, error: unknown) => void) | null = null;
  /** Told when tasks wait and nothing inside can ever wake them; outside code still may. */
  onStall: ((report: string) => void) | null = null;

  readonly #virtual: VirtualClock;
  readonly #queue: RunQueue;
  readonly #timers: TimerMode;
  readonly #horizonNs: number;
  readonly #maxPoints: number;
  readonly #objects: ObjectTable;
  readonly #steps = new StepRecorder();
  #recording = false;
  readonly #handles = new Map<Task, TaskHandle<unknown>>();
  #nrAlive = 0;
  #nextTaskId = CLOCK_TASK_ID + 1;
  #nrPoints = 0;
  /** The turn was handed over and its new holder has not run yet: nobody may do anything. */
  #handingOver = false;
  #inTimer = false;
  #pumpScheduled = false;
  readonly #drives = new Set<Drive>();
  #closedRun: ClosedRun | null = null;
  #failure: Error | null = null;

  constructor(opts: SchedulerOptions) {
    this.on = opts.mode === 'simulated';
    const simulated: SimulatedOptions = opts.mode === 'simulated' ? opts : { mode: 'simulated' };
    const { strategy, seed } = simulated;
    this.#timers = simulated.timers ?? 'idle';
    this.#horizonNs = simulated.horizonNs ?? seconds(3600);
    this.#maxPoints = simulated.maxPoints ?? Infinity;
    this.#objects = new ObjectTable(this.on);
    this.#virtual = new VirtualClock((fn) => this.#interruptContext(fn));
    this.clock = this.on ? this.#virtual : new RealClock();
    this.#queue = new RunQueue(
      strategy ?? (seed === undefined ? firstStrategy() : seededStrategy(seed)),
      {
        canAdvance: () => this.#timers === 'any' && this.#virtual.nextNs <= this.#limitNs(),
        advance: () => this.#advance(),
      },
    );
  }

  /** The virtual clock, for a test that turns it by hand. Not in live mode. */
  get virtualClock(): VirtualClock {
    assert(this.on, 'a live machine has no virtual clock');
    return this.#virtual;
  }

  /** The answers of the strategy so far: a replay token. */
  get choices(): readonly number[] {
    return this.#queue.choices;
  }

  /** Beside each choice, what it was made from. */
  get choiceKeys(): readonly number[] {
    return this.#queue.choiceKeys;
  }

  get nrPoints(): number {
    return this.#nrPoints;
  }

  /** What stopped the scheduler for good, a stray continuation say. null: nothing did. */
  get failure(): Error | null {
    return this.#failure;
  }

  get onStep(): ((step: Step) => void) | null {
    return this.#steps.onStep;
  }

  /** Told of every step when it ends; what it throws stops the run. Footprints are kept from now. */
  set onStep(hook: ((step: Step) => void) | null) {
    this.#steps.onStep = hook;
    this.#recording = hook !== null;
  }

  newObject(label: string): ObjectId {
    return this.#objects.newObject(label);
  }

  label(id: ObjectId): string {
    return this.#objects.label(id);
  }

  /** Start a task beside the caller. It begins at the next choice, not before spawn() returns. */
  spawn<T>(name: string, fn: (task: Task) => Promise<T>, opts: SpawnOptions = {}): TaskHandle<T> {
    if (this.#failure !== null) throw this.#failure;
    const task = new Task(this, this.#nextTaskId++, name, opts.daemon === true);
    const handle = new TaskHandle<T>(this, task);
    const begin = (): void => this.#begin(handle, fn);
    if (!this.on) {
      void resolved.then(begin);
      return handle;
    }
    this.#handles.set(task, handle as TaskHandle<unknown>);
    if (!task.daemon) this.#nrAlive++;
    task.continueWith(begin);
    this.#queue.addFresh(task);
    this.#schedulePump();
    return handle;
  }

  /** Run fn on the current task inside a turn; on a new task when called from outside. */
  async enter<T>(name: string, fn: (task: Task) => Promise<T>): Promise<T> {
    if (this.current !== null && !this.#inTimer) {
      if (this.#handingOver) throw this.#stray(`${name} was called`);
      return fn(this.current);
    }
    if (this.on) return this.spawn(name, fn).promise;
    const handle = new TaskHandle<T>(this, new Task(this, this.#nextTaskId++, name, false));
    this.#begin(handle, fn);
    return handle.promise;
  }

  /**
   * A scheduling point before the current task touches object: another task may run here. Only
   * when `on`. Returns a promise only if the turn passes.
   */
  at(object: ObjectId, access: Access = 'write'): Promise<void> | undefined {
    const me = this.current;
    if (me === null || this.#handingOver || this.#inTimer || this.#failure !== null) {
      throw this.#stray(`the point at ${this.label(object)} was reached`);
    }
    if (++this.#nrPoints > this.#maxPoints) {
      throw this.#fail(new DeadlockError(`${this.#nrPoints} points: ${me.name} spins?`));
    }
    if (this.#recording) this.#endStep(me.id, me.name);
    if (!this.#queue.isAlone || this.#timers === 'any') {
      const next = this.#pick(me);
      if (next === null) throw this.#failure!;
      if (next !== me) return this.#suspend(me, next, object, access);
    }
    if (this.#recording) this.#steps.touch(object, access);
    return undefined;
  }

  /** Record that the current step touches object. */
  touch(object: ObjectId, access: Access): void {
    if (this.#recording) this.#steps.touch(object, access);
  }

  /** Fails unless task holds the turn; does nothing in live mode. */
  assertTurn(task: Task, what: string): void {
    if (!this.on) return;
    if (this.current !== task || this.#handingOver || this.#inTimer) {
      throw this.#stray(`${what} was used by ${task.name}`);
    }
  }

  /**
   * Run fn and every task it starts to their ends, daemons excepted, without returning to the
   * event loop. Rejects with fn's error, DeadlockError, StrayError, or the error of a task that
   * nobody joined (unless onTaskError is set). For explorations: nothing outside may interfere.
   */
  async run<T>(name: string, fn: (task: Task) => Promise<T>): Promise<T> {
    assert(this.on && this.current === null && this.#closedRun === null, 'run: not idle');
    let outcome: Promise<T> | undefined;
    const ended = new Promise<void>((resolve, reject) => {
      this.#closedRun = { finish: resolve, reject };
    });
    const stop = watch(() => this.#fail(this.#foreignAwait()));
    try {
      outcome = this.spawn(name, fn).promise;
      outcome.catch(() => {});
      this.#dispatch();
      await ended;
    } finally {
      stop();
      this.#closedRun = null;
    }
    return outcome;
  }

  /** Resolves when no task can run, without letting time pass. */
  async settle(): Promise<void> {
    if (this.on) await this.#drive(this.clock.nowNs, null);
    else await new Promise<void>((resolve) => setImmediate(resolve));
  }

  /** Let this much time pass, timers in order, and every task run that can. */
  async runFor(ns: number): Promise<void> {
    await this.#drive(this.clock.nowNs + ns, null);
  }

  /** Let time pass until promise has settled, but no more than ns; whether it has. */
  runUntil(promise: Promise<unknown>, ns: number): Promise<boolean> {
    return this.#drive(this.clock.nowNs + ns, promise);
  }

  /** Who waits for what, held by whom; empty if nobody waits. */
  blockedReport(): string {
    return describeBlocked(this.#handles.keys());
  }

  /** Task only: task has parked. */
  blocked(task: Task): void {
    if (!this.on) return;
    if (this.#recording) this.#endStep(task.id, task.name);
    this.#queue.removeFirst(task);
    this.#dispatch();
  }

  /** Task only: task's wait has ended. */
  woken(task: Task): void {
    if (!this.on) {
      task.goOn();
      return;
    }
    this.#queue.add(task);
    this.#schedulePump();
  }

  #begin<T>(handle: TaskHandle<T>, fn: (task: Task) => Promise<T>): void {
    const { task } = handle;
    const failed = (error: unknown): void => this.#end(handle, () => this.#report(handle, error));
    const succeeded = (value: T): void => {
      if (task.held.length === 0) return this.#end(handle, () => handle.resolve(value));
      const labels = task.held.map(({ lock }) => lock.label).join(', ');
      const message = `task ${task.name} ended holding ${labels}`;
      failed(new assert.AssertionError({ message }));
    };
    let body: Promise<T>;
    try {
      body = fn(task);
    } catch (error) {
      body = Promise.reject(error as Error);
    }
    body.then(succeeded, failed);
  }

  #report<T>(handle: TaskHandle<T>, error: unknown): void {
    const listener = handle.observed ? null : this.onTaskError;
    const endsRun = this.#closedRun !== null && !handle.observed && listener === null;
    handle.reject(error, listener !== null || endsRun);
    listener?.(handle.task, error);
    if (endsRun) this.#fail(error instanceof Error ? error : new Error(String(error)));
  }

  #end<T>(handle: TaskHandle<T>, settle: () => void): void {
    const { task } = handle;
    if (!this.on) {
      task.markDone();
      settle();
      return;
    }
    if (this.#failure !== null) return;
    if (this.current !== task || this.#handingOver) {
      this.#stray(`${task.name} ended`);
      return;
    }
    task.markDone();
    settle();
    if (this.#recording) this.#endStep(task.id, task.name);
    this.#handles.delete(task);
    this.#queue.removeFirst(task);
    if (!task.daemon) this.#nrAlive--;
    if (handle.watchedFromOutside && this.#closedRun === null) this.current = null;
    else this.#dispatch();
  }

  /** Nobody holds the turn: give it to somebody, or leave it to the pump. */
  #dispatch(): void {
    this.current = null;
    while (this.#failure === null) {
      if (this.#closedRun !== null && this.#nrAlive === 0) return this.#closedRun.finish();
      const next = this.#pick(null);
      if (next !== null) return this.#handOver(next);
      if (this.#closedRun === null) return;
      if (this.#virtual.nextNs <= this.#horizonNs) this.#advance();
      else this.#fail(new DeadlockError(`nobody can run\n${this.blockedReport()}`));
    }
  }

  #pick(me: Task | null): Task | null {
    try {
      return this.#queue.pick(me);
    } catch (error) {
      this.#fail(error as Error);
      return null;
    }
  }

  #suspend(me: Task, next: Task, object: ObjectId, access: Access): Promise<void> {
    const suspended = new Promise<void>((resolve) => {
      me.continueWith(() => {
        this.touch(object, access);
        resolve();
      });
    });
    this.#handOver(next);
    return suspended;
  }

  #handOver(next: Task): void {
    if (schedSwitch.on) schedSwitch.emit(this, { next: next.name });
    this.current = next;
    this.#handingOver = true;
    void resolved.then(this.#turn);
  }

  readonly #turn = (): void => {
    this.#handingOver = false;
    if (this.#failure === null) this.current!.goOn();
  };

  #schedulePump(): void {
    if (this.#pumpScheduled || this.#closedRun !== null) return;
    this.#pumpScheduled = true;
    setImmediate(this.#pump);
  }

  /** From the event loop: hand out the next turn, let time pass, answer those who wait for it. */
  readonly #pump = (): void => {
    this.#pumpScheduled = false;
    if (this.#failure !== null || this.#closedRun !== null) return;
    if (this.current !== null) {
      this.#fail(this.#foreignAwait());
    } else if (!this.#queue.isEmpty || this.#letTimePass()) {
      this.#schedulePump(); // comes round again when the turns are over, or catches who awaits
      this.#dispatch();
    }
  };

  /** How far time may go by itself now. */
  #limitNs(): number {
    if (this.#closedRun !== null) return this.#horizonNs;
    let limitNs = Infinity;
    for (const drive of this.#drives) limitNs = Math.min(limitNs, drive.targetNs);
    if (limitNs < Infinity) return limitNs;
    return this.#timers === 'manual' || this.#nrAlive === 0 ? this.#virtual.nowNs : this.#horizonNs;
  }

  /** Nobody can run. Returns whether anything came of it. */
  #letTimePass(): boolean {
    const limitNs = this.#limitNs();
    if (this.#virtual.nextNs <= limitNs) {
      this.#advance();
      return true;
    }
    const nrDrives = this.#drives.size;
    if (nrDrives > 0) this.#virtual.advanceTo(limitNs);
    for (const drive of this.#drives) {
      if (drive.targetNs <= limitNs) drive.finish(false);
    }
    if (nrDrives === 0 && this.#nrAlive > 0 && this.#virtual.nextNs > this.#horizonNs) {
      this.onStall?.(this.blockedReport());
    }
    return nrDrives > 0;
  }

  #advance(): void {
    this.#virtual.fireNext();
    if (this.#recording) this.#endStep(CLOCK_TASK_ID, 'clock');
  }

  #interruptContext(fn: () => void): void {
    this.#inTimer = true;
    try {
      fn();
    } finally {
      this.#inTimer = false;
    }
    this.#schedulePump();
  }

  #drive(targetNs: number, until: Promise<unknown> | null): Promise<boolean> {
    if (!this.on) return this.#driveLive(targetNs, until);
    return new Promise<boolean>((resolve, reject) => {
      const finish = (settled: boolean): void => {
        if (this.#drives.delete(drive)) resolve(settled);
      };
      const drive: Drive = { targetNs, finish, reject };
      if (this.#failure !== null) return reject(this.#failure);
      assert(this.current === null, 'time is moved from outside, not by a task');
      this.#drives.add(drive);
      until?.then(
        () => finish(true),
        () => finish(true),
      );
      this.#schedulePump();
    });
  }

  #driveLive(targetNs: number, until: Promise<unknown> | null): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.clock.timer(targetNs, () => resolve(false));
      const settled = (): void => {
        cancel();
        resolve(true);
      };
      until?.then(settled, settled);
    });
  }

  #endStep(taskId: number, taskName: string): void {
    try {
      this.#steps.end(taskId, taskName);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #foreignAwait(): StrayError {
    const who = this.current?.name ?? 'nobody';
    return new StrayError(
      `task ${who} awaits something that the scheduler did not give it, and keeps the turn`,
    );
  }

  /** Something happened outside its turn. */
  #stray(what: string): Error {
    const holder = this.current === null ? 'nobody has' : `${this.current.name} has`;
    const hint = 'a missing await, Promise.all, or a call that should go through enter()?';
    return this.#fail(new StrayError(`${what} while ${holder} the turn: ${hint}`), true);
  }

  /** Stop for good, and tell everybody who waits. thrown: the caller throws it as well. */
  #fail(error: Error, thrown = false): Error {
    if (this.#failure !== null) return this.#failure;
    this.#failure = error;
    let noticed = thrown || this.#drives.size > 0 || this.#closedRun !== null;
    for (const handle of this.#handles.values()) {
      noticed ||= handle.observed;
      handle.reject(error, true);
    }
    for (const drive of this.#drives) drive.reject(error);
    this.#closedRun?.reject(error);
    if (!noticed) {
      setImmediate(() => {
        throw error;
      });
    }
    return error;
  }
}
