// A camera in the hands of a test: every call runs to its end in virtual time, and every buffer
// that comes back is held against the invariants.

import assert from 'node:assert/strict';
import type { ExecutionContext } from 'ava';
import { isErrno } from '../../../lib/errno.js';
import { ms } from '../../../lib/units.js';
import type { Process } from '../../../lib/process/process.js';
import type { VideoClient } from '../../../drivers/v4l2/client.js';
import type {
  BufType,
  MemoryKind,
  V4L2Buffer,
  V4L2BufferArg,
} from '../../../drivers/v4l2/buffer.js';
import type { VB2Queue } from '../../../drivers/v4l2/vb2-queue.js';
import { Bench, type BenchOptions } from './bench.js';
import { checkBuffer, viewOf } from './invariants.js';

export interface RigOptions extends BenchOptions {
  readonly node?: 'video0' | 'video1';
  readonly flags?: readonly ('rdonly' | 'wronly' | 'rdwr' | 'nonblock')[];
}

type Extra = Partial<V4L2BufferArg>;

/** One open file of a node, and what it has dequeued. */
export class Rig {
  readonly t: ExecutionContext;
  readonly bench: Bench;
  readonly app: Process;
  readonly cam: VideoClient;
  readonly queue: VB2Queue;
  lastSequence = -1;

  private constructor(
    t: ExecutionContext,
    bench: Bench,
    app: Process,
    cam: VideoClient,
    node: string,
  ) {
    this.t = t;
    this.bench = bench;
    this.app = app;
    this.cam = cam;
    this.queue = node === 'video0' ? bench.capture : bench.output;
  }

  /** One application that has the node open, O_NONBLOCK unless said otherwise, at 640x360 YUYV. */
  static async open(t: ExecutionContext, opts: RigOptions = {}): Promise<Rig> {
    const bench = new Bench(opts);
    t.teardown(async () => assert.deepEqual(await bench.powerOff(), [], 'the driver leaked'));
    const rig = await Rig.join(t, bench, opts);
    await rig.run(rig.cam.setFormat({ width: 640, height: 360, pixelformat: 'YUYV' }));
    return rig;
  }

  /** Another application, or another open of one, on the same machine. */
  static async join(
    t: ExecutionContext,
    bench: Bench,
    opts: RigOptions & { readonly app?: Process } = {},
  ): Promise<Rig> {
    const { node = 'video0', flags = ['rdwr', 'nonblock'] } = opts;
    const app = opts.app ?? bench.spawn('app');
    const cam = await bench.run(bench.open(app, node, flags));
    return new Rig(t, bench, app, cam, node);
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.bench.run(promise);
  }

  sleep(milliseconds: number): Promise<void> {
    return this.bench.sched.runFor(ms(milliseconds));
  }

  /** The errno that the call answers; undefined if it does not fail. */
  async errno(promise: Promise<unknown>): Promise<string | undefined> {
    try {
      await this.run(promise);
      return undefined;
    } catch (e) {
      if (isErrno(e)) return e.code;
      throw e;
    }
  }

  async refuses(code: string, promise: Promise<unknown>, why?: string): Promise<void> {
    this.t.is(await this.errno(promise), code, why);
  }

  async request(count: number, memory: MemoryKind = 'MMAP'): Promise<number> {
    return (await this.run(this.cam.requestBuffers({ count, memory }))).count;
  }

  check(b: V4L2Buffer, view = viewOf(b), index?: number): V4L2Buffer {
    const { memory, opts, type } = this.queue;
    checkBuffer(this.t, b, {
      type,
      memory,
      view,
      maxBuffers: opts.maxBuffers,
      ...(index !== undefined && { index }),
      ...(view === 'dequeued' && { lastSequence: this.lastSequence }),
    });
    return b;
  }

  async query(index: number): Promise<V4L2Buffer> {
    const b = await this.run(this.cam.queryBuffer(index));
    checkBuffer(this.t, b, {
      type: this.queue.type,
      memory: this.queue.memory,
      index,
      maxBuffers: this.queue.opts.maxBuffers,
      view: viewOf(b),
    });
    return b;
  }

  async qbuf(index: number, extra: Extra = {}): Promise<V4L2Buffer> {
    const arg = { index, memory: this.queue.memory, ...extra };
    return this.check(await this.run(this.cam.queueBuffer(arg)), 'queued', index);
  }

  async prepare(index: number, extra: Extra = {}): Promise<V4L2Buffer> {
    const arg = { index, memory: this.queue.memory, ...extra };
    return this.check(await this.run(this.cam.prepareBuffer(arg)), 'prepared', index);
  }

  async dqbuf(): Promise<V4L2Buffer> {
    const b = this.check(await this.run(this.cam.dequeueBuffer()), 'dequeued');
    if (!b.flags.includes('ERROR')) this.lastSequence = b.sequence;
    return b;
  }

  async queueAll(count: number): Promise<void> {
    for (let index = 0; index < count; index++) await this.qbuf(index);
  }

  streamOn(type?: BufType): Promise<void> {
    return this.run(this.cam.streamOn(type));
  }

  async streamOff(): Promise<void> {
    await this.run(this.cam.streamOff());
    this.lastSequence = -1;
  }

  /** What poll() says within the time. */
  async poll(milliseconds = 3000): Promise<string> {
    return (await this.run(this.cam.poll(ms(milliseconds)))).join('|') || 'timeout';
  }

  /** Anonymous memory of the application. */
  async memory(len: number, prot: 'rw' | 'r' = 'rw'): Promise<number> {
    return this.run(this.app.mmap({ len, prot }));
  }

  load(addr: number, len: number): Promise<Uint8Array> {
    return this.run(this.app.load(addr, len));
  }
}

export const frameSize = 460800;
