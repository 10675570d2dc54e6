// The buffer requests of one node: videobuf2-v4l2.c's vb2_ioctl_*() over a VB2Queue.
//
// A queue belongs to the handle that allocated its buffers or began to read(); other handles get
// EBUSY, QUERYBUF excepted. The order of the checks is that of videobuf2-v4l2.c: memory and type
// first (also for a count of 0), then the owner, then read() or write() in progress.

import type { Caller, DmaBuf, PollEvent, PollWait, VMA } from '../../lib/driver/index.js';
import {
  COOKIE_STRIDE,
  isMultiplanar,
  MAX_PLANES,
  PLANE_STRIDE,
  type BufType,
  type MemoryKind,
  type V4L2Buffer,
  type V4L2BufferArg,
  type VB2Buffer,
  type VB2Plane,
} from './buffer.js';
import { fillBuffer } from './fill-buffer.js';
import {
  cacheHints,
  createBuffers,
  releaseQueue,
  removeBuffers,
  requestBuffers,
} from './vb2-alloc.js';
import { FileIO } from './vb2-file-io.js';
import type { VB2Queue } from './vb2-queue.js';

/** Whoever opened the node. */
export interface QueueHandle {
  readonly nonblock: boolean;
}

export type BufCapability =
  | 'SUPPORTS_MMAP'
  | 'SUPPORTS_USERPTR'
  | 'SUPPORTS_DMABUF'
  | 'SUPPORTS_ORPHANED_BUFS'
  | 'SUPPORTS_MMAP_CACHE_HINTS'
  | 'SUPPORTS_MAX_NUM_BUFFERS'
  | 'SUPPORTS_REMOVE_BUFS';
export type MemoryFlag = 'NON_COHERENT';

export interface ReqbufsArg {
  readonly count: number;
  readonly type?: BufType;
  readonly memory: MemoryKind;
  readonly flags?: readonly MemoryFlag[];
}
export interface ReqbufsRet {
  readonly count: number;
  readonly capabilities: readonly BufCapability[];
  readonly flags: readonly MemoryFlag[];
}
export interface CreateBufsArg {
  readonly count: number;
  readonly memory: MemoryKind;
  readonly type?: BufType;
  /** Bytes of each buffer; the current format's sizeimage if not given. */
  readonly sizeimage?: number;
  /** Multi-planar: the same for each plane. */
  readonly planeSizes?: readonly number[];
  readonly flags?: readonly MemoryFlag[];
}
export interface CreateBufsRet extends ReqbufsRet {
  /** The first new index, or how many there are when count was 0. */
  readonly index: number;
  readonly maxNumBuffers: number;
}

export class QueueNode {
  readonly queue: VB2Queue;
  /** The handle the buffers belong to. */
  owner: QueueHandle | null = null;
  readonly #planeSizes: () => readonly number[];

  /** planeSizes: what the current format needs. */
  constructor(queue: VB2Queue, planeSizes: () => readonly number[]) {
    this.queue = queue;
    this.#planeSizes = planeSizes;
  }

  /** vb2_set_flags_and_caps(), v4l2-ioctl.c:v4l_reqbufs: they agree with what works. */
  get capabilities(): readonly BufCapability[] {
    const { ioModes, rules, allowCacheHints } = this.queue.opts;
    const caps: BufCapability[] = [];
    if (ioModes.includes('MMAP')) caps.push('SUPPORTS_MMAP');
    if (ioModes.includes('USERPTR')) caps.push('SUPPORTS_USERPTR');
    if (ioModes.includes('DMABUF')) caps.push('SUPPORTS_DMABUF');
    caps.push('SUPPORTS_ORPHANED_BUFS');
    if (allowCacheHints === true) caps.push('SUPPORTS_MMAP_CACHE_HINTS');
    if (rules.removeBufs) caps.push('SUPPORTS_REMOVE_BUFS');
    return caps;
  }

  /** vb2_ioctl_reqbufs(). */
  reqbufs(h: QueueHandle, arg: ReqbufsArg): ReqbufsRet {
    this.#checkMemory(arg.memory, arg.type);
    this.#checkFileIO();
    this.#checkOwner(h);
    const flags = this.#memoryFlags(arg.memory, arg.flags);
    const count = requestBuffers(this.queue, arg.memory, arg.count, flags.length > 0);
    this.owner = count > 0 ? h : null;
    return { count, capabilities: this.capabilities, flags };
  }

