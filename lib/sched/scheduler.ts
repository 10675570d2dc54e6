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
import { constant } from '../constant.js';
import { tracepoints } from '../trace/events.js';
import { type Clock, passLive, RealClock, VirtualClock } from './clock.js';
import { DeadlockError, foreignAwait, strayed } from './errors.js';
import { LockOrder } from './lock-order.js';
import { CLOCK_TASK_ID, ObjectTable, StepRecorder } from './objects.js';
import type { Access, ObjectId, Step } from './objects.js';
import { checkPass, checkTask, type Plan, planOf } from './options.js';
import type { SchedulerOptions, SpawnOptions } from './options.js';
import { Pump, type PumpHost } from './pump.js';
import { RunQueue } from './run-queue.js';
import { Task } from './task.js';
import { type Outcome, runLive, TaskHandle } from './task-handle.js';
import { TaskTable } from './task-table.js';
import { throwLater, watch } from './watchdog.js';

const resolved = Promise.resolve();
/** Made once: an exploration abandons one scheduler a schedule, and a stack is dear. */
const abandoned = new Error('the scheduler was abandoned');

export class Scheduler {
  /** Whether points count. Test it before each: `if (sched.on) await sched.at(id, 'write')`. */
  readonly on: boolean;
  readonly clock: Clock;
  readonly lockOrder = new LockOrder();
  readonly tasks = new TaskTable();
  /** Whose turn it is; null outside a turn, and always in live mode. */
  current: Task | null = null;
  /** Told of the error of a task that nobody joined or awaited. Default: an unhandled rejection. */
  onTaskError: ((task: Task, error: unknown) => void) | null = null;
  /** Told when tasks wait and nothing inside can ever wake them; outside code still may. */
  onStall: ((report: string) => void) | null = null;

  readonly #virtual: VirtualClock;
  readonly #queue: RunQueue;
  readonly #plan: Plan;
  readonly #objects: ObjectTable;
  readonly #steps = new StepRecorder((error) => this.#fail(error));
  #nextTaskId = CLOCK_TASK_ID + 1;
  #nrPoints = 0;
  /** The turn was handed over and its new holder has not run yet: nobody may do anything. */
  #handingOver = false;
  #inTimer = false;
  /** Begins the turn that was handed over. */
  readonly #turn: () => void;
  #pump: Pump | null = null;
  /** A run() under way. */
  #closedRun: { finish(): void; reject(error: Error): void } | null = null;
  #failure: Error | null = null;

  constructor(opts: SchedulerOptions) {
    this.#plan = planOf(opts);
    this.on = opts.mode === 'simulated';
    const { horizonNs, strategy, timers } = this.#plan;
    this.#objects = new ObjectTable(this.on);
    this.#virtual = new VirtualClock((fn) => this.#interruptContext(fn));
    this.clock = this.on ? this.#virtual : new RealClock();
    this.#queue = new RunQueue(
      strategy,
      () => timers === 'any' && this.#virtual.nextNs <= this.#limitNs(horizonNs),
      () => this.#advance(),
    );
    this.#turn = () => {
      this.#handingOver = false;
      if (this.#failure === null) this.current!.goOn();
    };
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

  /** Told of every step when it ends; what it throws stops the run. Starts the footprints. */
  set onStep(hook: ((step: Step) => void) | null) {
    this.#steps.onStep = hook;
  }

  newObject(label: string): ObjectId {
    return this.#objects.newObject(label);
  }

  label(id: ObjectId): string {
    return this.#objects.label(id);
  }

