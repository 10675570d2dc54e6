// The processes of a machine: pids, users, and who may signal whom.

import { Errno } from '../errno.js';
import type { Credentials, UserAccount } from '../mm/caller.js';
import { maySignal, rootCredentials } from './credentials.js';
import type { Kernel } from './kernel.js';
import { Process } from './process.js';
import { signalName } from './signal-table.js';

export interface SpawnProcessOptions {
  /** Root with every capability if not given. */
  readonly cred?: Credentials;
}

export class ProcessTable {
  readonly #kernel: Kernel;
  readonly #processes = new Map<number, Process>();
  readonly #users = new Map<number, UserAccount>();
  #nextPid = 1;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Start a process with no descriptor and no memory. */
  spawn(name: string, opts: SpawnProcessOptions = {}): Process {
    const pid = this.#nextPid++;
    const cred = opts.cred ?? rootCredentials();
    const process = new Process(this.#kernel, this, { pid, name, cred });
    this.#processes.set(pid, process);
    return process;
  }

  /** Zombies are found until reap(). ESRCH. */
  get(pid: number): Process {
    const process = this.#processes.get(pid);
    if (process === undefined) throw new Errno('ESRCH', `no process has pid ${String(pid)}`);
    return process;
  }

  /** Every process that was not reaped, by pid. */
  get all(): readonly Process[] {
    return [...this.#processes.values()];
  }

  get alive(): readonly Process[] {
    return this.all.filter((process) => process.waitStatus() === 'running');
  }

  /** user_struct: one per uid, shared by its processes. */
  user(uid: number): UserAccount {
    let user = this.#users.get(uid);
    if (user === undefined) {
      user = { uid, lockedVm: 0 };
      this.#users.set(uid, user);
    }
    return user;
  }

  /** kill(2): EINVAL, ESRCH, EPERM. A zombie takes any signal and does nothing. '0' only asks. */
  kill(sender: Process, pid: number, sig: string): void {
    const name = sig === '0' ? null : signalName(sig);
    const target = this.get(pid);
    if (!maySignal(sender.cred, target.cred)) {
      throw new Errno('EPERM', `kill: ${sender.name} may not signal ${target.name}`);
    }
    if (name !== null) target.sendSignal(name, { code: 'SI_USER', from: sender.pid });
  }

  /** Forget a zombie. EBUSY while it runs. */
  reap(pid: number): void {
    const process = this.get(pid);
    if (process.waitStatus() === 'running') throw new Errno('EBUSY', `pid ${pid} still runs`);
    this.#processes.delete(pid);
  }
}
