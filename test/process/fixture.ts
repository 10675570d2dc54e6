// A kernel with simulated time and files that say what happens to them, for tests of processes.

import { defaultLeaseSettings } from '../../lib/lease/leased-inode.js';
import type { Caller, ProcessLike } from '../../lib/mm/caller.js';
import type { MM } from '../../lib/mm/mm.js';
import { newMMEnv } from '../../lib/mm/mm-env.js';
import { type KernelName, kernelRules } from '../../lib/kernel-rules.js';
import { Errno } from '../../lib/errno.js';
import type {
  DeviceFile,
  FileSystemOps,
  OpenFlag,
  PollEvent,
  RegularFile,
} from '../../lib/process/file.js';
import type { Kernel, OpenedNode, PipeBuffers } from '../../lib/process/kernel.js';
import { MountTable } from '../../lib/process/mount-table.js';
import { ProcessTable } from '../../lib/process/process-table.js';
import {
  Scheduler,
  type SimulatedOptions,
  type Task,
  type WaitMode,
  WaitQueue,
} from '../../lib/sched/index.js';
import { addTaskWork } from '../../lib/sched/task-work.js';
import { watchBalance } from '../support/end-of-file.js';
import { memoryRegion } from '../support/mm-fixture.js';

export type Journal = string[];

/** References as every open file has them; the last put queues the release. */
class Counted {
  readonly label: string;
  readonly mapping = null;
  readonly journal: Journal;
  refs = 1;

  constructor(label: string, journal: Journal) {
    this.label = label;
    this.journal = journal;
  }

  flush(): void {
    this.journal.push(`flush ${this.label}`);
  }

  getFile(): void {
    this.refs++;
  }

  putFile(task: Task): void {
    if (--this.refs > 0) return;
    addTaskWork(task, `fput ${this.label}`, () => {
      this.journal.push(`release ${this.label}`);
    });
  }
}

/** A read of 1, 2 or 3 bytes waits until wake(): interruptibly, killably, uninterruptibly. */
export class FakeFile extends Counted implements RegularFile {
  readonly readable: boolean;
  readonly writable: boolean;
  readonly flags: ReadonlySet<OpenFlag>;
  pos = 0;
  owner: ProcessLike | null = null;
  signal: string | null = null;
  nonblock = false;
  readonly queue: WaitQueue;
  size = 0;
  /** Set by wake(). */
  ready = false;
  lease = 'F_UNLCK';

  constructor(sched: Scheduler, label: string, flags: readonly OpenFlag[], journal: Journal) {
    super(label, journal);
    this.readable = !flags.includes('wronly');
    this.writable = flags.includes('wronly') || flags.includes('rdwr');
    this.flags = new Set(flags);
    this.queue = new WaitQueue(sched, label);
  }

  wake(): void {
    this.ready = true;
    this.queue.wakeAll();
  }

  async waitFor(task: Task, mode: WaitMode): Promise<void> {
    this.journal.push(`enter ${this.label}`);
    try {
      await this.queue.waitEvent(task, () => this.ready, { mode, why: this.label });
    } finally {
      this.journal.push(`leave ${this.label}`);
    }
  }

  async read(caller: Caller, pos: number, target: Uint8Array): Promise<number> {
    if (target.length === 1) await this.waitFor(caller.task, 'interruptible');
    if (target.length === 2) await this.waitFor(caller.task, 'killable');
    if (target.length === 3) await this.waitFor(caller.task, 'uninterruptible');
    target.fill(pos & 0xff);
    return Math.max(0, Math.min(target.length, this.size - pos));
  }

  async write(_caller: Caller, pos: number, source: Uint8Array): Promise<number> {
    const at = this.flags.has('append') ? this.size : pos;
    this.size = Math.max(this.size, at + source.length);
    this.journal.push(`write ${this.label} ${at}`);
    return source.length;
  }

  readDirect(): Promise<number> {
    return Promise.reject(new Errno('EINVAL', 'no direct I/O'));
  }

  writeDirect(): Promise<number> {
    return Promise.reject(new Errno('EINVAL', 'no direct I/O'));
  }

  async ftruncate(_caller: Caller, len: number): Promise<void> {
    this.size = len;
  }

  async fallocate(): Promise<void> {}

  async fsync(): Promise<void> {
    this.journal.push(`fsync ${this.label}`);
  }

  stat() {
    const { size } = this;
    const times = { atimeNs: 0, mtimeNs: 0, ctimeNs: 0 };
    const owner = { uid: 0, gid: 0, mode: 0o644, nlink: 1 };
    return {
      dev: 1,
      ino: 1,
      generation: 1,
      size,
      blocks: 0,
      blockSize: 4096,
      dax: false,
      ...times,
      ...owner,
    };
  }

  readonly vmOps = {
    fault: () => Promise.reject(new Errno('ENOMEM', 'nothing to map')),
  };

  setLease(_caller: Caller, arg: string): void {
    this.lease = arg;
  }

  getLease() {
    return this.lease as 'F_UNLCK';
  }

  setDeleg(_caller: Caller, arg: string): void {
    this.lease = arg;
  }

  getDeleg() {
    return this.lease as 'F_UNLCK';
  }

  seek(whence: 'data' | 'hole', pos: number): number {
    if (pos >= this.size) throw new Errno('ENXIO', 'lseek: past the end');
    return whence === 'data' ? pos : this.size;
  }
}

