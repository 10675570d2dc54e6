// The life of a process: it takes signals, stops, goes on, and ends once.
//
//   running <-> stopped
//      |  exit() | fatal signal
//      v
//   dying     every call is interrupted and unwinds; no new one begins
//      v
//   exiting   doExit(): memory, descriptors, task work          (PF_EXITING)
//      v
//   zombie    status to be asked for; nothing is held
//
// A handler is application code in a task of its own. What it throws, other than ProcessKilled,
// is an error that nobody caught: the process aborts, as a program with an uncaught exception.

import { constant } from '../constant.js';
import type { SignalInfo } from '../mm/caller.js';
import { type Scheduler, type Task, WaitQueue } from '../sched/index.js';
import { tracepoints } from '../trace/events.js';
import { ProcessKilled } from './errors.js';
import type { SignalName } from './signal-table.js';
import { type Delivery, type ReceivedSignal, Signals } from './signals.js';
import { ThreadGroup } from './thread-group.js';

/** 'exit:0', or the name of the signal that ended the process. */
export type ExitStatus = `exit:${number}` | SignalName;
export type WaitStatus = 'running' | 'stopped' | ExitStatus;

export interface Mortal {
  readonly pid: number;
  readonly name: string;
  /** Give up memory and files; runs once, in a task that no signal reaches. */
  release(task: Task): Promise<void>;
}

type HandlerDelivery = Extract<Delivery, { do: 'handler' }>;

export class Lifecycle {
  readonly signals = new Signals();
  readonly threads: ThreadGroup;
  /** What handlers threw: each aborted the process. */
  readonly uncaught: unknown[] = [];
  readonly #sched: Scheduler;
  readonly #mortal: Mortal;
  readonly #zombieQueue: WaitQueue;
  #state: 'alive' | 'dying' | 'exiting' | 'zombie' = 'alive';
  #gone: ProcessKilled | null = null;
  #status: ExitStatus = 'exit:0';
  #ended: Promise<ExitStatus> | null = null;

  constructor(sched: Scheduler, mortal: Mortal) {
    this.#sched = sched;
    this.#mortal = mortal;
    this.#zombieQueue = new WaitQueue(sched, `end of ${mortal.name}`);
    const gone = (): ProcessKilled | null => this.#gone;
    this.threads = new ThreadGroup(
      sched,
      constant({
        name: mortal.name,
        pid: mortal.pid,
        get gone() {
          return gone();
        },
      }),
    );
  }

  /** Whether anything fatal has happened: calls unwind and nobody waits for policies any more. */
  get dying(): boolean {
    return this.#state !== 'alive';
  }

  /** Whether files and memory are being given up, or are. */
  get exiting(): boolean {
    return this.#state === 'exiting' || this.#state === 'zombie';
  }

  /** What waitpid(WNOHANG) says. */
  get status(): WaitStatus {
    if (this.#state === 'zombie') return this.#status;
    return this.threads.stopped ? 'stopped' : 'running';
  }

  /** Begin to end; later causes change nothing. Safe in any context: nothing here waits. */
  begin(status: ExitStatus): void {
    this.#sched.touch(this.#zombieQueue.id, 'write');
    if (this.#state !== 'alive') return;
    this.#state = 'dying';
    this.#status = status;
    const { pid, name } = this.#mortal;
    this.#gone = new ProcessKilled(pid, name, status);
    this.threads.resume();
    this.threads.killAll();
    const { process_exit: point } = tracepoints;
    if (point.on) point.begin(this.#sched, `${pid}`, { process: name, status });
    void this.#sched.spawn(`${name}:exit`, (task) => this.#end(task));
  }

  /**
   * Resolves when the process is a zombie. For outside code, which must not go on in the middle
   * of a turn: so a task waits for it, one that keeps nothing going.
   */
  get ended(): Promise<ExitStatus> {
    const name = this.#zombieQueue.label;
    this.#ended ??= this.#sched.spawn(name, (task) => this.wait(task), { daemon: true }).promise;
    return this.#ended;
  }

  /** Block until the process is a zombie. EINTR. */
  async wait(task: Task): Promise<ExitStatus> {
    await this.#zombieQueue.waitEvent(task, () => this.#state === 'zombie', {
      why: this.#zombieQueue.label,
    });
    return this.#status;
  }

  /** A signal arrives, from anywhere. */
  send(sig: string, info: SignalInfo): void {
    this.#sched.touch(this.#zombieQueue.id, 'write');
    if (this.#state !== 'alive') return;
    const { signal: point } = tracepoints;
    if (point.on) point.emit(this.#sched, { signal: sig, process: this.#mortal.name });
    this.#act(this.signals.generate(sig, info));
  }

  /**
   * A signal that a memory access raised; 'killed' if no handler takes it. It goes to the thread
   * whose access it was, so it interrupts no other call (kernel/signal.c:force_sig_fault).
   */
  force(sig: string, info: SignalInfo): 'handled' | 'killed' {
    if (this.#state !== 'alive') return 'killed';
    const delivery = this.signals.force(sig, info);
    if (delivery.do === 'handler') this.#startHandler(delivery);
    else this.#act(delivery);
    return delivery.do === 'handler' ? 'handled' : 'killed';
  }

  /** The mask or a disposition changed: deliver what may come now. */
  releasePending(): void {
    while (this.#state === 'alive' && this.signals.nrDeliverable > 0) {
      this.#act(this.signals.release());
    }
  }

  #act(delivery: Delivery): void {
    switch (delivery.do) {
      case 'handler':
        return this.#handle(delivery);
      case 'die':
        return this.begin(delivery.signal);
      case 'stop':
        return this.threads.stop();
      case 'continue':
        return this.threads.resume();
      case 'nothing':
        return;
    }
  }

  #handle(delivery: HandlerDelivery): void {
    this.threads.interruptOne(delivery.action.restart === true);
    this.#startHandler(delivery);
  }

  #startHandler({ info, action }: HandlerDelivery): void {
    this.signals.handlerBegan(info.signal, action);
    const name = `${this.#mortal.name}:${info.signal}`;
    void this.#sched.spawn(name, () => this.#runHandler(info, action));
  }

  async #runHandler(info: ReceivedSignal, action: HandlerDelivery['action']): Promise<void> {
    try {
      await action.handler(info);
    } catch (e) {
      if (!(e instanceof ProcessKilled)) {
        this.uncaught.push(e);
        this.begin('SIGABRT');
      }
    }
    this.signals.handlerEnded(info.signal, action);
    this.releasePending();
  }

  async #end(task: Task): Promise<void> {
    await this.threads.drained(task);
    this.#state = 'exiting';
    try {
      await this.#mortal.release(task);
    } finally {
      this.#state = 'zombie';
      this.#zombieQueue.wakeAll();
      const { process_exit: point } = tracepoints;
      if (point.on) point.end(this.#sched, `${this.#mortal.pid}`);
    }
  }
}
