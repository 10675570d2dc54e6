// What a process is, apart from its system calls: who it runs as, what it may use, its memory,
// descriptors and signals, and its end. Nothing here waits, except for the end.

import { constant } from '../constant.js';
import { Errno } from '../errno.js';
import type { Caller, Credentials, ProcessLike, SignalInfo, UserAccount } from '../mm/caller.js';
import { MM } from '../mm/mm.js';
import type { ObjectId, Task } from '../sched/index.js';
import { checkList, checkWord, shown } from '../arguments.js';
import { withUid } from './credentials.js';
import { doExit } from './exit.js';
import { FdTable } from './fd-table.js';
import type { Kernel } from './kernel.js';
import { type ExitStatus, Lifecycle, type WaitStatus } from './lifecycle.js';
import type { ProcessTable } from './process-table.js';
import { type Limit, type LimitName, Rlimits } from './rlimits.js';
import type { SignalName } from './signal-table.js';
import type { HandlerOptions, SignalHandler } from './signals.js';
import type { ThreadGroup } from './thread-group.js';

export interface ProcessSpec {
  readonly pid: number;
  readonly name: string;
  readonly cred: Credentials;
}

export class ProcessState implements ProcessLike {
  readonly pid: number;
  readonly name: string;
  readonly kernel: Kernel;
  readonly table: ProcessTable;
  readonly fds: FdTable;
  readonly mm: MM;
  /** Names the process in footprints. */
  readonly objectId: ObjectId;
  /** Permission bits that new files do not get. The kernel's own start: 022 (init_fs). */
  fileCreationMask = 0o022;
  readonly #life: Lifecycle;
  readonly #limits = new Rlimits();
  #cred: Credentials;

  constructor(kernel: Kernel, table: ProcessTable, spec: ProcessSpec) {
    this.kernel = kernel;
    this.table = table;
    this.pid = spec.pid;
    this.name = spec.name;
    this.#cred = spec.cred;
    this.objectId = kernel.sched.newObject(`process ${spec.name}`);
    this.fds = new FdTable(
      () => this.#limits.soft('nofile'),
      (access) => kernel.sched.touch(this.objectId, access),
    );
    this.mm = new MM(kernel.mmEnv, spec.name);
    this.mm.process = this;
    this.#life = new Lifecycle(
      kernel.sched,
      constant({
        pid: spec.pid,
        name: spec.name,
        release: (task) => this.#release(task),
      }),
    );
  }

  get cred(): Credentials {
    return this.#cred;
  }

  get user(): UserAccount {
    return this.table.user(this.#cred.uid);
  }

  /** PF_EXITING: memory and descriptors are being given up, or are. */
  get exiting(): boolean {
    return this.#life.exiting;
  }

  /** It is to die, though calls of it may still be unwinding. */
  get fatalSignalPending(): boolean {
    return this.#life.dying;
  }

  /** The soft limit: bytes for memlock and fsize, a count for nofile. */
  rlimit(name: LimitName): number {
    return this.#limits.soft(name);
  }

  /**
   * Write /proc/self/fail-nth: of what the kernel allocates for the calls that follow, the n-th
   * fails; 0: none. EINVAL. See lib/sched/fail-nth.ts.
   */
  setFailNth(n: number): void {
    this.#life.threads.faults.nth = n;
  }

  /** Read it: what is left to count; 0: the failure has happened. */
  failNth(): number {
    return this.#life.threads.faults.nth;
  }

  /** The kernel, or any emulated code, sends a signal. EINVAL for a name that is none. */
  sendSignal(sig: string, info: SignalInfo = {}): void {
    this.#life.send(sig, info);
  }

  /** A memory access raised a signal, which nothing may hold back. */
  raise(sig: string, info: SignalInfo): void {
    this.#life.force(sig, info);
  }

  /** 'running', 'stopped', 'exit:0', or the signal that ended it. */
  waitStatus(): WaitStatus {
    return this.#life.status;
  }

  /** Resolves when the process has ended and holds nothing any more. For outside code. */
  get ended(): Promise<ExitStatus> {
    return this.#life.ended;
  }

  /** waitpid(2) by whoever asks: the status once the process has ended. */
  wait(): Promise<ExitStatus> {
    return this.kernel.sched.enter(`wait for ${this.name}`, (task) => this.#life.wait(task));
  }

  /** exit_group(2). Resolves when nothing is held any more; every other call is over then. */
  exit(code = 0): Promise<ExitStatus> {
    if (!Number.isInteger(code)) {
      return Promise.reject(new Errno('EINVAL', `exit: code ${shown(code)} is no whole number`));
    }
    this.#life.begin(`exit:${code & 0xff}`);
    return this.wait();
  }

  /** What signal handlers threw; each time the process was aborted. */
  get uncaught(): readonly unknown[] {
    return this.#life.uncaught;
  }

  /** Names of the calls under way, the oldest first. */
  get callsUnderWay(): readonly string[] {
    return this.#life.threads.callNames;
  }

  /** Install a handler; it replaces the one before. EINVAL for SIGKILL and SIGSTOP. */
  on(sig: string, handler: SignalHandler, opts: HandlerOptions = {}): void {
    if (typeof handler !== 'function') {
      throw new Errno('EFAULT', `sigaction: handler: ${shown(handler)} is no function`);
    }
    this.#life.signals.setAction(sig, { ...opts, handler });
  }

  /** Back to the default action. */
  off(sig: string): void {
    this.#life.signals.setAction(sig, 'default');
  }

  /** SIG_IGN. */
  ignore(sig: string): void {
    this.#life.signals.setAction(sig, 'ignore');
  }

  /** sigprocmask(2): what is no longer blocked is delivered at once. */
  sigmask(how: 'block' | 'unblock' | 'setmask', sigs: readonly string[]): void {
    checkWord('sigprocmask', 'how', how, ['block', 'unblock', 'setmask']);
    checkList('sigprocmask', 'signals', sigs);
    this.#life.signals.setMask(how, sigs);
    this.#life.releasePending();
  }

  /** Sent and not delivered: blocked, or its handler still runs. */
  pendingSignals(): readonly SignalName[] {
    return this.#life.signals.pending;
  }

  /** The signals that handlers took since this was last asked. */
  takeSignals(): SignalName[] {
    return this.#life.signals.take();
  }

  protected get threads(): ThreadGroup {
    return this.#life.threads;
  }

  protected setLimit(name: LimitName, limit: Limit): void {
    this.#limits.set(this.#cred, name, limit);
  }

  protected becomeUser(uid: number): void {
    this.#cred = withUid(this.#cred, uid);
  }

  async #release(task: Task): Promise<void> {
    task.owner = this;
    const caller: Caller = { task, process: this };
    await doExit(caller, this);
  }
}
