// An open device node: the file that a descriptor of an application stands for.
//
//   openNode -> OPEN --last putFile--> RELEASED          withdrawn by unbind: every call ENODEV
//                 `---disassociate---> RELEASED          a fence: the same for this file alone
//
// The core asserts around every call into the driver: it comes back with the locks it went in
// with and without short-term pins, and refuses only by Errno. A fault on user memory inside a
// call is EFAULT.

import assert from 'node:assert/strict';
import { Errno, isErrno } from '../errno.js';
import type { AddressSpace } from '../mm/address-space.js';
import type { Caller } from '../mm/caller.js';
import { VmFault, type VMA, type VmFile } from '../mm/vma.js';
import { addTaskWork } from '../sched/task-work.js';
import type { Task } from '../sched/task.js';
import type { BoundDevice } from './bound-device.js';
import { anyPollEvent } from './file-operations.js';
import type { FilledOps, OpenNode, PollEvents, PollWait } from './file-operations.js';

export type NodeOpenFlag = 'rdonly' | 'wronly' | 'rdwr' | 'nonblock';

/** A published node of a device. */
export interface DeviceNode {
  readonly name: string;
  readonly device: BoundDevice;
  readonly ops: FilledOps;
  withdrawn: boolean;
}

const noWait: PollWait = () => {};

export class NodeFile implements VmFile, OpenNode {
  readonly node: DeviceNode;
  readonly readable: boolean;
  readonly writable: boolean;
  /** O_NONBLOCK; fcntl(F_SETFL) may change it. */
  nonblock: boolean;
  #handle: unknown = undefined;
  #refs = 1;
  #fenced = false;
  #state: 'OPENING' | 'OPEN' | 'RELEASED' = 'OPENING';

  constructor(node: DeviceNode, flags: readonly NodeOpenFlag[]) {
    this.node = node;
    this.readable = !flags.includes('wronly');
    this.writable = !flags.includes('rdonly');
    this.nonblock = flags.includes('nonblock');
  }

  get path(): string {
    return `/dev/${this.node.name}`;
  }

  get label(): string {
    return this.path;
  }

  /** f_mapping: what mappings of the node belong to, if the driver says so. */
  get mapping(): AddressSpace | null {
    return this.node.ops.mapping;
  }

  /** Calls are ENODEV: the device went, or this file was taken from its user. */
  get withdrawn(): boolean {
    return this.node.withdrawn || this.#fenced;
  }

  get isOpen(): boolean {
    return this.#state === 'OPEN';
  }

  /** The core only: run the driver's open(). The file is not open if it throws. */
  async open(caller: Caller): Promise<void> {
    this.#handle = await this.#call(caller.task, 'open', () => this.node.ops.open(caller, this));
    this.#state = 'OPEN';
    this.node.device.fileOpened(this);
  }

  /** One request. ENOTTY for one the node does not know, ENODEV after the device went. */
  ioctl(caller: Caller, request: string, arg: unknown): Promise<unknown> {
    return this.#enter(caller.task, `ioctl ${request}`, () =>
      this.node.ops.ioctl(this.#handle, request, arg, caller),
    );
  }

  async mmap(caller: Caller, vma: VMA): Promise<void> {
    await this.#enter(caller.task, 'mmap', () => this.node.ops.mmap(this.#handle, vma, caller));
  }

  /** What of `asked` is ready now; wait is told the queues whose wake-up may change that. */
  poll(caller: Caller, wait: PollWait = noWait, asked: PollEvents = anyPollEvent): PollEvents {
    if (this.withdrawn) return ['POLLERR', 'POLLHUP'];
    if (!this.isOpen) assert.fail(`poll: ${this.path} is closed`);
    return this.node.ops.poll(this.#handle, wait, caller, asked);
  }

  async read(caller: Caller, target: Uint8Array): Promise<number> {
    if (!this.readable) throw new Errno('EBADF', `read: ${this.path} is write-only`);
    return this.#enter(caller.task, 'read', () => this.node.ops.read(this.#handle, target, caller));
  }

  async write(caller: Caller, source: Uint8Array): Promise<number> {
    if (!this.writable) throw new Errno('EBADF', `write: ${this.path} is read-only`);
    return this.#enter(caller.task, 'write', () =>
      this.node.ops.write(this.#handle, source, caller),
    );
  }

  getFile(): void {
    if (this.#refs <= 0) assert.fail(`${this.path}: get of a released file`);
    this.#refs++;
  }

  /** The last reference queues release(), which runs when task leaves the kernel. */
  putFile(task: Task): void {
    if (this.#refs <= 0) assert.fail(`${this.path}: put of a released file`);
    if (--this.#refs > 0) return;
    addTaskWork(task, `release of ${this.path}`, (own) => this.release(own));
  }

  /**
   * Take the file from its user while it is open (drivers/infiniband/core/rdma_core.c:
   * uverbs_disassociate_api): release() runs now, and every later call is ENODEV.
   */
  async disassociate(task: Task): Promise<void> {
    this.#fenced = true;
    await this.release(task);
  }

  /** Run the driver's release(), once: at the last put, or before that when the device goes. */
  async release(task: Task): Promise<void> {
    if (this.#state !== 'OPEN') return;
    this.#state = 'RELEASED';
    try {
      await this.#call(task, 'release', () => this.node.ops.release(this.#handle, task));
    } finally {
      this.node.device.fileReleased(this);
    }
  }

  #enter<T>(task: Task, what: string, fn: () => T | Promise<T>): Promise<T> {
    if (this.withdrawn) {
      return Promise.reject(new Errno('ENODEV', `${what}: ${this.path}: the device is gone`));
    }
    if (!this.isOpen) assert.fail(`${what}: ${this.path} is closed`);
    return this.#call(task, what, fn);
  }

  async #call<T>(task: Task, what: string, fn: () => T | Promise<T>): Promise<T> {
    const { device } = this.node;
    const nrHeld = task.held.length;
    const entry = device.enterDriver(task, this);
    try {
      return await fn();
    } catch (e) {
      throw this.#refusal(what, e);
    } finally {
      device.leaveDriver(entry, `${what} of ${this.path}`);
      const left = task.held.length !== nrHeld;
      if (left) assert.fail(`${what} of ${this.path}: locks left behind`);
    }
  }

  #refusal(what: string, e: unknown): unknown {
    if (isErrno(e) || e instanceof assert.AssertionError) return e;
    if (e instanceof VmFault) {
      return new Errno('EFAULT', `${what}: ${this.path}: ${e.message}`, { cause: e });
    }
    return new Error(`BUG: ${what} of ${this.path} threw something that is no Errno`, { cause: e });
  }
}
