// The screen: an output queue in front of a display. vivid-vid-out.c, vivid-kthread-out.c.
//
// Each tick shows the first buffer and gives it back, but only while another waits behind it: the
// picture that is shown stays until there is a next one.

import { DmaFault, Errno } from '../../lib/driver/index.js';
import { BufferTaken, type ActiveBuffer } from './active-buffer.js';
import type { VB2Buffer } from './buffer.js';
import { intervalNs } from './camera.js';
import { ControlHandler } from './controls.js';
import type { Display } from './display.js';
import { pixelFormats, tryFormat, type PixFormat, type PixFormatRequest } from './formats.js';
import { FrameClock, type FrameClockEnv, type Tick } from './frame-clock.js';
import { Injections } from './injections.js';
import type { Fraction, V4L2Rules } from './rules.js';
import type { QueueSetup, QueueSetupRequest, VB2Ops } from './vb2-ops.js';
import type { VB2Queue } from './vb2-queue.js';

/** What the display can show. */
const sizes = [
  { width: 640, height: 360 },
  { width: 640, height: 480 },
  { width: 1280, height: 720 },
  { width: 1920, height: 1080 },
];

export class Screen {
  readonly display: Display;
  readonly rules: V4L2Rules;
  readonly controls = new ControlHandler();
  readonly injections = new Injections();
  readonly clock: FrameClock;
  readonly ops: VB2Ops;
  queue!: VB2Queue;
  readonly #active: ActiveBuffer[] = [];
  #format: PixFormat;
  #interval: Fraction = { numerator: 1, denominator: 60 };

  constructor(display: Display, rules: V4L2Rules, env: FrameClockEnv) {
    this.display = display;
    this.rules = rules;
    this.clock = new FrameClock(env, 'screen', (_task, tick) => this.#tick(tick));
    this.#format = tryFormat(sizes, { ...sizes[0]!, pixelformat: pixelFormats[0]!.fourcc });
    display.configure(this.#format);
    this.injections.addTo(this.controls, () => {
      if (this.queue.streaming) this.queue.fatal();
    });
    this.ops = {
      bufPrepare: (vb) => this.#prepare(vb),
      bufQueue: (active) => void this.#active.push(active),
      queueSetup: (wanted) => this.#queueSetup(wanted),
      startStreaming: () => this.#start(),
      stopStreaming: () => this.#stop(),
    };
  }

  get format(): PixFormat {
    return this.#format;
  }

  tryFormat(want: PixFormatRequest): PixFormat {
    return tryFormat(sizes, want);
  }

  /** EBUSY while there are buffers. */
  setFormat(want: PixFormatRequest): PixFormat {
    if (this.queue.busy) throw new Errno('EBUSY', 'S_FMT: buffers are allocated');
    this.#format = this.tryFormat(want);
    this.display.configure(this.#format);
    return this.#format;
  }

  get interval(): Fraction {
    return this.#interval;
  }

  /** Any rate does; none means what it has. */
  setRate(want: Fraction): Fraction {
    if (want.denominator > 0 && want.numerator > 0) this.#interval = want;
    this.clock.setRate(intervalNs(this.#interval));
    return this.#interval;
  }

  /** vid_out_queue_setup(). */
  #queueSetup({ nrBuffers, nrAllocated, size }: QueueSetupRequest): QueueSetup {
    this.injections.check('queueSetup');
    const { sizeimage } = this.#format;
    if (size !== null && size < sizeimage) {
      throw new Errno('EINVAL', `buffers of ${size} bytes for frames of ${sizeimage}`);
    }
    const least = this.rules.minDriverBuffers;
    const more = nrAllocated + nrBuffers < least ? least - nrAllocated : nrBuffers;
    return { nrBuffers: more, size: size ?? sizeimage };
  }

  /** vid_out_buf_prepare(): the whole picture must be there. */
  #prepare(vb: VB2Buffer): void {
    this.injections.check('bufPrepare');
    const { sizeimage } = this.#format;
    if (vb.bytesused < vb.dataOffset + sizeimage) {
      throw new Errno('EINVAL', `${vb.bytesused} bytes from ${vb.dataOffset}, not ${sizeimage}`);
    }
    if (vb.field === 'ANY') vb.field = 'NONE';
  }

  #start(): void {
    try {
      this.injections.check('startStreaming');
    } catch (e) {
      for (const active of this.#active.splice(0)) active.done('QUEUED');
      throw e;
    }
    this.clock.start(intervalNs(this.#interval));
  }

  #stop(): void {
    this.clock.stop();
    for (const active of this.#active.splice(0)) if (active.owned) active.done('ERROR');
  }

  async #tick({ sequence, nowNs }: Tick): Promise<void> {
    const owned = this.#active.filter((active) => active.owned);
    this.#active.splice(0, this.#active.length, ...owned);
    if (owned.length < 2) return;
    const active = this.#active.shift()!;
    const about = { sequence, timestampNs: nowNs + 1 };
    try {
      await this.display.show(active, active.vb.dataOffset);
      active.done(this.injections.take('frame') ? 'ERROR' : 'DONE', about);
    } catch (e) {
      if (e instanceof DmaFault) active.done('ERROR', about);
      else if (!(e instanceof BufferTaken)) throw e;
    }
  }
}
