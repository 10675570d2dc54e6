// A kernel with simulated time and files that say what happens to them, for tests of processes.

import type { Caller } from '../../lib/mm/caller.js';
import type { MMEnv } from '../../lib/mm/mm-env.js';
import { PinTable } from '../../lib/mm/pin-table.js';
import { kernelRules } from '../../lib/kernel-rules.js';
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

/** Byte 0 of a read says how the read waits until wake(): see waits. */
export class FakeFile extends Counted implements RegularFile {
  readonly readable: boolean;
  readonly writable: boolean;
  readonly append: boolean;
  nonblock = false;
  /** Where reads of length 1, 2 and 3 wait: interruptibly, killably, not at all. */
  readonly queue: WaitQueue;
  size = 0;
  /** Set by wake(). */
  ready = false;
  lease = 'F_UNLCK';

  constructor(sched: Scheduler, label: string, flags: readonly OpenFlag[], journal: Journal) {
    super(label, journal);
    this.readable = !flags.includes('wronly');
    this.writable = flags.includes('wronly') || flags.includes('rdwr');
    this.append = flags.includes('append');
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
    const at = this.append ? this.size : pos;
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
    return { ino: 1, size: this.size, mode: 0o644, uid: 0, gid: 0, nlink: 1 };
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

  setOwner(): void {}
  setSignal(): void {}
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

class FakePipe implements PipeBuffers {
  readonly #journal: Journal;
  readonly #bytes: number[] = [];
  #readers = true;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  async vmsplice(_caller: Caller, _addr: number, len: number): Promise<number> {
    this.#bytes.push(...new Uint8Array(len));
    return len;
  }

  async write(_caller: Caller, source: Uint8Array): Promise<number> {
    if (!this.#readers) throw new Errno('EPIPE', 'write: nobody reads');
    this.#bytes.push(...source);
    return source.length;
  }

  async read(_caller: Caller, target: Uint8Array): Promise<number> {
    const bytes = this.#bytes.splice(0, target.length);
    target.set(bytes);
    return bytes.length;
  }

  closeReader(): void {
    this.#readers = false;
    this.#journal.push('close reader');
  }

  closeWriter(): void {
    this.#journal.push('close writer');
  }

  destroy(): void {
    this.#journal.push('destroy pipe');
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

/** Processes over fake files. `/` is one mount, `/other` another. */
export function fixture(opts: Partial<SimulatedOptions> = {}): Fixture {
  const sched = new Scheduler({ mode: 'simulated', ...opts });
  const journal: Journal = [];
  const fs = new FakeFs(sched, journal);
  const mounts = new MountTable();
  mounts.mount('/', fs as unknown as FileSystemOps);
  mounts.mount('/other', new FakeFs(sched, journal) as unknown as FileSystemOps);
  const devices = new Map<string, FakeDevice>();
  const kernel: Kernel = {
    sched,
    rules: kernelRules['7.2'],
    mmEnv: { sched, pinTable: new PinTable() } as unknown as MMEnv,
    mounts,
    makePipe: () => new FakePipe(journal),
    async openNode(_caller, name): Promise<OpenedNode> {
      if (name === 'none') throw new Errno('ENOENT', 'no such node');
      const file = new FakeDevice(sched, `/dev/${name}`, journal);
      devices.set(name, file);
      return { file, library: name === 'lib' ? (io) => ({ io, isLibrary: true }) : null };
    },
  };
  return { sched, kernel, table: new ProcessTable(kernel), fs, journal, devices };
}
