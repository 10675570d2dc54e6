// A machine with file systems and processes of which only the mm and the open files are real: what
// the tests of this room stand on. Time is virtual unless a test says otherwise.

import type { ExecutionContext } from 'ava';
import { isErrno } from '../../lib/errno.js';
import type { FsEnv, FsEvents } from '../../lib/fs/fs-env.js';
import type { DaxOption } from '../../lib/fs/dax-mode.js';
import { FileSystem } from '../../lib/fs/file-system.js';
import type { Flavor } from '../../lib/fs/layout-table.js';
import type { OpenFlag } from '../../lib/fs/open.js';
import type { OpenFile } from '../../lib/fs/open-file.js';
import { Pipe } from '../../lib/fs/pipe.js';
import { kernelRules, type KernelName } from '../../lib/kernel-rules.js';
import type { LayoutPolicy } from '../../lib/lease/layout.js';
import { defaultLeaseSettings } from '../../lib/lease/leased-inode.js';
import type { Capability, Caller, ProcessLike } from '../../lib/mm/caller.js';
import { DaxDevice } from '../../lib/mm/dax-device.js';
import { newMMEnv, type MMEnv } from '../../lib/mm/mm-env.js';
import { MM, type ProtString } from '../../lib/mm/mm.js';
import { VmFault } from '../../lib/mm/vma.js';
import { policies } from '../../lib/policy/index.js';
import { Scheduler, type SchedulerOptions, type Task } from '../../lib/sched/index.js';
import { claimTaskWork, closeTaskWork, runTaskWork } from '../../lib/sched/task-work.js';
import { KiB, MiB, ms, PAGE_SIZE } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import { watchBalance } from '../support/end-of-file.js';
import { memoryRegion } from '../support/mm-fixture.js';

export const allCaps: readonly Capability[] = [
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_IPC_LOCK',
  'CAP_KILL',
  'CAP_LEASE',
  'CAP_LINUX_IMMUTABLE',
  'CAP_SYS_ADMIN',
  'CAP_SYS_RESOURCE',
];

export interface MachineOptions {
  readonly kernel?: KernelName;
  readonly sched?: SchedulerOptions;
  readonly ramPages?: number;
  readonly device?: DaxDevice;
  readonly deviceLen?: number;
  readonly events?: FsEvents;
}

/** A process: one mm, its signals, its files. */
export class TestProcess implements ProcessLike {
  readonly pid: number;
  readonly name: string;
  readonly cred: { uid: number; gid: number; caps: ReadonlySet<Capability> };
  readonly mm: MM;
  readonly user: { uid: number; lockedVm: number };
  readonly signals: string[] = [];
  readonly files = new Set<OpenFile>();
  readonly pipes = new Set<Pipe>();
  exiting = false;
  fatalSignalPending = false;
  fsize = Infinity;
  readonly m: FsMachine;

  constructor(m: FsMachine, name: string, pid: number, uid = 0) {
    this.m = m;
    this.name = name;
    this.pid = pid;
    this.cred = { uid, gid: uid, caps: new Set(uid === 0 ? allCaps : []) };
    this.user = { uid, lockedVm: 0 };
    this.mm = new MM(m.mm, name);
    this.mm.process = this;
  }

  rlimit(name: 'memlock' | 'fsize' | 'nofile'): number {
    return name === 'fsize' ? this.fsize : Infinity;
  }

  sendSignal(sig: string): void {
    this.signals.push(sig);
  }

  /** One system call, on a task of its own; what it owes is done before it returns. */
  call<T>(fn: (caller: Caller) => Promise<T>, hold?: (task: Task) => void): Promise<T> {
    return this.m.sched.enter(this.name, async (task) => {
      task.owner = this;
      hold?.(task);
      claimTaskWork(task);
      try {
        return await fn({ task, process: this });
      } finally {
        await runTaskWork(task);
        closeTaskWork(task);
      }
    });
  }

  open(fs: FileSystem, path: string, flags: OpenFlag[] = ['rdwr', 'creat'], mode = 0o666) {
    return this.call(async (caller) => {
      const file = await fs.open(caller, path, flags, mode);
      this.files.add(file);
      return file;
    });
  }

