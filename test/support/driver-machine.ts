// A machine of memory and drivers: what tests of drivers run on when files and system calls do not
// matter. Its processes are an mm and the calls of open nodes; each call is one entry into the
// kernel.

import assert from 'node:assert/strict';
import { DriverCore } from '../../lib/driver/core.js';
import type { DriverEvents } from '../../lib/driver/events.js';
import type { NodeIO } from '../../lib/driver/file-operations.js';
import type { IommuMode } from '../../lib/driver/iommu.js';
import type { LayoutService } from '../../lib/driver/layout-service.js';
import type { NodeFile, NodeOpenFlag } from '../../lib/driver/node-file.js';
import type { Caller, ProcessLike } from '../../lib/mm/caller.js';
import { claimTaskWork, closeTaskWork, runTaskWork } from '../../lib/sched/task-work.js';
import type { Task } from '../../lib/sched/index.js';
import { posOf } from '../../lib/units.js';
import {
  type FixtureOptions,
  mapFile,
  type MemoryMachine,
  memoryMachine,
  newProcess,
  type ProcessOptions,
  type TestFile,
} from './mm-fixture.js';

export interface DriverMachineOptions extends FixtureOptions {
  readonly iommu?: IommuMode;
  readonly events?: DriverEvents;
  readonly layout?: LayoutService;
}

export interface DriverMachine extends MemoryMachine {
  readonly core: DriverCore;
}

/** Time is virtual unless the options say otherwise. */
export function driverMachine(opts: DriverMachineOptions = {}): DriverMachine {
  const { iommu = 'off', events, layout, ...memory } = opts;
  const m = memoryMachine({ sched: { mode: 'simulated', seed: 1 }, ...memory });
  const core = new DriverCore({
    sched: m.sched,
    mm: m.env,
    iommu,
    ...(events !== undefined && { events }),
    ...(layout !== undefined && { layout }),
  });
  return { ...m, core };
}

/** An application: a process and its thread. */
export class App {
  readonly machine: DriverMachine;
  readonly process: ProcessLike;
  readonly task: Task;

  constructor(machine: DriverMachine, task: Task, name = 'app', opts: ProcessOptions = {}) {
    this.machine = machine;
    this.task = task;
    this.process = newProcess(machine, name, opts);
  }

  get caller(): Caller {
    return { task: this.task, process: this.process };
  }

  /** Map memory: anonymous and private, or a file shared. */
  map(nrPages: number, file: TestFile | null = null, prot: 'rw' | 'r' = 'rw'): Promise<number> {
    const share = file === null ? 'private' : 'shared';
    return mapFile(this.task, this.process.mm, file, nrPages, { share, prot });
  }

  async load(addr: number, len: number): Promise<Uint8Array> {
    const target = new Uint8Array(len);
    await this.process.mm.load(this.task, addr, target);
    return target;
  }

  fill(addr: number, len: number, byte: number): Promise<void> {
    return this.process.mm.store(this.task, addr, new Uint8Array(len).fill(byte));
  }

  openNode(name: string, flags?: readonly NodeOpenFlag[]): Promise<NodeFile> {
    return this.machine.core.openNode(this.caller, name, flags);
  }

  /** What openDevice() gives: the library of the node. */
  async open<L>(name: string, flags?: readonly NodeOpenFlag[]): Promise<L> {
    const file = await this.openNode(name, flags);
    const io: NodeIO = {
      node: name,
      ioctl: (request, arg) => file.ioctl(this.caller, request, arg),
      close: () => this.close(file),
    };
    const library = file.node.ops.library;
    assert(library !== null, `${name} has no library`);
    return library(io) as L;
  }

  /** close(2): the last reference runs release() before the call returns. */
  async close(file: NodeFile): Promise<void> {
    claimTaskWork(this.task);
    file.putFile(this.task);
    await runTaskWork(this.task);
    closeTaskWork(this.task);
  }

  async exit(): Promise<void> {
    await this.process.mm.exitMmap(this.task);
  }

  /** Run fn as another thread of the same process, beside this one. */
  thread<T>(name: string, fn: (app: App) => Promise<T>) {
    return this.machine.sched.spawn(name, (task) => fn(new AppThread(this, task)));
  }
}

class AppThread extends App {
  constructor(app: App, task: Task) {
    super(app.machine, task, app.process.name);
    Object.defineProperty(this, 'process', { value: app.process });
    app.machine.mms.pop();
  }
}

export const pages = posOf;
