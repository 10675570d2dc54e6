// The threads of a process that are inside the kernel: one per system call under way.
//
//   run -> stopped? -> body -> [EINTR and SA_RESTART: body again] -> task work -> stopped? -> out
//
// A thread's task may be its own (a call from outside) or a task of the application that makes
// one call after another; either way it belongs to the process for the length of the call. A
// handled signal interrupts the oldest call, as Linux prefers the main thread
// (kernel/signal.c:complete_signal); a fatal one kills them all. Unlike Linux, a handler does
// not wait for the interrupted call to return: it runs as if another thread had taken it.

import assert from 'node:assert/strict';
import { Errno, isErrno } from '../errno.js';
import { VmFault } from '../mm/vma.js';
import { claimTaskWork, closeTaskWork, pendingTaskWork, runTaskWork } from '../sched/task-work.js';
import { FailNth, type Scheduler, type Task, WaitQueue } from '../sched/index.js';
import { tracepoints } from '../trace/events.js';
import { ProcessKilled } from './errors.js';

/** The last argument of every call. */
export interface CallOptions {
  /** Aborting interrupts the call as a signal would: EINTR, its cause the abort's reason. */
  readonly signal?: AbortSignal;
}

interface Call {
  readonly name: string;
  readonly task: Task;
  aborted: boolean;
  /** A handler without SA_RESTART interrupted it. */
  mayRestart: boolean;
}

/** What the threads need to know of their process. */
export interface ThreadOwner {
  readonly name: string;
  readonly pid: number;
  /** Why no thread may return to the application any more; null while it lives. */
  readonly gone: ProcessKilled | null;
}

export class ThreadGroup {
  readonly faults = new FailNth();
  readonly #sched: Scheduler;
  readonly #owner: ThreadOwner;
  /** The oldest first. */
  readonly #calls: Call[] = [];
  readonly #changed: WaitQueue;
  #stopped = false;

  constructor(sched: Scheduler, owner: ThreadOwner) {
    this.#sched = sched;
    this.#owner = owner;
    this.#changed = new WaitQueue(sched, `threads of ${owner.name}`);
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Calls under way, the oldest first. */
  get callNames(): readonly string[] {
    return this.#calls.map(({ name }) => name);
  }

  /**
   * One system call. Rejects with ProcessKilled if the process is gone or dies on the way, and
   * then only after body has unwound and everything it owed is released.
   */
  run<T>(name: string, opts: CallOptions, body: (task: Task) => Promise<T>): Promise<T> {
    const refusal = this.#refusal(name, opts);
    if (refusal !== null) return Promise.reject(refusal);
    return this.#sched.enter(`${this.#owner.name}:${name}`, (task) =>
      this.#thread(task, name, opts, body),
    );
  }

  #refusal(name: string, { signal }: CallOptions): Error | null {
    if (this.#owner.gone !== null) return this.#owner.gone;
    if (signal === undefined) return null;
    if (!(signal instanceof AbortSignal)) {
      return new Errno('EINVAL', `${name}: options: signal is no AbortSignal`);
    }
    return signal.aborted ? abortError(name, signal) : null;
  }

  /** A handler was entered: the oldest call finds EINTR at its wait, or begins again. */
  interruptOne(restart: boolean): void {
    const [call] = this.#calls;
    if (call === undefined) return;
    if (!restart) call.mayRestart = false;
    call.task.interrupt('signal');
  }