  /** The descriptor of an open file, until one before it is closed. */
  fdOf(file: OpenFile): number {
    return [...this.files].indexOf(file);
  }

  close(file: OpenFile): Promise<void> {
    this.files.delete(file);
    return this.call(async ({ task }) => file.putFile(task));
  }

  write(file: OpenFile, pos: number, bytes: Uint8Array | string): Promise<number> {
    const source = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
    return this.call((caller) => file.write(caller, pos, source));
  }

  async read(file: OpenFile, pos: number, len: number): Promise<Uint8Array> {
    const target = new Uint8Array(len);
    const got = await this.call((caller) => file.read(caller, pos, target));
    return target.subarray(0, got);
  }

  truncate(file: OpenFile, len: number): Promise<void> {
    return this.call((caller) => file.ftruncate(caller, len));
  }

  mmap(
    file: OpenFile | null,
    len: number,
    opts: { prot?: ProtString; share?: 'shared' | 'private'; pgoff?: number } = {},
  ): Promise<number> {
    const { prot = 'rw', share = 'shared', pgoff } = opts;
    const backing = file === null ? {} : { file, ops: file.vmOps, pgoff };
    return this.call(({ task }) => this.mm.mmap(task, { len, prot, share, ...backing }));
  }

  munmap(addr: number, len: number): Promise<void> {
    return this.call(({ task }) => this.mm.munmap(task, addr, len));
  }

  async load(addr: number, len: number): Promise<Uint8Array> {
    const target = new Uint8Array(len);
    await this.call(({ task }) => this.mm.load(task, addr, target));
    return target;
  }

  store(addr: number, bytes: Uint8Array): Promise<void> {
    return this.call(({ task }) => this.mm.store(task, addr, bytes));
  }

  /** Hold pages for as long as the pipe is not drained. */
  async pin(addr: number, len: number): Promise<{ pipe: Pipe; len: number }> {
    const pipe = new Pipe(this.m.mm);
    const got = await this.call(({ task }) => pipe.vmsplice(task, this.mm, addr, len));
    this.pipes.add(pipe);
    return { pipe, len: got };
  }

  /** Drain: the bytes as the holder sees them now. */
  async unpin(pipe: Pipe): Promise<Uint8Array> {
    const target = new Uint8Array(pipe.len);
    this.pipes.delete(pipe);
    await this.call(({ task }) => pipe.read(task, target));
    return target;
  }

  async exit(): Promise<void> {
    this.exiting = true;
    await this.call(async ({ task }) => {
      await this.mm.exitMmap(task);
      for (const file of this.files) file.putFile(task);
      for (const pipe of this.pipes) {
        pipe.closeEnd('read');
        pipe.closeEnd('write');
      }
    });
  }
}

export class FsMachine {
  readonly sched: Scheduler;
  readonly mm: MMEnv;
  readonly env: FsEnv;
  readonly device: DaxDevice;
  readonly processes = new Map<string, TestProcess>();
  readonly leaseSettings = defaultLeaseSettings();
  readonly mounts: FileSystem[] = [];
  #nextPid = 100;
  #nextMount = 1;

  constructor(opts: MachineOptions = {}) {
    const { kernel = '6.1', ramPages = 512, deviceLen = 4 * MiB, events = {} } = opts;
    const rules = kernelRules[kernel];
    this.sched = new Scheduler(opts.sched ?? { mode: 'simulated', timers: 'manual' });
    this.device = opts.device ?? DaxDevice.memory(deviceLen);
    const admitPin: MMEnv['admitPin'] = (intent) => {
      for (const fs of this.mounts) if (fs.admitPin(intent)) return;
    };
    this.mm = newMMEnv(this.sched, rules, {
      ram: memoryRegion(ramPages),
      pmem: this.device,
      admitPin,
    });
    watchBalance(this.mm);
    this.mm.longtermFsdax = (mapping) =>
      this.mounts.find((fs) => fs.mount.id === mapping.host.mount)?.policy.rules.longtermFsdax;
    this.env = {
      sched: this.sched,
      mm: this.mm,
      rules,
      leaseSettings: this.leaseSettings,
      events,
      processByPid: (pid) => [...this.processes.values()].find((p) => p.pid === pid),
      fileOf: (process, fd) => [...(process as TestProcess).files][fd],
    };
  }