export class FakeDevice extends Counted implements DeviceFile {
  readonly readable = true;
  readonly writable = true;
  readonly path: string;
  nonblock = false;
  events: PollEvent[] = [];
  readonly queues: WaitQueue[];

  constructor(sched: Scheduler, label: string, journal: Journal) {
    super(label, journal);
    this.path = label;
    this.queues = [new WaitQueue(sched, 'in'), new WaitQueue(sched, 'out')];
  }

  async ioctl(caller: Caller, request: string, arg: unknown): Promise<unknown> {
    if (request === 'WAIT') await this.queues[0]!.wait(caller.task, { why: 'WAIT' });
    else if (request !== 'ECHO') throw new Errno('ENOTTY', `no request ${request}`);
    return arg;
  }

  mmap(): Promise<void> {
    return Promise.reject(new Errno('ENODEV', 'no mmap'));
  }

  poll(_caller: Caller, wait?: (queue: WaitQueue) => void): readonly PollEvent[] {
    for (const queue of this.queues) wait?.(queue);
    return this.events;
  }

  async read(_caller: Caller, target: Uint8Array): Promise<number> {
    target.fill(7);
    return target.length;
  }

  async write(_caller: Caller, source: Uint8Array): Promise<number> {
    return source.length;
  }
}

/** One file per name, made when it is opened with creat. */
export class FakeFs {
  readonly #sched: Scheduler;
  readonly #journal: Journal;
  readonly names = new Set<string>();
  /** Every open file description, by name, the latest last. */
  readonly opened: FakeFile[] = [];

  constructor(sched: Scheduler, journal: Journal) {
    this.#sched = sched;
    this.#journal = journal;
  }

  async open(_caller: Caller, path: string, flags: readonly OpenFlag[]): Promise<RegularFile> {
    if (!flags.includes('creat') && !this.names.has(path)) {
      throw new Errno('ENOENT', `open: no ${path}`);
    }
    this.names.add(path);
    const file = new FakeFile(this.#sched, path.slice(1), flags, this.#journal);
    this.opened.push(file);
    return file;
  }

  async rename(_caller: Caller, from: string, to: string): Promise<void> {
    this.names.delete(from);
    this.names.add(to);
  }

  last(label: string): FakeFile {
    const found = this.opened.findLast((file) => file.label === label);
    if (found === undefined) throw new Error(`nobody opened ${label}`);
    return found;
  }
}

export class FakePipe implements PipeBuffers {
  readonly label = 'pipe';
  readonly #journal: Journal;
  readonly #bytes: number[] = [];
  #readers = true;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  async vmsplice(_task: Task, _mm: MM, _addr: number, len: number): Promise<number> {
    this.#bytes.push(...new Uint8Array(len));
    return len;
  }

  async write(_task: Task, source: Uint8Array, nonblock: boolean): Promise<number> {
    if (!this.#readers) throw new Errno('EPIPE', 'write: nobody reads');
    if (nonblock && this.#bytes.length > 0) throw new Errno('EAGAIN', 'write: full');
    this.#bytes.push(...source);
    return source.length;
  }

  async read(_task: Task, target: Uint8Array): Promise<number> {
    const bytes = this.#bytes.splice(0, target.length);
    target.set(bytes);
    return bytes.length;
  }

  closeEnd(end: 'read' | 'write'): void {
    if (end === 'read') this.#readers = false;
    this.#journal.push(`close ${end} end`);
  }
}

export interface Fixture {
  readonly sched: Scheduler;
  readonly kernel: Kernel;
  readonly table: ProcessTable;
  readonly fs: FakeFs;
  readonly journal: Journal;
  readonly devices: Map<string, FakeDevice>;
}

export interface FixtureOptions extends Partial<SimulatedOptions> {
  readonly kernel?: KernelName;
  /** On the event loop, in real time. */
  readonly live?: boolean;
}

/** Processes over real memory and fake files. `/` is one mount, `/other` another. */
export function fixture({ kernel: name = '7.2', live, ...opts }: FixtureOptions = {}): Fixture {
  const sched = new Scheduler(live === true ? { mode: 'live' } : { ...opts, mode: 'simulated' });
  const journal: Journal = [];
  const fs = new FakeFs(sched, journal);
  const mounts = new MountTable();
  mounts.mount('/', fs as unknown as FileSystemOps);
  mounts.mount('/other', new FakeFs(sched, journal) as unknown as FileSystemOps);
  const devices = new Map<string, FakeDevice>();
  const rules = kernelRules[name];
  const mmEnv = newMMEnv(sched, rules, { ram: memoryRegion(128), pmem: memoryRegion(32) });
  watchBalance(mmEnv);
  const kernel: Kernel = {
    sched,
    rules,
    mmEnv,
    mounts,
    leaseSettings: defaultLeaseSettings(),
    makePipe: () => new FakePipe(journal),
    async openNode(_caller, node): Promise<OpenedNode> {
      if (node === 'none') throw new Errno('ENOENT', 'no such node');
      const file = new FakeDevice(sched, `/dev/${node}`, journal);
      devices.set(node, file);
      return { file, library: node === 'lib' ? (io) => ({ io, isLibrary: true }) : null };
    },
  };
  return { sched, kernel, table: new ProcessTable(kernel), fs, journal, devices };
}

/** Every process ends, and with it what it has pinned. */
export async function everybodyExits({ table, sched }: Fixture): Promise<void> {
  for (const process of table.alive) await process.exit();
  await sched.settle();
}
