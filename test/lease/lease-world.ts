// A world with nothing but leases: files that are open so and so often, processes that get SIGIO.
//
// It plays the recorded language of leases (open close lease getlease signals truncate_path ...)
// on LeaseContext alone. Time is virtual and moves only where a recorded step let it pass.

import { Errno, isErrno } from '../../lib/errno.js';
import { kernelRules, type KernelName } from '../../lib/kernel-rules.js';
import { fcntlGetDeleg, fcntlSetDeleg } from '../../lib/lease/delegation.js';
import { LeaseContext } from '../../lib/lease/lease-context.js';
import { defaultLeaseSettings, type LeasedInode } from '../../lib/lease/leased-inode.js';
import type { FileLease, LeaseHolder, LeaseType } from '../../lib/lease/lease.js';
import type { Caller, Capability, Credentials, ProcessLike } from '../../lib/mm/caller.js';
import type { MM } from '../../lib/mm/mm.js';
import { Scheduler, Task, type TaskHandle } from '../../lib/sched/index.js';
import { ms, seconds } from '../../lib/units.js';

/** A process: who it is, and the signals it got. */
export class FakeProcess implements ProcessLike {
  readonly pid: number;
  readonly name: string;
  cred: Credentials;
  exiting = false;
  fatalSignalPending = false;
  readonly user;
  readonly signals: string[] = [];
  /** Leases on anonymous memory: there is none here. */
  readonly mm = null as unknown as MM;

  constructor(pid: number, name: string, uid = 0) {
    this.pid = pid;
    this.name = name;
    const caps: Capability[] = uid === 0 ? ['CAP_LEASE'] : [];
    this.cred = { uid, gid: uid, caps: new Set(caps) };
    this.user = { uid, lockedVm: 0 };
  }

  rlimit(): number {
    return Infinity;
  }

  sendSignal(sig: string): void {
    this.signals.push(sig);
  }
}

export class FakeInode implements LeasedInode {
  readonly label: string;
  isRegular = true;
  isDirectory = false;
  uid = 0;
  supportsLeases = true;
  immutable = false;
  writers = 0;
  readers = 0;
  policy?: NonNullable<LeasedInode['policy']>;
  pins?: NonNullable<LeasedInode['pins']>;
  tryLock?: NonNullable<LeasedInode['tryLock']>;

  constructor(label: string) {
    this.label = label;
  }

  openForWrite(): number {
    return this.writers;
  }

  openCount(): number {
    return this.writers + this.readers;
  }
}

/** An open file description. It counts as open before its open has broken any lease. */
export class FakeFile implements LeaseHolder {
  readonly label: string;
  readonly inode: FakeInode;
  readonly readable: boolean;
  readonly writable: boolean;
  owner: ProcessLike | null = null;
  get pid(): number {
    return this.owner?.pid ?? 0;
  }

  constructor(inode: FakeInode, mode: 'rdonly' | 'wronly' | 'rdwr') {
    this.label = `${inode.label} ${mode}`;
    this.inode = inode;
    this.readable = mode !== 'wronly';
    this.writable = mode !== 'rdonly';
    if (this.writable) inode.writers++;
    else inode.readers++;
  }

  close(): void {
    if (this.writable) this.inode.writers--;
    else this.inode.readers--;
  }

  notify(): void {
    this.owner?.sendSignal('SIGIO');
  }

  leaseGranted(_lease: FileLease, process: ProcessLike): void {
    this.owner ??= process;
  }

  leaseGone(): void {
    this.owner = null;
  }
}

export interface Step {
  readonly op: string;
  readonly as?: string;
  readonly by?: string;
  readonly bg?: boolean;
  readonly name?: string;
  readonly flags?: readonly string[];
  readonly fd?: string;
  readonly type?: 'rd' | 'wr' | 'un';
  readonly s?: number;
  readonly ms?: number;
  readonly of?: string;
  readonly len?: number;
  readonly target?: string;
  readonly frm?: string;
  readonly to?: string;
}

export type Answer = string | number;

const stepLimitNs = seconds(20);
const backgroundNs = ms(600);
const leaseTypes = { rd: 'F_RDLCK', wr: 'F_WRLCK' } as const;

interface Player {
  readonly process: FakeProcess;
  readonly files: Map<string, FakeFile>;
  readonly background: Map<string, TaskHandle<Answer>>;
}

/** A fresh machine of one kernel, and the steps it understands. */
export class LeaseWorld {
  readonly sched = new Scheduler({ mode: 'simulated', timers: 'manual', seed: 1 });
  readonly settings = defaultLeaseSettings();
  readonly #rules;
  readonly #names = new Map<string, FakeInode>();
  readonly #contexts = new Map<FakeInode, LeaseContext>();
  readonly #players = new Map<string, Player>();

  constructor(kernel: KernelName) {
    this.#rules = kernelRules[kernel];
  }

  async play(step: Step): Promise<Answer> {
    const player = this.#player(step.by ?? 'A');
    if (step.op === 'finish') return this.#finish(player, step);
    if (step.fd !== undefined && !player.files.has(step.fd)) return 'no handle';
    const handle = this.sched.spawn(step.op, (task) => this.#answer(task, player, step));
    if (step.bg === true) player.background.set(step.as!, handle);
    const limitNs = step.bg === true ? backgroundNs : stepLimitNs;
    const ended = await this.sched.runUntil(handle.promise, limitNs);
    if (ended) return handle.promise;
    return step.bg === true ? 'blocked' : 'HUNG';
  }

  async #finish(player: Player, step: Step): Promise<Answer> {
    const handle = player.background.get(step.of!);
    if (handle === undefined) return 'no handle';
    const ended = await this.sched.runUntil(handle.promise, ms(step.ms ?? 3000));
    return ended ? handle.promise : 'blocked';
  }

