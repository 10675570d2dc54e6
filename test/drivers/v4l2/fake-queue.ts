// A queue with memory and a driver that a test can see into: no device, no pages.

import { Mutex, Scheduler, type Task } from '../../../lib/sched/index.js';
import { Errno } from '../../../lib/errno.js';
import type { Caller } from '../../../lib/mm/caller.js';
import type { ActiveBuffer } from '../../../drivers/v4l2/active-buffer.js';
import type { MemoryOps, PlaneMemory, TakeBack } from '../../../drivers/v4l2/memory.js';
import { fillBuffer } from '../../../drivers/v4l2/fill-buffer.js';
import type { V4L2BufferArg } from '../../../drivers/v4l2/buffer.js';
import { v4l2Rules } from '../../../drivers/v4l2/rules.js';
import type { VB2QueueOptions } from '../../../drivers/v4l2/queue-options.js';
import { VB2Queue } from '../../../drivers/v4l2/vb2-queue.js';
import { checkQueue } from './watch.js';

export class FakeMemory implements PlaneMemory {
  readonly bytes: Uint8Array;
  readonly takeBack: TakeBack | null;
  users = 0;
  held = true;

  constructor(len: number, takeBack: TakeBack | null = null) {
    this.bytes = new Uint8Array(len);
    this.takeBack = takeBack;
  }

  get len(): number {
    return this.bytes.length;
  }

  get inUse(): boolean {
    return this.users > 0;
  }

  async write(pos: number, source: Uint8Array): Promise<void> {
    this.bytes.set(source, pos);
  }

  async read(pos: number, target: Uint8Array): Promise<void> {
    target.set(this.bytes.subarray(pos, pos + target.length));
  }

  fill(pos: number, source: Uint8Array): Promise<void> {
    return this.write(pos, source);
  }

  put(): void {
    if (!this.held) throw new Error('memory put twice');
    this.held = false;
  }
}

/** A queue whose buffers keep the invariants after each of its calls, also a refused one. */
class WatchedQueue extends VB2Queue {
  override async queue(...args: Parameters<VB2Queue['queue']>): Promise<void> {
    await super.queue(...args).finally(() => checkQueue(this));
  }

  override async prepare(...args: Parameters<VB2Queue['prepare']>): Promise<void> {
    await super.prepare(...args).finally(() => checkQueue(this));
  }

  override dequeue(...args: Parameters<VB2Queue['dequeue']>): ReturnType<VB2Queue['dequeue']> {
    return super.dequeue(...args).finally(() => checkQueue(this));
  }

  override streamOn(...args: Parameters<VB2Queue['streamOn']>): void {
    super.streamOn(...args);
    checkQueue(this);
  }

  override streamOff(...args: Parameters<VB2Queue['streamOff']>): void {
    super.streamOff(...args);
    checkQueue(this);
  }
}

export interface FakeOptions extends Partial<VB2QueueOptions> {
  readonly kernel?: '6.1' | '6.12' | '7.2';
}

export const bufferSize = 100;

export class FakeQueue {
  readonly sched = new Scheduler({ mode: 'simulated', seed: 1 });
  readonly lock = new Mutex(this.sched, 'queue lock');
  readonly queue: VB2Queue;
  /** Every memory that was taken, in order. */
  readonly memories: FakeMemory[] = [];
  /** What the driver holds. */
  readonly active: ActiveBuffer[] = [];
  /** What the driver was told, in order. */
  readonly log: string[] = [];
  /** How many more allocations succeed. */
  allocations = Infinity;
  /** The next startStreaming() throws this. */
  startError: Errno | null = null;
  /** The driver's part in bufPrepare. */
  prepareError: Errno | null = null;
  /** A driver with a bug keeps its buffers in stopStreaming(). */
  keepsBuffers = false;

  constructor(opts: FakeOptions = {}) {
    const rules = v4l2Rules[opts.kernel ?? '7.2'];
    this.queue = new WatchedQueue({
      name: 'fake',
      type: 'VIDEO_CAPTURE',
      ioModes: ['MMAP', 'USERPTR', 'DMABUF', 'READ', 'WRITE'],
      maxBuffers: 8,
      minReqbufsAllocation: 0,
      minQueuedBuffers: 0,
      rules,
      sched: this.sched,
      lock: this.lock,
      memory: this.#memoryOps(),
      ops: {
        bufPrepare: (vb) => {
          if (this.prepareError !== null) throw this.prepareError;
          if (this.queue.dir === 'capture') vb.planes[0]!.bytesused = bufferSize;
        },
        bufQueue: (active) => {
          this.log.push(`queue ${active.vb.index}`);
          this.active.push(active);
        },
        queueSetup: ({ nrBuffers, sizes }) => ({ nrBuffers, sizes: sizes ?? [bufferSize] }),
        startStreaming: (count) => {
          this.log.push(`start ${count}`);
          const error = this.startError;
          this.startError = null;
          if (error === null) return;
          for (const active of this.active.splice(0)) active.done('QUEUED');
          throw error;
        },
        stopStreaming: () => {
          this.log.push('stop');
          if (this.keepsBuffers) return;
          for (const active of this.active.splice(0)) if (active.owned) active.done('ERROR');
        },
      },
      ...opts,
    });
  }

  #memoryOps(): MemoryOps {
    const take = (len: number, takeBack: TakeBack | null = null): FakeMemory => {
      const memory = new FakeMemory(len, takeBack);
      this.memories.push(memory);
      return memory;
    };
    return {
      alloc: (len) => {
        if (this.allocations-- <= 0) throw new Errno('ENOMEM', 'no memory');
        return take(len);
      },
      attachDmabuf: (_buf, len, _dir, takeBack) => take(len, takeBack),
      getUserptr: async (_caller, { addr, len }, _dir, takeBack) => {
        if (addr === 0) throw new Errno('EFAULT', 'NULL');
        return take(len, takeBack);
      },
    };
  }

  get held(): number {
    return this.memories.filter((m) => m.held).length;
  }

  /** Run fn as a task that holds the queue's lock. */
  locked<T>(fn: (caller: Caller, task: Task) => Promise<T> | T): Promise<T> {
    return this.sched.run('test', async (task) => {
      await this.lock.lock(task);
      try {
        return await fn({ task, process: null as never }, task);
      } finally {
        this.lock.unlock(task);
      }
    });
  }

  /** QBUF. */
  async qbuf(caller: Caller, arg: V4L2BufferArg): Promise<void> {
    const vb = this.queue.buffer(arg.index);
    if (!vb.prepared) fillBuffer(this.queue, vb, arg);
    await this.queue.queue(caller, vb);
  }
}