  /** Every call unwinds from where it waits. */
  killAll(): void {
    for (const { task } of this.#calls) task.interrupt('kill');
    this.#changed.wakeAll();
  }

  /** Keep every call from starting or returning, until resume(). */
  stop(): void {
    this.#stopped = true;
  }

  resume(): void {
    this.#stopped = false;
    this.#changed.wakeAll();
  }

  /** Wait until no call is under way; one that waits uninterruptibly is waited for. */
  async drained(task: Task): Promise<void> {
    await this.#changed.waitEvent(task, () => this.#calls.length === 0, {
      mode: 'uninterruptible',
      why: `calls of ${this.#owner.name} to unwind`,
      holders: () => this.#calls.map((call) => call.task),
    });
  }

  async #thread<T>(
    task: Task,
    name: string,
    opts: CallOptions,
    body: (task: Task) => Promise<T>,
  ): Promise<T> {
    if (this.#owner.gone !== null) throw this.#owner.gone;
    const { owner, pending, faults } = task;
    const call: Call = { name, task, aborted: false, mayRestart: true };
    const key = this.#traceBegin(call);
    task.owner = this.#owner;
    task.faults = this.faults;
    task.clearInterrupt();
    claimTaskWork(task);
    this.#sched.touch(this.#changed.id, 'read');
    this.#calls.push(call);
    const unlisten =
      opts.signal &&
      onAbort(opts.signal, () => {
        call.aborted = true;
        task.interrupt('signal');
      });
    try {
      let value: T;
      try {
        if (this.#stopped) await this.#whileStopped(task);
        if (this.#owner.gone !== null) throw this.#owner.gone;
        value = await body(task);
      } catch (e) {
        value = await this.#again(call, body, e);
      } finally {
        if (pendingTaskWork(task) > 0) await runTaskWork(task);
        closeTaskWork(task);
      }
      if (this.#stopped) await this.#whileStopped(task);
      if (this.#owner.gone !== null) throw this.#owner.gone;
      return value;
    } catch (e) {
      throw this.#answer(call, e, opts);
    } finally {
      unlisten?.();
      removeFrom(this.#calls, call);
      task.owner = owner;
      task.faults = faults;
      task.pending = pending;
      if (key !== null) tracepoints.syscall.end(this.#sched, key);
      if (this.#owner.gone !== null) this.#changed.wakeAll();
      else this.#sched.touch(this.#changed.id, 'read');
    }
  }

  /** Run body again as long as only restarting handlers interrupt it; else throw what it threw. */
  async #again<T>(call: Call, body: (task: Task) => Promise<T>, thrown: unknown): Promise<T> {
    const { task } = call;
    for (let error = thrown; ;) {
      const may = isErrno(error, 'EINTR') && task.pending === 'signal' && call.mayRestart;
      if (!may || call.aborted) throw error;
      task.clearInterrupt();
      try {
        return await body(task);
      } catch (e) {
        error = e;
      }
    }
  }

  async #whileStopped(task: Task): Promise<void> {
    const free = (): boolean => !this.#stopped || this.#owner.gone !== null;
    await this.#changed.waitEvent(task, free, {
      mode: 'uninterruptible',
      why: `SIGCONT for ${this.#owner.name}`,
    });
  }

  /** The slice of this call among all calls, if anybody listens. */
  #traceBegin({ name, task }: Call): string | null {
    const { syscall } = tracepoints;
    if (!syscall.on) return null;
    const key = `${this.#owner.pid}:${task.id}:${name}`;
    syscall.begin(this.#sched, key, { call: name, process: this.#owner.name });
    return key;
  }

  /** The error that the application sees. */
  #answer(call: Call, e: unknown, opts: CallOptions): unknown {
    if (e instanceof assert.AssertionError) return e;
    if (this.#owner.gone !== null) return this.#owner.gone;
    if (call.aborted && isErrno(e, 'EINTR')) return abortError(call.name, opts.signal!);
    if (e instanceof VmFault) {
      const { name } = call;
      return new Errno('EFAULT', `${name}: ${e.message}`, { syscall: name, cause: e });
    }
    if (isErrno(e) && e.syscall === undefined) Object.assign(e, { syscall: call.name });
    return e;
  }
}

/** Most calls that end are the only one. */
function removeFrom(calls: Call[], call: Call): void {
  const at = calls.lastIndexOf(call);
  if (at >= 0) calls.splice(at, 1);
}

function abortError(name: string, signal: AbortSignal): Errno {
  return new Errno('EINTR', `${name}: aborted`, { syscall: name, cause: signal.reason });
}

function onAbort(signal: AbortSignal, fn: () => void): () => void {
  signal.addEventListener('abort', fn, { once: true });
  return () => signal.removeEventListener('abort', fn);
}