  /** vb2_ioctl_create_bufs(). A count of 0 only checks memory and type. */
  createBufs(h: QueueHandle, arg: CreateBufsArg): CreateBufsRet {
    const q = this.queue;
    const flags = this.#memoryFlags(arg.memory, arg.flags);
    const capabilities = [...this.capabilities];
    if (q.opts.rules.removeBufs) capabilities.push('SUPPORTS_MAX_NUM_BUFFERS');
    const about = { capabilities, flags, maxNumBuffers: q.opts.maxBuffers };
    this.#checkMemory(arg.memory, arg.type);
    if (arg.count === 0) return { ...about, index: q.buffers.size, count: 0 };
    this.#checkFileIO();
    this.#checkOwner(h);
    const sizes = this.#sizesOf(arg);
    const made = createBuffers(q, arg.memory, arg.count, sizes, flags.length > 0);
    this.owner = h;
    return { ...about, ...made };
  }

  /** vb2_create_bufs(): num_planes and each sizeimage. */
  #sizesOf({ sizeimage, planeSizes }: CreateBufsArg): readonly number[] {
    const single = sizeimage === undefined ? undefined : [sizeimage];
    const asked = isMultiplanar(this.queue.type) ? planeSizes : single;
    const sizes = asked ?? this.#planeSizes();
    const fits = sizes.length > 0 && sizes.length <= MAX_PLANES;
    if (!fits) throw this.queue.refusal('EINVAL', `planeSizes: ${sizes.length} planes`);
    if (sizes.includes(0)) throw this.queue.refusal('EINVAL', 'buffers of 0 bytes');
    return sizes;
  }

  /** vb2_ioctl_remove_bufs(). */
  removeBufs(h: QueueHandle, arg: { index: number; count: number; type?: BufType }): void {
    this.#checkType(arg.type);
    if (arg.count === 0) return;
    this.#checkOwner(h);
    this.#checkFileIO();
    removeBuffers(this.queue, arg.index, arg.count);
  }

  /** vb2_querybuf(): anyone may ask. */
  querybuf(arg: { index: number; type?: BufType }): V4L2Buffer {
    this.#checkType(arg.type);
    return this.queue.describe(this.queue.buffer(arg.index));
  }

  /** vb2_ioctl_qbuf(). */
  async qbuf(h: QueueHandle, caller: Caller, arg: V4L2BufferArg): Promise<V4L2Buffer> {
    const vb = this.#checkBuffer(h, arg);
    if (arg.requestFd !== undefined && vb.state !== 'DEQUEUED') {
      throw this.queue.refusal('EINVAL', `buffer ${vb.index} is ${vb.state}`);
    }
    if (!vb.prepared) fillBuffer(this.queue, vb, arg);
    if (arg.requestFd !== undefined) throw this.queue.refusal('EBADR', 'it takes no requests');
    await this.queue.queue(caller, vb);
    if (this.queue.isOutput && this.queue.opts.timestamps === 'COPY') {
      vb.timestampNs = arg.timestampNs ?? 0;
    }
    return this.queue.describe(vb);
  }

  /** vb2_ioctl_prepare_buf(). */
  async prepareBuf(h: QueueHandle, caller: Caller, arg: V4L2BufferArg): Promise<V4L2Buffer> {
    if (arg.requestFd !== undefined) {
      this.#checkOwner(h);
      this.#checkFileIO();
      throw this.queue.refusal('EINVAL', 'PREPARE_BUF takes no request');
    }
    const vb = this.#checkBuffer(h, arg);
    if (!vb.prepared) fillBuffer(this.queue, vb, arg);
    await this.queue.prepare(caller, vb);
    return this.queue.describe(vb);
  }

  /** vb2_ioctl_dqbuf(). Only the type is looked at. */
  async dqbuf(h: QueueHandle, caller: Caller, arg: { type?: BufType }): Promise<V4L2Buffer> {
    this.#checkOwner(h);
    this.#checkFileIO();
    this.#checkType(arg.type);
    const b = await this.queue.dequeue(caller, h.nonblock);
    if (!this.queue.isOutput && b.flags.includes('LAST')) this.queue.lastBufferDequeued = true;
    return b;
  }

  /** vb2_ioctl_expbuf(): a file that stands for the buffer's pages. The caller puts it. */
  expbuf(
    h: QueueHandle,
    arg: { index: number; plane?: number; type?: BufType; flags?: readonly string[] },
  ): DmaBuf {
    const q = this.queue;
    this.#checkOwner(h);
    if (q.memory !== 'MMAP') throw q.refusal('EINVAL', 'only MMAP buffers can be exported');
    const known = ['cloexec', 'rdonly', 'wronly', 'rdwr'];
    const odd = arg.flags?.find((flag) => !known.includes(flag));
    if (odd !== undefined) throw q.refusal('EINVAL', `EXPBUF: flags: no ${odd}`);
    this.#checkType(arg.type);
    const vb = q.buffer(arg.index);
    const plane = vb.planes[arg.plane ?? 0];
    if (plane === undefined) throw q.refusal('EINVAL', `there is no plane ${arg.plane}`);
    this.#checkFileIO();
    const { memory } = plane;
    if (memory?.export === undefined) throw q.refusal('EINVAL', 'it cannot be exported');
    return memory.export(`${q.opts.name} buffer ${vb.index}`);
  }

  /** vb2_ioctl_streamon(). */
  streamOn(h: QueueHandle, type: BufType | undefined): void {
    this.#checkOwner(h);
    this.#checkFileIO();
    this.queue.streamOn(type ?? this.queue.type);
  }

  /** vb2_ioctl_streamoff(). */
  streamOff(h: QueueHandle, type: BufType | undefined): void {
    this.#checkOwner(h);
    this.#checkFileIO();
    this.queue.streamOff(type ?? this.queue.type);
  }

  /** vb2_fop_read(). */
  async read(h: QueueHandle, caller: Caller, target: Uint8Array): Promise<number> {
    try {
      return await this.#fileIO(h, 'READ').read(caller, target, h.nonblock);
    } finally {
      const gone = this.queue.fileIO === null && this.owner === h;
      if (gone && this.queue.opts.rules.failedReadDropsOwner) this.owner = null;
    }
  }

  /** vb2_fop_write(). */
  async write(h: QueueHandle, caller: Caller, source: Uint8Array): Promise<number> {
    const io = this.#fileIO(h, 'WRITE');
    return io.write(caller, source, h.nonblock);
  }

  #fileIO(h: QueueHandle, mode: 'READ' | 'WRITE'): FileIO {
    const q = this.queue;
    if (!q.opts.ioModes.includes(mode)) throw q.refusal('EINVAL', `no ${mode.toLowerCase()}()`);
    this.#checkOwner(h);
    if (q.waitingInDqbuf) throw q.refusal('EBUSY', 'another task waits for a buffer');
    const io = q.fileIO ?? new FileIO(q);
    this.owner = h;
    return io;
  }

  /**
   * vb2_fop_poll(): may start reading, and makes h the owner then. Whoever asks for nothing that
   * the queue has is told nothing, POLLERR included. videobuf2-core.c:vb2_core_poll.
   */
  poll(h: QueueHandle, wait: PollWait, asked: readonly PollEvent[]): PollEvent[] {
    const q = this.queue;
    wait(q.doneQueue);
    const ready: PollEvent = q.isOutput ? 'POLLOUT' : 'POLLIN';
    if (!asked.includes(ready)) return [];
    if (q.buffers.size === 0 && q.fileIO === null && this.#pollStartsIO(h)) {
      if (q.fileIO === null) return ['POLLERR'];
      if (q.isOutput) return [ready];
    }
    if (!q.streaming || q.error) return ['POLLERR'];
    if (q.waitingForBuffers) return ['POLLERR'];
    if (q.isOutput && q.fileIO !== null && q.fileIO.canWrite) return [ready];
    if (q.done.length > 0 || q.lastBufferDequeued) return [ready];
    return [];
  }

  /** False: the queue has no read() or write(). A failure to start leaves fileIO null. */
  #pollStartsIO(h: QueueHandle): boolean {
    const q = this.queue;
    if (!q.opts.ioModes.includes(q.isOutput ? 'WRITE' : 'READ')) return false;
    try {
      new FileIO(q);
      this.owner = h;
    } catch {
      return true;
    }
    return true;
  }

  /** vb2_mmap(). */
  mmap(vma: VMA, cookie: number): void {
    const q = this.queue;
    if (!vma.shared) throw q.refusal('EINVAL', 'mmap: MAP_SHARED is needed');
    if (q.isOutput ? !vma.prot.write : !vma.prot.read) {
      throw q.refusal('EINVAL', `mmap: PROT_${q.isOutput ? 'WRITE' : 'READ'} is needed`);
    }
    if (q.memory !== 'MMAP') throw q.refusal('EINVAL', 'mmap: its buffers are not MMAP');
    this.#checkFileIO();
    const memory = this.#planeAt(cookie)?.memory;
    if (memory?.mmap === undefined) throw q.refusal('EINVAL', `mmap: no buffer at ${cookie}`);
    if (vma.end - vma.start > memory.len) throw q.refusal('EINVAL', 'mmap: beyond the buffer');
    memory.mmap(vma);
  }

  /** __find_plane_by_offset(). */
  #planeAt(cookie: number): VB2Plane | undefined {
    const vb = this.queue.buffers.get(Math.floor(cookie / COOKIE_STRIDE));
    const p = (cookie % COOKIE_STRIDE) / PLANE_STRIDE;
    return Number.isInteger(p) ? vb?.planes[p] : undefined;
  }

  /** vb2_fop_release(): the owner's buffers go with it, and those of nobody with anybody. */
  release(h: QueueHandle): void {
    if (this.owner !== h && this.owner !== null) return;
    this.queue.fileIO?.close();
    releaseQueue(this.queue);
    this.owner = null;
  }

  /** What QBUF and PREPARE_BUF check first. vb2_queue_or_prepare_buf(). */
  #checkBuffer(h: QueueHandle, arg: V4L2BufferArg): VB2Buffer {
    this.#checkOwner(h);
    this.#checkFileIO();
    this.#checkType(arg.type);
    const vb = this.queue.buffer(arg.index);
    const memory = arg.memory ?? 'MMAP';
    if (memory !== this.queue.memory) {
      throw this.queue.refusal('EINVAL', `its buffers are ${this.queue.memory}, not ${memory}`);
    }
    return vb;
  }

  /** v4l2-ioctl.c:check_fmt(): before anything else is looked at, but for the priority. */
  checkFmt(type: BufType | undefined): void {
    const { isOutput, opts } = this.queue;
    if (type?.startsWith(isOutput ? 'VIDEO_OUTPUT' : 'VIDEO_CAPTURE') === true) return;
    if (type === 'VIDEO_OVERLAY' && !isOutput && opts.rules.overlayPassesTypeCheck) return;
    this.#checkType(type);
  }

  #checkType(type: BufType | undefined): void {
    if (type !== undefined && type !== this.queue.type) {
      throw this.queue.refusal('EINVAL', `it is no ${type} queue`);
    }
  }

  /** vb2_verify_memory_type(), but for its EBUSY. */
  #checkMemory(memory: MemoryKind, type: BufType | undefined): void {
    const known = memory === 'MMAP' || memory === 'USERPTR' || memory === 'DMABUF';
    if (!known) throw this.queue.refusal('EINVAL', `memory ${memory}`);
    this.#checkType(type);
    if (!this.queue.opts.ioModes.includes(memory)) {
      throw this.queue.refusal('EINVAL', `it does not do ${memory}`);
    }
  }

  #checkFileIO(): void {
    if (this.queue.fileIO !== null) throw this.queue.refusal('EBUSY', 'read() or write() goes on');
  }

  #checkOwner(h: QueueHandle): void {
    if (this.owner !== null && this.owner !== h) {
      throw this.queue.refusal('EBUSY', 'another open file owns it');
    }
  }

  /** validate_memory_flags(). */
  #memoryFlags(memory: MemoryKind, flags: readonly MemoryFlag[] = []): readonly MemoryFlag[] {
    return cacheHints(this.queue, memory) ? flags : [];
  }
}
