// struct vb2_queue: the buffers of one video node, and the stream that runs through them.
//
//   IDLE --REQBUFS--> ALLOCATED --STREAMON--> STREAMING (started once minQueuedBuffers are queued)
//     ^----REQBUFS(0)-----'  ^------STREAMOFF------'       any --fatal()--> error until STREAMOFF
//
// Guards stand in the order in which videobuf2-core.c has them; facts 6.2 and judges 2.3 list
// what each answers. The caller holds the queue's lock; only dequeue() lets go of it, to sleep.
// Allocation is in vb2-alloc.ts, taking memory in vb2-prepare.ts, read() and write() in
// vb2-file-io.ts; ownership by one handle is the node's (queue-node.ts).

import assert from 'node:assert/strict';
import {
  Errno,
  WaitQueue,
  type Caller,
  type ErrnoCode,
  type Task,
} from '../../lib/driver/index.js';
import { ActiveBuffer, type FrameInfo, type Outcome } from './active-buffer.js';
import {
  describeBuffer,
  type BufFlag,
  type BufType,
  type MemoryKind,
  type V4L2Buffer,
  type VB2Buffer,
  type VB2Plane,
} from './buffer.js';
import type { FileIO } from './vb2-file-io.js';
import type { Direction } from './memory.js';
import type { QueueCounters, VB2QueueOptions } from './queue-options.js';
import { prepareBuffer, prepareMmap } from './vb2-prepare.js';

export class VB2Queue {
  readonly opts: VB2QueueOptions;
  readonly dir: Direction;
  /** Woken when a buffer is done, the stream stops or the queue fails. */
  readonly doneQueue: WaitQueue;
  readonly counters: QueueCounters = {
    bufQueue: 0,
    bufDone: 0,
    startStreaming: 0,
    stopStreaming: 0,
    memoryTaken: 0,
    memoryPut: 0,
  };
  /** By index; REMOVE_BUFS leaves holes. */
  readonly buffers = new Map<number, VB2Buffer>();
  /** Queued by the application and not yet dequeued, in order. */
  readonly queued: VB2Buffer[] = [];
  /** Done and not yet dequeued, in the order of completion. */
  readonly done: VB2Buffer[] = [];
  /** The kind all buffers are of; 'UNKNOWN' without any. */
  memory: MemoryKind = 'UNKNOWN';
  nonCoherent = false;
  fileIO: FileIO | null = null;
  waitingInDqbuf = false;
  /** Capture: nothing was queued since the stream was set up; poll() is POLLERR then. */
  waitingForBuffers = false;
  lastBufferDequeued = false;
  /** vb2_is_busy() of 6.8+: set by REQBUFS and CREATE_BUFS, cleared by REQBUFS(0). */
  allocatedSinceFree = false;
  /** Flags that every buffer of this queue shows. */
  readonly flags: readonly BufFlag[];
  #streaming = false;
  #started = false;
  #error = false;

  constructor(opts: VB2QueueOptions) {
    assert(opts.minReqbufsAllocation <= opts.maxBuffers, `${opts.name}: minimum above maximum`);
    this.opts = opts;
    this.dir = opts.type.startsWith('VIDEO_CAPTURE') ? 'capture' : 'output';
    this.flags = [opts.timestamps === 'COPY' ? 'TIMESTAMP_COPY' : 'TIMESTAMP_MONOTONIC'];
    this.doneQueue = new WaitQueue(opts.sched, `${opts.name}: done buffers`);
  }

  get type(): VB2QueueOptions['type'] {
    return this.opts.type;
  }

  get isOutput(): boolean {
    return this.dir === 'output';
  }

  get streaming(): boolean {
    return this.#streaming;
  }

  /** Whether the driver was started. */
  get started(): boolean {
    return this.#started;
  }

  get error(): boolean {
    return this.#error;
  }

  /** vb2_is_busy(): formats may not change. */
  get busy(): boolean {
    return this.opts.rules.busyUntilReqbufs0 ? this.allocatedSinceFree : this.buffers.size > 0;
  }

  /** Buffers the driver holds. */
  get nrActive(): number {
    return this.counters.bufQueue - this.counters.bufDone;
  }

  /** EINVAL: out of range or removed. */
  buffer(index: number): VB2Buffer {
    const vb = this.buffers.get(index);
    if (vb === undefined) throw this.refusal('EINVAL', `there is no buffer ${index}`);
    return vb;
  }

  refusal(code: ErrnoCode, why: string): Errno {
    return new Errno(code, `${this.opts.name}: ${why}`);
  }

  /** vb2_core_prepare_buf(). */
  async prepare(caller: Caller, vb: VB2Buffer): Promise<void> {
    if (vb.state !== 'DEQUEUED') throw this.refusal('EINVAL', `buffer ${vb.index} is ${vb.state}`);
    if (vb.prepared) throw this.refusal('EINVAL', `buffer ${vb.index} is already prepared`);
    await prepareBuffer(this, caller, vb);
  }

