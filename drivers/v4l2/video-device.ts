// struct video_device: one node, its open files, and the file operations behind it.
//
// Every request runs under the device's lock, as video_ioctl2() does, but for DQEVENT, which may
// sleep without it. mmap() runs under the caller's mmap_lock, inside which the device's lock must
// not be taken (QBUF takes them the other way round), and poll() may not wait: neither takes it,
// and both are one step. A request the node does not have is ENOTTY.

import {
  PAGE_SIZE,
  type Caller,
  type FileOperations,
  type IoctlOps,
  type Mutex,
  type PollEvent,
  type Scheduler,
  type Task,
} from '../../lib/driver/index.js';
import type { ControlHandler } from './controls.js';
import { VideoHandle } from './handle.js';
import type { FrameClock } from './frame-clock.js';
import type { PixFormat, PixFormatRequest } from './formats.js';
import { checkRequest } from './arguments.js';
import { bufferRequests } from './buffer-requests.js';
import type { BufType } from './buffer.js';
import { controlRequests } from './control-requests.js';
import { deviceRequests, type UnitInfo } from './device-requests.js';
import { formatRequests } from './format-requests.js';
import { PriorityState } from './priority.js';
import { QueueNode } from './queue-node.js';
import type { VideoRequests } from './requests.js';
import type { Fraction, V4L2Rules } from './rules.js';
import type { VB2Queue } from './vb2-queue.js';

/** What a node needs of the camera or the screen behind it. */
export interface VideoUnit {
  readonly clock: FrameClock;
  readonly controls: ControlHandler;
  readonly format: PixFormat;
  readonly interval: Fraction;
  readonly multiplanar: boolean;
  readonly rules: V4L2Rules;
  setFormat(want: PixFormatRequest): PixFormat;
  setRate(want: Fraction): Fraction;
  tryFormat(want: PixFormatRequest): PixFormat;
}

export type VideoIoctls = IoctlOps<VideoHandle, VideoRequests>;

export interface VideoDeviceOptions {
  readonly name: string;
  readonly unit: VideoUnit;
  readonly queue: VB2Queue;
  readonly info: UnitInfo;
  readonly lock: Mutex;
  readonly sched: Scheduler;
  /** More requests, for this node only. */
  readonly extra: VideoIoctls;
}

export class VideoDevice {
  readonly opts: VideoDeviceOptions;
  readonly node: QueueNode;
  readonly priority = new PriorityState();
  readonly handles = new Set<VideoHandle>();

  constructor(opts: VideoDeviceOptions) {
    this.opts = opts;
    this.node = new QueueNode(opts.queue, () => opts.unit.format.planeSizes);
    opts.unit.controls.onChange((control, value, by) => {
      for (const h of this.handles) h.events.push('CTRL', control.id, value, h === by);
    });
  }

  get unit(): VideoUnit {
    return this.opts.unit;
  }

  get name(): string {
    return this.opts.name;
  }

  /** Tell every file that subscribed. */
  emit(type: 'EOS' | 'FRAME_SYNC' | 'SOURCE_CHANGE', value: number): void {
    for (const h of this.handles) h.events.push(type, '', value);
  }

  /** struct v4l2_file_operations. */
  fops(
    library: FileOperations<VideoHandle, VideoRequests>['library'],
  ): FileOperations<VideoHandle, VideoRequests> {
    const { node } = this;
    return {
      ioctls: this.#ioctls(),
      ...(library !== undefined && { library }),
      mmap: (_h, vma) => node.mmap(vma, vma.pgoff * PAGE_SIZE),
      open: (_caller, file) => {
        const h = new VideoHandle(file, this.opts.sched);
        this.handles.add(h);
        this.priority.open(h);
        return h;
      },
      poll: (h, wait, _caller, asked) => {
        wait(h.events.queue);
        const events: PollEvent[] = node.poll(h, wait, asked);
        return h.events.pending ? [...events, 'POLLPRI'] : events;
      },
      read: (h, target, caller) => this.locked(caller.task, () => node.read(h, caller, target)),
      release: (h, task) => this.#release(h, task),
      write: (h, source, caller) => this.locked(caller.task, () => node.write(h, caller, source)),
    };
  }

  /** Run fn under the device's lock. EINTR. */
  async locked<T>(task: Task, fn: () => T | Promise<T>): Promise<T> {
    const { clock } = this.unit;
    if (clock.firstDue) await clock.passFirst(task);
    await this.opts.lock.lock(task, 'interruptible');
    try {
      return await fn();
    } finally {
      this.opts.lock.unlock(task);
    }
  }

  async #release(h: VideoHandle, task: Task): Promise<void> {
    await this.unit.clock.passFirst(task);
    await this.opts.lock.lock(task);
    try {
      this.node.release(h);
    } finally {
      this.opts.lock.unlock(task);
    }
    this.handles.delete(h);
    this.priority.close(h);
  }

  #ioctls(): VideoIoctls {
    const all: VideoIoctls = {
      ...bufferRequests(this),
      ...controlRequests(this),
      ...deviceRequests(this, this.opts.info),
      ...formatRequests(this),
      ...this.opts.extra,
    };
    const wrapped: Record<string, unknown> = {};
    for (const [request, op] of Object.entries(all)) {
      const guarded = request === 'DQEVENT' ? op : this.#guarded(request, op as AnyIoctl);
      wrapped[request] = this.#checked(request, guarded as AnyIoctl);
    }
    return wrapped as VideoIoctls;
  }

  #checked(request: string, op: AnyIoctl): AnyIoctl {
    return (h, arg, caller) => {
      checkRequest(request, arg);
      return op(h, arg, caller);
    };
  }

  #guarded(request: string, op: AnyIoctl): AnyIoctl {
    return (h, arg, caller) =>
      this.locked(caller.task, () => {
        this.priority.check(h, request);
        if (typedRequests.has(request)) this.node.checkFmt((arg as { type?: BufType }).type);
        return op(h, arg, caller);
      });
  }
}

/** Requests whose type v4l2-ioctl.c looks at before the driver does: v4l_qbuf() and its like. */
const typedRequests: ReadonlySet<string> = new Set([
  'CREATE_BUFS',
  'DQBUF',
  'PREPARE_BUF',
  'QBUF',
  'QUERYBUF',
  'REQBUFS',
]);

type AnyIoctl = (h: VideoHandle, arg: unknown, caller: Caller) => unknown;
