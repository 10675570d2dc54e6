// What the camera and the screen share: a format, controls, a frame clock, and the buffers that the
// queue has handed over. vivid-vid-cap.c and vivid-vid-out.c have each of these functions twice.
//
// Buffers wait in `active`, in order; what a tick of the clock does with them is the unit's own.

import { Errno, NS_PER_SECOND } from '../../lib/driver/index.js';
import type { ActiveBuffer } from './active-buffer.js';
import type { VB2Buffer } from './buffer.js';
import { ControlHandler } from './controls.js';
import { pixelFormats, tryFormat, type PixFormat, type PixFormatRequest } from './formats.js';
import { FrameClock, type FrameClockEnv, type Tick } from './frame-clock.js';
import { Injections } from './injections.js';
import type { Fraction, V4L2Rules } from './rules.js';
import type { QueueSetup, QueueSetupRequest, VB2Ops } from './vb2-ops.js';
import type { VB2Queue } from './vb2-queue.js';

type Size = Pick<PixFormat, 'width' | 'height'>;

export interface StreamUnitOptions {
  readonly label: string;
  readonly rules: V4L2Rules;
  readonly env: FrameClockEnv;
  /** Whether its queue has planes apart: vivid's module parameter. */
  readonly multiplanar: boolean;
  readonly sizes: readonly Size[];
  readonly defaultSize: Size;
}

export const intervalNs = ({ numerator, denominator }: Fraction): number =>
  Math.round((numerator * NS_PER_SECOND) / denominator);

export abstract class StreamUnit {
  readonly rules: V4L2Rules;
  readonly multiplanar: boolean;
  readonly controls = new ControlHandler();
  readonly injections = new Injections();
  readonly clock: FrameClock;
  readonly ops: VB2Ops;
  /** Set by whoever makes the queue out of ops. */
  queue!: VB2Queue;
  protected readonly active: ActiveBuffer[] = [];
  readonly #sizes: readonly Size[];
  #format: PixFormat;

  protected constructor(opts: StreamUnitOptions) {
    this.rules = opts.rules;
    this.multiplanar = opts.multiplanar;
    this.#sizes = opts.sizes;
    this.clock = new FrameClock(opts.env, opts.label, (_task, tick) => this.tick(tick));
    const { width, height } = opts.defaultSize;
    this.#format = this.tryFormat({ width, height, pixelformat: pixelFormats[0]!.fourcc });
    this.ops = {
      bufPrepare: (vb) => {
        this.injections.check('bufPrepare');
        this.prepare(vb, this.#format);
      },
      bufQueue: (active) => void this.active.push(active),
      queueSetup: (wanted) => this.#queueSetup(wanted),
      startStreaming: () => this.#start(),
      stopStreaming: () => this.#stop(),
    };
  }

  get format(): PixFormat {
    return this.#format;
  }

  abstract get interval(): Fraction;

  abstract setRate(want: Fraction): Fraction;

  /** The hardware shows or sends pictures of this format from now on. */
  protected abstract configure(format: PixFormat): void;

  /** vid_cap_buf_prepare(), vid_out_buf_prepare(). EINVAL. */
  protected abstract prepare(vb: VB2Buffer, format: PixFormat): void;

  /** vivid_thread_vid_cap_tick(), vivid_thread_vid_out_tick(). */
  protected abstract tick(tick: Tick): Promise<void>;

  tryFormat(want: PixFormatRequest): PixFormat {
    return tryFormat(this.#sizes, want, this.multiplanar);
  }

  /** vivid_s_fmt_vid_cap(), vivid_s_fmt_vid_out(). EBUSY while there are buffers. */
  setFormat(want: PixFormatRequest): PixFormat {
    const format = this.tryFormat(want);
    if (this.queue.busy) throw new Errno('EBUSY', 'S_FMT: buffers are allocated');
    this.#format = format;
    this.configure(format);
    return format;
  }

  /** The controls that order an error; a fatal one takes a stream. */
  protected addInjections(): void {
    this.injections.addTo(this.controls, () => {
      if (this.queue.streaming) this.queue.fatal();
    });
  }

  /** vid_cap_queue_setup(), vid_out_queue_setup(). */
  #queueSetup({ nrBuffers, nrAllocated, sizes }: QueueSetupRequest): QueueSetup {
    this.injections.check('queueSetup');
    const { planeSizes } = this.#format;
    if (sizes !== null && sizes.length !== planeSizes.length) {
      throw new Errno('EINVAL', `${sizes.length} planes for frames of ${planeSizes.length}`);
    }
    const short = sizes?.find((size, p) => size < planeSizes[p]!);
    if (short !== undefined) {
      throw new Errno('EINVAL', `planes of ${sizes!.join()} bytes for ${planeSizes.join()}`);
    }
    const least = this.rules.minDriverBuffers;
    const more = nrAllocated + nrBuffers < least ? least - nrAllocated : nrBuffers;
    return { nrBuffers: more, sizes: sizes ?? planeSizes };
  }

  #start(): void {
    try {
      this.injections.check('startStreaming');
    } catch (e) {
      for (const active of this.active.splice(0)) active.done('QUEUED');
      throw e;
    }
    this.clock.start(intervalNs(this.interval));
  }

  #stop(): void {
    this.clock.stop();
    for (const active of this.active.splice(0)) if (active.owned) active.done('ERROR');
  }
}