  /** vb2_core_qbuf(). Refused: the buffer is as it was. */
  async queue(caller: Caller, vb: VB2Buffer): Promise<void> {
    if (this.#error) throw this.refusal('EIO', 'a fatal error stopped it');
    if (vb.state !== 'DEQUEUED') throw this.refusal('EINVAL', `buffer ${vb.index} is ${vb.state}`);
    if (!vb.prepared) await prepareBuffer(this, caller, vb);
    this.#enqueue(vb);
  }

  /** The same for a buffer of the queue's own memory, which never waits. */
  queueMmap(vb: VB2Buffer): void {
    assert(this.memory === 'MMAP' && vb.state === 'DEQUEUED', `buffer ${vb.index} is ${vb.state}`);
    if (this.#error) throw this.refusal('EIO', 'a fatal error stopped it');
    if (!vb.prepared) prepareMmap(this, vb);
    this.#enqueue(vb);
  }

  #enqueue(vb: VB2Buffer): void {
    this.queued.push(vb);
    this.waitingForBuffers = false;
    vb.state = 'QUEUED';
    if (this.#started) this.#giveToDriver(vb);
    if (!this.#streaming || this.#started) return;
    if (this.queued.length < this.opts.minQueuedBuffers) return;
    try {
      this.#start();
    } catch (e) {
      this.queued.splice(this.queued.indexOf(vb), 1);
      vb.state = 'DEQUEUED';
      throw e;
    }
  }

  /** vb2_core_dqbuf(): the first finished buffer, or why there is none. Sleeps without the lock. */
  async dequeue(caller: Caller, nonblock: boolean): Promise<V4L2Buffer> {
    for (;;) {
      this.#checkMayWait();
      if (this.done.length > 0) return this.#takeDone();
      if (nonblock) throw this.refusal('EAGAIN', 'no buffer is done');
      await this.#sleep(caller);
    }
  }

  /** struct v4l2_buffer of vb as it is now. */
  describe(vb: VB2Buffer): V4L2Buffer {
    return describeBuffer(vb, this.type, this.flags);
  }

  /** The first done buffer leaves the queue. */
  #takeDone(): V4L2Buffer {
    const vb = this.done.shift();
    assert(vb !== undefined && (vb.state === 'DONE' || vb.state === 'ERROR'));
    vb.prepared = false;
    const shown = vb.state === 'ERROR' ? 'FAILED' : 'DEQUEUED';
    const described = describeBuffer(vb, this.type, this.flags, shown);
    this.queued.splice(this.queued.indexOf(vb), 1);
    vb.state = 'DEQUEUED';
    return described;
  }

  /** __vb2_wait_for_done_vb(): the guards, in their order. */
  #checkMayWait(): void {
    if (this.waitingInDqbuf) throw this.refusal('EBUSY', 'another task waits for a buffer');
    if (!this.#streaming) throw this.refusal('EINVAL', 'not streaming');
    if (this.#error) throw this.refusal('EIO', 'a fatal error stopped it');
    if (this.lastBufferDequeued) throw this.refusal('EPIPE', 'the last buffer was dequeued');
  }

  async #sleep(caller: Caller): Promise<void> {
    const { lock } = this.opts;
    this.waitingInDqbuf = true;
    lock.unlock(caller.task);
    try {
      const done = (): boolean => this.done.length > 0 || !this.#streaming || this.#error;
      await this.doneQueue.waitEvent(caller.task, done, { why: `${this.opts.name}: a buffer` });
    } finally {
      await lock.lock(caller.task);
      this.waitingInDqbuf = false;
    }
  }

  /** vb2_core_streamon(). */
  streamOn(type: BufType): void {
    if (type !== this.type) throw this.refusal('EINVAL', `it is no ${type} queue`);
    if (this.#streaming) return;
    if (this.buffers.size === 0) throw this.refusal('EINVAL', 'it has no buffers');
    if (this.buffers.size < this.opts.minQueuedBuffers) {
      throw this.refusal('EINVAL', `it needs ${this.opts.minQueuedBuffers} buffers`);
    }
    this.#streaming = true;
    if (this.queued.length < this.opts.minQueuedBuffers) return;
    try {
      this.#start();
    } catch (e) {
      this.#streaming = false;
      throw e;
    }
  }

  /** vb2_core_streamoff(): every buffer comes back, what was done is thrown away. */
  streamOff(type: BufType): void {
    if (type !== this.type) throw this.refusal('EINVAL', `it is no ${type} queue`);
    this.cancel();
    this.waitingForBuffers = !this.isOutput;
    this.lastBufferDequeued = false;
  }

  /** vb2_queue_error(): nothing more can be done until STREAMOFF or REQBUFS. */
  fatal(): void {
    this.#error = true;
    this.doneQueue.wakeAll();
  }

  /** vb2_start_streaming(). On a refusal every buffer is QUEUED again. */
  #start(): void {
    for (const vb of [...this.queued]) if (vb.state === 'QUEUED') this.#giveToDriver(vb);
    const nrDone = this.done.length;
    this.#started = true;
    try {
      this.opts.ops.startStreaming?.(this.nrActive);
      this.counters.startStreaming++;
    } catch (e) {
      this.#started = false;
      assert(
        this.nrActive === 0,
        `${this.opts.name}: a refused start kept ${this.nrActive} buffers`,
      );
      assert(this.done.length === nrDone, `${this.opts.name}: a refused start finished buffers`);
      throw e;
    }
  }

  #giveToDriver(vb: VB2Buffer): void {
    if (vb.lost) return this.#completeLost(vb);
    const active = new ActiveBuffer(this.opts.sched, vb, (outcome, info) =>
      this.#bufferDone(vb, outcome, info),
    );
    vb.active = active;
    vb.state = 'ACTIVE';
    this.counters.bufQueue++;
    this.opts.ops.bufQueue(active);
  }

  /** The time, as a timestamp: 0 would mean none. */
  get #stampNs(): number {
    return Math.max(1, this.opts.sched.clock.nowNs);
  }