  #player(name: string): Player {
    const there = this.#players.get(name);
    if (there !== undefined) return there;
    const process = new FakeProcess(100 + this.#players.size, name);
    const made = { process, files: new Map(), background: new Map() };
    this.#players.set(name, made);
    return made;
  }

  context(inode: FakeInode): LeaseContext {
    const there = this.#contexts.get(inode);
    if (there !== undefined) return there;
    const env = { sched: this.sched, rules: this.#rules, settings: this.settings };
    const made = new LeaseContext(env, inode);
    this.#contexts.set(inode, made);
    return made;
  }

  async #answer(task: Task, player: Player, step: Step): Promise<Answer> {
    try {
      return await this.#do(task, player, step);
    } catch (e) {
      if (isErrno(e)) return e.code;
      throw e;
    }
  }

  async #do(task: Task, player: Player, step: Step): Promise<Answer> {
    const caller = { task, process: player.process };
    const file = step.fd === undefined ? null : player.files.get(step.fd)!;
    switch (step.op) {
      case 'open':
        return this.#open(caller, player, step);
      case 'close':
        player.files.delete(step.fd!);
        return this.#close(task, file!, 'close');
      case 'write':
        return step.len!;
      case 'lease':
        return this.#lease(caller, file!, step.type!);
      case 'getlease':
        return this.context(file!.inode).getLease(file!);
      case 'deleg':
        return this.#deleg(caller, file!, step.type!);
      case 'getdeleg':
        return fcntlGetDeleg(this.context(file!.inode), this.#rules, file!);
      case 'setattr':
        this.context(this.#names.get(step.name!)!).tryBreakDeleg(caller);
        return 'ok';
      case 'signals':
        return [...new Set(player.process.signals.splice(0))].sort().join(',') || 'none';
      case 'truncate_path':
        return this.#truncate(caller, this.#names.get(step.name!)!);
      case 'lease_break_time':
        this.settings.breakTimeNs = seconds(step.s!);
        return 'ok';
      case 'unlink':
        this.#names.delete(step.name!);
        return 'ok';
      case 'rename':
        this.#names.set(step.to!, this.#names.get(step.frm!)!);
        this.#names.delete(step.frm!);
        return 'ok';
      case 'as_user':
        player.process.cred = { uid: 1000, gid: 1000, caps: new Set() };
        return 'ok';
      case 'sleep':
        await this.sched.clock.sleep(task, ms(step.ms!));
        return 'ok';
      case 'kill':
        return this.#kill(task, this.#player(step.target!));
      default:
        throw new Error(`the lease world has no ${step.op}`);
    }
  }

  async #open(caller: Caller, player: Player, step: Step): Promise<Answer> {
    const flags = step.flags ?? ['rdwr', 'creat'];
    const there = this.#names.get(step.name!);
    if (there === undefined && !flags.includes('creat')) throw new Errno('ENOENT', step.name!);
    const inode = there ?? new FakeInode(step.name!);
    this.#names.set(step.name!, inode);
    const mode = (['wronly', 'rdwr'] as const).find((m) => flags.includes(m)) ?? 'rdonly';
    const file = new FakeFile(inode, mode);
    try {
      await this.context(inode).breakLease(caller, {
        access: file.writable ? 'write' : 'read',
        kind: 'LEASE',
        nonblock: flags.includes('nonblock'),
      });
    } catch (e) {
      file.close();
      throw e;
    }
    if (step.as !== undefined) player.files.set(step.as, file);
    return 'ok';
  }

  async #close(task: Task, file: FakeFile, why: 'close' | 'exit'): Promise<Answer> {
    await this.context(file.inode).release(task, file, why);
    file.close();
    return 'ok';
  }

  async #lease(caller: Caller, file: FakeFile, type: 'rd' | 'wr' | 'un'): Promise<Answer> {
    const leases = this.context(file.inode);
    if (type === 'un') await leases.unlock(caller, file);
    else leases.setLease(caller, file, leaseTypes[type] satisfies LeaseType);
    return 'ok';
  }

  async #deleg(caller: Caller, file: FakeFile, type: 'rd' | 'wr' | 'un'): Promise<Answer> {
    const arg = type === 'un' ? 'F_UNLCK' : leaseTypes[type];
    await fcntlSetDeleg(this.context(file.inode), this.#rules, caller, file, arg, 3);
    return 'ok';
  }

  async #truncate(caller: Caller, inode: FakeInode): Promise<Answer> {
    inode.writers++; // get_write_access
    try {
      await this.context(inode).breakLease(caller, { access: 'write', kind: 'LEASE' });
    } finally {
      inode.writers--;
    }
    return 'ok';
  }

  async #kill(task: Task, victim: Player): Promise<Answer> {
    victim.process.exiting = true;
    for (const [name, file] of victim.files) {
      victim.files.delete(name);
      await this.#close(task, file, 'exit');
    }
    return 'ok';
  }
}

/** One file that nobody has open, and a caller with this user number. */
export function oneFile(kernel: KernelName, uid = 0) {
  const rules = kernelRules[kernel];
  const sched = new Scheduler({ mode: 'simulated', timers: 'manual' });
  const inode = new FakeInode('f');
  const leases = new LeaseContext({ sched, rules, settings: defaultLeaseSettings() }, inode);
  const process = new FakeProcess(10, 'app', uid);
  const caller = { task: new Task(sched, 1, 'app', false), process };
  return { rules, inode, leases, process, caller };
}