  process(name = 'A', uid = 0): TestProcess {
    const known = this.processes.get(name);
    if (known !== undefined) return known;
    const process = new TestProcess(this, name, this.#nextPid++, uid);
    this.processes.set(name, process);
    return process;
  }

  /** Make and mount a file system of 1 MiB on the next free partition. */
  async make(
    flavor: Flavor,
    opts: { dax?: DaxOption; policy?: LayoutPolicy; len?: number; startPos?: number } = {},
  ): Promise<FileSystem> {
    const { len = MiB } = opts;
    const startPos = opts.startPos ?? this.#nextPos(len);
    if (flavor !== 'tmpfs') await FileSystem.mkfs(this.device, { startPos, len, flavor });
    return this.mount(flavor, { ...opts, startPos, len });
  }

  #nextPos(len: number): number {
    const pos = this.mounts.length * len;
    return Math.min(pos, this.device.len - len);
  }

  async mount(
    flavor: Flavor,
    opts: { dax?: DaxOption; policy?: LayoutPolicy; len?: number; startPos?: number } = {},
  ): Promise<FileSystem> {
    const { dax = false, policy = policies.linux, len = MiB, startPos = 0 } = opts;
    const disk = flavor !== 'tmpfs';
    const fs = await FileSystem.mount(this.env, {
      device: disk ? this.device : null,
      region: disk ? this.mm.pages.regions[1]! : null,
      ...{ startPos, len, flavor, dax, policy, mountId: this.#nextMount++ },
    });
    this.mounts.push(fs);
    return fs;
  }

  async unmount(fs: FileSystem): Promise<void> {
    await this.sched.enter('umount', (task) => fs.unmount(task));
    this.mounts.splice(this.mounts.indexOf(fs), 1);
  }

  /** Unmount and mount again: what is on the device, and nothing else. */
  async remount(fs: FileSystem, startPos = 0): Promise<FileSystem> {
    const { flavor, daxMode: dax, policy } = fs.mount;
    await this.unmount(fs);
    return this.mount(flavor as Flavor, { dax, policy, startPos });
  }

  /** Whether the call has not returned after so much time. */
  async blocks(call: Promise<unknown>, timeNs = ms(600)): Promise<boolean> {
    call.catch(() => {});
    return !(await this.sched.runUntil(call, timeNs));
  }

  /** Every process exits and nothing is left. */
  async end(t: ExecutionContext): Promise<void> {
    for (const process of this.processes.values()) if (!process.exiting) await process.exit();
    await this.sched.settle();
    for (const fs of [...this.mounts]) await this.unmount(fs);
    assertBalanced(t, this.mm);
    this.device.close();
  }
}

/** Bytes of one value. */
export const bytesOf = (value: number | string, len: number): Uint8Array =>
  new Uint8Array(len).fill(typeof value === 'number' ? value : value.charCodeAt(0));

/** Runs, as the recorded cases write them: 5a*4096,00*16; the ninth is always followed by `...`. */
export function runs(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'empty';
  const out: string[] = [];
  for (let i = 0; i < bytes.length;) {
    let n = 1;
    while (i + n < bytes.length && bytes[i + n] === bytes[i]) n += 1;
    out.push(`${bytes[i]!.toString(16).padStart(2, '0')}*${n}`);
    if (out.length === 9) return [...out, '...'].join(',');
    i += n;
  }
  return out.join(',');
}

/** The errno or signal that a call ends in; 'ok' if none. */
export async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (e) {
    if (isErrno(e)) return e.code;
    if (e instanceof VmFault) return e.signal;
    throw e;
  }
}

export const PAGES = (n: number): number => n * PAGE_SIZE;
export { KiB, MiB, ms };