  /** The memory went while the buffer was queued: it never reaches the driver. */
  #completeLost(vb: VB2Buffer): void {
    vb.lost = false;
    vb.state = 'ERROR';
    for (const plane of vb.planes) plane.bytesused = 0;
    vb.timestampNs = this.#stampNs;
    this.done.push(vb);
    this.doneQueue.wakeAll();
  }

  /** vb2_buffer_done(). */
  #bufferDone(vb: VB2Buffer, outcome: Outcome, info: FrameInfo | null): void {
    assert(vb.state === 'ACTIVE', `buffer ${vb.index} is ${vb.state}, not the driver's`);
    this.counters.bufDone++;
    vb.active = null;
    if (outcome === 'QUEUED') {
      vb.state = 'QUEUED';
      return;
    }
    vb.state = outcome;
    if (info !== null) this.#noteFrame(vb, info);
    this.done.push(vb);
    this.doneQueue.wakeAll();
  }

  #noteFrame(vb: VB2Buffer, info: FrameInfo): void {
    vb.sequence = info.sequence;
    if (this.opts.timestamps !== 'COPY') vb.timestampNs = info.timestampNs;
    if (info.field !== undefined) vb.field = info.field;
    const { bytesused } = info;
    if (bytesused !== undefined) for (const plane of vb.planes) plane.bytesused = bytesused;
    if (info.last === true) vb.flags.add('LAST');
  }

  /** __vb2_queue_cancel(): back to how REQBUFS left it; user memory stays held. Facts 6.3. */
  cancel(): void {
    if (this.#started) {
      this.opts.ops.stopStreaming?.();
      this.counters.stopStreaming++;
      assert(
        this.nrActive === 0,
        `${this.opts.name}: stopStreaming() kept ${this.nrActive} buffers`,
      );
    }
    this.#streaming = false;
    this.#started = false;
    this.#error = false;
    this.queued.length = 0;
    this.done.length = 0;
    for (const vb of this.buffers.values()) {
      vb.prepared = false;
      vb.lost = false;
      if (vb.state !== 'PREPARING') vb.state = 'DEQUEUED';
    }
    this.doneQueue.wakeAll();
  }

  /**
   * The pages of vb were taken back by their owner. A buffer on its way comes back in ERROR and
   * the stream goes on; a DEQUEUED one just loses its memory, and the next QBUF takes it again.
   * Resolves when the hardware cannot reach the pages.
   */
  async revoke(task: Task, vb: VB2Buffer): Promise<void> {
    const { active } = vb;
    if (active !== null) {
      await active.takeBack(task);
      if (vb.active !== active) return; // joined: somebody else finished it
      this.#bufferDone(vb, 'ERROR', {
        sequence: 0,
        timestampNs: this.#stampNs,
        bytesused: 0,
      });
    } else if (vb.state === 'QUEUED') {
      if (this.#streaming) this.#completeLost(vb);
      else vb.lost = true;
    } else if (vb.state === 'DEQUEUED') {
      vb.prepared = false;
    }
    this.putMemory(vb);
  }

  /** The device is reset: nothing of user memory, or of other devices, can be reached any more. */
  async disconnect(task: Task): Promise<void> {
    this.fatal();
    for (const vb of this.buffers.values()) {
      const held = vb.planes.some(({ memory }) => memory !== null);
      if (held && vb.memoryKind !== 'MMAP') await this.revoke(task, vb);
    }
  }

  /** Give up what memory vb holds; harmless without any. */
  putMemory(vb: VB2Buffer): void {
    for (const plane of vb.planes) this.putPlane(plane);
  }

  /** The same of one plane. */
  putPlane(plane: VB2Plane): void {
    const { memory } = plane;
    if (memory === null) return;
    plane.memory = null;
    memory.put();
    this.counters.memoryPut++;
  }
}