  /** Start a task beside the caller. It begins at the next choice, not before spawn() returns. */
  spawn<T>(name: string, fn: (task: Task) => Promise<T>, opts: SpawnOptions = {}): TaskHandle<T> {
    checkTask('spawn', name, fn, opts);
    if (this.#failure !== null) throw this.#failure;
    const task = new Task(this, this.#nextTaskId++, name, opts.daemon === true);
    const handle = new TaskHandle<T>(this, task);
    if (!this.on) {
      void resolved.then(() => this.#begin(handle, fn));
      return handle;
    }
    const begin = (): void => this.#begin(handle, fn);
    this.tasks.add(handle, begin);
    task.continueWith(begin);
    this.#queue.addFresh(task);
    if (this.#closedRun === null) this.#openPump().schedule();
    return handle;
  }

  /** Run fn on the current task inside a turn; on a new task when called from outside. */
  enter<T>(name: string, fn: (task: Task) => Promise<T>): Promise<T> {
    try {
      checkTask('enter', name, fn);
      if (this.#failure !== null) throw this.#failure;
      if (this.current !== null && !this.#inTimer) {
        if (this.#handingOver) throw this.#stray(`${name} was called`);
        return fn(this.current);
      }
      if (this.on) return this.spawn(name, fn).promise;
      return runLive(new Task(this, this.#nextTaskId++, name, false), fn);
    } catch (error) {
      return Promise.reject(error as Error);
    }
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
    if (++this.#nrPoints > this.#plan.maxPoints) {
      this.#fail(new DeadlockError(`${this.#nrPoints} points passed: does ${me.name} spin?`));
    }
    if (this.#steps.on) this.#steps.end(me.id, me.name);
    if (!this.#queue.isAlone || this.#plan.timers === 'any') {
      const next = this.#pick(me);
      if (next !== me && next !== null) return this.#suspend(me, next, object, access);
    }
    // Stopped by the strategy, the referee or the limit: the task stays here for ever.
    if (this.#failure !== null) return new Promise(() => {});
    if (this.#steps.on) this.#steps.touch(object, access);
    return undefined;
  }

  /** Record that the current step touches object. */
  touch(object: ObjectId, access: Access): void {
    if (this.#steps.on) this.#steps.touch(object, access);
  }

  /** Fails unless task holds the turn; does nothing in live mode. */
  assertTurn(task: Task, what: string): void {
    if (!this.on) return;
    if (this.current !== task || this.#handingOver || this.#inTimer) {
      throw this.#stray(`${what} was used by ${task.name}`);
    }
  }

  /**
   * Run fn and all it starts to their ends, daemons excepted, in the microtask queue alone. Rejects
   * with fn's error, DeadlockError, StrayError, or, without onTaskError, that of an unjoined task.
   */
  async run<T>(name: string, fn: (task: Task) => Promise<T>): Promise<T> {
    checkTask('run', name, fn);
    assert(this.on && this.current === null && this.#closedRun === null, 'run: not idle');
    const ended = new Promise<void>((resolve, reject) => {
      this.#closedRun = { finish: resolve, reject };
    });
    const stop = watch(() => this.#fail(foreignAwait(this.current)));
    const handle = this.spawn(name, fn);
    let early: { readonly error: unknown } | null = null;
    handle.promise.catch((error: unknown) => {
      if (error !== this.#failure) early = { error };
    });
    try {
      this.#dispatch();
      await ended;
    } catch (error) {
      throw early === null ? error : (early as { error: unknown }).error;
    } finally {
      stop();
      this.#closedRun = null;
    }
    return handle.promise;
  }

  /** For a schedule that is over: nothing runs here any more, not even a finally block. */
  abandon(): void {
    this.#failure ??= abandoned;
  }

  /** Resolves when no task can run, without letting time pass. */
  async settle(): Promise<void> {
    if (this.on) await this.runUntil(null, 0);
    else await new Promise<void>((resolve) => setImmediate(resolve));
  }

  /** Let this much time pass, timers in order, and every task run that can. */
  async runFor(ns: number): Promise<void> {
    await this.runUntil(null, ns);
  }

  /** Let time pass until promise has settled, but no more than ns; whether it has. */
  async runUntil(promise: Promise<unknown> | null, ns: number): Promise<boolean> {
    checkPass(promise, ns);
    const targetNs = this.clock.nowNs + ns;
    if (!this.on) return passLive(this.clock, targetNs, promise);
    if (this.#failure !== null) throw this.#failure;
    assert(this.current === null, 'time is moved from outside, not by a task');
    return this.#openPump().drive(targetNs, promise);
  }

  /** Who waits for what, held by whom; empty if nobody waits. */
  blockedReport(): string {
    return this.tasks.blockedReport();
  }

  /** Task only: task has parked. */
  blocked(task: Task): void {
    if (!this.on) return;
    if (this.#steps.on) this.#steps.end(task.id, task.name);
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
    if (this.#closedRun === null) this.#openPump().schedule();
  }

  #begin<T>(handle: TaskHandle<T>, fn: (task: Task) => Promise<T>): void {
    handle.start(fn, (outcome) => {
      if (this.on) this.#end(handle, outcome);
      else this.#settle(handle, outcome);
    });
  }

  #settle<T>(handle: TaskHandle<T>, outcome: Outcome<T>): void {
    if (outcome.ok) return handle.end(outcome, true);
    const { error } = outcome;
    const listener = handle.observed ? null : this.onTaskError;
    const endsRun = this.#closedRun !== null && !handle.observed && listener === null;
    handle.end(outcome, listener !== null || endsRun);
    listener?.(handle.task, error);
    if (endsRun) this.#fail(error as Error);
  }

  #end<T>(handle: TaskHandle<T>, outcome: Outcome<T>): void {
    const { task } = handle;
    if (this.#failure !== null) return;
    if (this.current !== task || this.#handingOver) {
      this.#stray(`${task.name} ended`, false);
      return;
    }
    this.tasks.delete(task);
    this.#settle(handle, outcome);
    if (this.#steps.on) this.#steps.end(task.id, task.name);
    this.#queue.removeFirst(task);
    if (handle.watchedFromOutside && this.#closedRun === null) this.current = null;
    else this.#dispatch();
  }

  /** Nobody holds the turn: give it to somebody, or leave it to the pump. */
  #dispatch(): void {
    this.current = null;
    while (this.#failure === null) {
      if (this.#closedRun !== null && this.tasks.nrAlive === 0) return this.#closedRun.finish();
      const next = this.#pick(null);
      if (next !== null) return this.#handOver(next);
      if (this.#closedRun === null) return;
      if (this.#virtual.nextNs <= this.#plan.horizonNs) this.#advance();
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
    const { sched_switch: schedSwitch } = tracepoints;
    if (schedSwitch.on) schedSwitch.emit(this, { next: next.name });
    this.current = next;
    this.#handingOver = true;
    void resolved.then(this.#turn);
  }

  #limitNs(horizonNs: number): number {
    return this.#closedRun === null ? this.#openPump().limitNs() : horizonNs;
  }

  /** A run() does without the pump: it is made when outside code first needs it. */
  #openPump(): Pump {
    this.#pump ??= new Pump(this.#pumpHost(), this.#plan.autoLimitNs);
    return this.#pump;
  }

  #pumpHost(): PumpHost {
    return constant({
      clock: this.#virtual,
      advance: () => this.#advance(),
      dispatch: () => this.#dispatch(),
      foreignAwait: () => this.#fail(foreignAwait(this.current)),
      isAlive: () => this.tasks.nrAlive > 0,
      isRunnable: () => !this.#queue.isEmpty,
      isStopped: () => this.#failure !== null || this.#closedRun !== null,
      isTurnHeld: () => this.current !== null,
      stalled: () => this.onStall?.(this.blockedReport()),
    });
  }

  #advance(): void {
    this.#virtual.fireNext();
    if (this.#steps.on) this.#steps.end(CLOCK_TASK_ID, 'clock');
  }

  #interruptContext(fn: () => void): void {
    this.#inTimer = true;
    try {
      fn();
    } catch (error) {
      this.#fail(error as Error);
    } finally {
      this.#inTimer = false;
    }
    if (this.#closedRun === null) this.#openPump().schedule();
  }

  /** Something happened outside its turn. */
  #stray(what: string, thrown = true): Error {
    return this.#fail(strayed(what, this.current), thrown);
  }

  /** Stop for good, and tell everybody who waits. thrown: the caller throws it as well. */
  #fail(error: Error, thrown = false): Error {
    if (this.#failure !== null) return this.#failure;
    this.#failure = error;
    const heard = this.tasks.rejectAll(error);
    const noticed = heard || thrown || this.#pump?.isDriven === true || this.#closedRun !== null;
    this.#pump?.fail(error);
    this.#closedRun?.reject(error);
    if (!noticed) throwLater(error);
    return error;
  }
}
