// A camera in the hands of a test: every call runs to its end in virtual time. Every buffer call is
// watched (watch.ts), and what broke an invariant fails the test when its machine is turned off.

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

export interface RigOptions extends BenchOptions {
  readonly node?: 'video0' | 'video1';
  /** YUYV if not given. */
  readonly pixelformat?: string;
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
    await rig.run(
      rig.cam.setFormat({ width: 640, height: 360, pixelformat: opts.pixelformat ?? 'YUYV' }),
    );
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

  query(index: number): Promise<V4L2Buffer> {
    return this.run(this.cam.queryBuffer(index));
  }

  qbuf(index: number, extra: Extra = {}): Promise<V4L2Buffer> {
    return this.run(this.cam.queueBuffer({ index, memory: this.queue.memory, ...extra }));
  }

  prepare(index: number, extra: Extra = {}): Promise<V4L2Buffer> {
    return this.run(this.cam.prepareBuffer({ index, memory: this.queue.memory, ...extra }));
  }

  dqbuf(): Promise<V4L2Buffer> {
    return this.run(this.cam.dequeueBuffer());
  }

  async queueAll(count: number): Promise<void> {
    for (let index = 0; index < count; index++) await this.qbuf(index);
  }

  streamOn(type?: BufType): Promise<void> {
    return this.run(this.cam.streamOn(type));
  }

  streamOff(): Promise<void> {
    return this.run(this.cam.streamOff());
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
