// The camera: a capture queue in front of a sensor. vivid-vid-cap.c, vivid-kthread-cap.c.
//
// Buffers the queue hands over wait in #active; each tick of the clock takes the first and lets
// the sensor fill it. A tick without a buffer is a lost frame: a gap in the sequence numbers.

import { DmaFault, Errno, NS_PER_SECOND, Prng, type Scheduler } from '../../lib/driver/index.js';
import { BufferTaken, type ActiveBuffer } from './active-buffer.js';
import { ControlHandler, integerControl, menuControl } from './controls.js';
import type { EventType } from './events.js';
import { pixelFormats, tryFormat, type PixFormat, type PixFormatRequest } from './formats.js';
import { FrameClock, type FrameClockEnv, type Tick } from './frame-clock.js';
import { Injections } from './injections.js';
import { patternNames } from './patterns.js';
import type { Fraction, V4L2Rules } from './rules.js';
import { BURST, LIVE_BURST, type Sensor } from './sensor.js';
import type { QueueSetup, QueueSetupRequest, VB2Ops } from './vb2-ops.js';
import type { VB2Buffer } from './buffer.js';
import type { VB2Queue } from './vb2-queue.js';

/** vivid-core.c: webcam_size_idx = 1, webcam_ival_idx = 3. */
const DEFAULT_SIZE = 1;
const DEFAULT_INTERVAL = 3;

export const intervalNs = ({ numerator, denominator }: Fraction): number =>
  Math.round((numerator * NS_PER_SECOND) / denominator);

/** Told of what happens: (type, id, value). */
export type Emit = (type: Exclude<EventType, 'ALL' | 'CTRL'>, value: number) => void;

export class Camera {
  readonly sensor: Sensor;
  readonly rules: V4L2Rules;
  readonly controls = new ControlHandler();
  readonly injections = new Injections();
  readonly clock: FrameClock;
  readonly ops: VB2Ops;
  /** Set by whoever makes the queue out of ops. */
  queue!: VB2Queue;
  readonly #sched: Scheduler;
  readonly #emit: Emit;
  readonly #drops: Prng;
  readonly #active: ActiveBuffer[] = [];
  #format: PixFormat;
  #interval = DEFAULT_INTERVAL;

  constructor(sensor: Sensor, rules: V4L2Rules, env: FrameClockEnv, emit: Emit) {
    this.sensor = sensor;
    this.rules = rules;
    this.#sched = env.sched;
    this.#emit = emit;
    this.#drops = new Prng(sensor.seed);
    this.clock = new FrameClock(env, 'camera', (_task, tick) => this.#tick(tick));
    const { width, height } = rules.webcamSizes[DEFAULT_SIZE]!;
    this.#format = this.tryFormat({ width, height, pixelformat: pixelFormats[0]!.fourcc });
    sensor.configure(this.#format);
    this.#addControls();
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
    return tryFormat(this.rules.webcamSizes, want);
  }

  /** vivid_s_fmt_vid_cap(). EBUSY while there are buffers. */
  setFormat(want: PixFormatRequest): PixFormat {
    const format = this.tryFormat(want);
    if (this.queue.busy) throw new Errno('EBUSY', 'S_FMT: buffers are allocated');
    this.#format = format;
    this.sensor.configure(format);
    this.#interval = Math.min(this.#interval, this.intervals(format).length - 1);
    return format;
  }

  /** What the picture size can do, slowest first. */
  intervals({ width, height }: { width: number; height: number }): readonly Fraction[] {
    const size = this.rules.webcamSizes.find((s) => s.width === width && s.height === height);
    return this.rules.webcamIntervals.slice(0, size?.nrIntervals ?? 0);
  }

  get interval(): Fraction {
    return this.rules.webcamIntervals[this.#interval]!;
  }

  /** vivid_vid_cap_s_parm(): the first interval that is not longer than asked, else the last. */
  setRate(want: Fraction): Fraction {
    const all = this.intervals(this.#format);
    const fast = want.denominator === 0;
    const at = all.findIndex(
      (i) => want.numerator * i.denominator >= i.numerator * want.denominator,
    );
    this.#interval = fast || at < 0 ? all.length - 1 : at;
    this.clock.setRate(intervalNs(this.interval));
    return this.interval;
  }

  #addControls(): void {
    const { controls, sensor } = this;
    const picture = (key: 'brightness' | 'contrast' | 'saturation', name: string): void =>
      controls.add(integerControl(key, name, [0, 255], 128), (value) => {
        sensor.adjustment = { ...sensor.adjustment, [key]: value };
      });
    picture('brightness', 'Brightness');
    picture('contrast', 'Contrast');
    picture('saturation', 'Saturation');
    controls.add(menuControl('test_pattern', 'Test Pattern', patternNames), (index) => {
      sensor.pattern = patternNames[index]!;
    });
    this.injections.addTo(controls, () => {
      if (this.queue.streaming) this.queue.fatal();
    });
  }

  /** vid_cap_queue_setup(). */
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

  /** vid_cap_buf_prepare(). */
  #prepare(vb: VB2Buffer): void {
    this.injections.check('bufPrepare');
    const { sizeimage } = this.#format;
    if (vb.length < sizeimage) {
      throw new Errno('EINVAL', `a buffer of ${vb.length} bytes for a frame of ${sizeimage}`);
    }
    vb.bytesused = sizeimage;
    vb.field = 'NONE';
  }

  #start(): void {
    try {
      this.injections.check('startStreaming');
    } catch (e) {
      for (const active of this.#active.splice(0)) active.done('QUEUED');
      throw e;
    }
    this.clock.start(intervalNs(this.interval));
  }

  #stop(): void {
    this.clock.stop();
    for (const active of this.#active.splice(0)) if (active.owned) active.done('ERROR');
  }

  /** The next buffer that was not taken back meanwhile. */
  #nextBuffer(): ActiveBuffer | undefined {
    for (;;) {
      const active = this.#active.shift();
      if (active === undefined || active.owned) return active;
    }
  }

  /** vivid_thread_vid_cap_tick(). */
  async #tick({ sequence }: Tick): Promise<void> {
    this.#emit('FRAME_SYNC', sequence);
    const { sensor, injections } = this;
    const lost = this.#drops.below(100) < injections.percentDropped;
    if (lost || sensor.framesLeft <= 0) return;
    const active = this.#nextBuffer();
    if (active === undefined) return;
    const last = --sensor.framesLeft <= 0;
    const about = { sequence, timestampNs: this.#sched.clock.nowNs + sensor.readoutNs, last };
    try {
      await sensor.expose(active, sequence, this.#sched.on ? BURST : LIVE_BURST);
      active.done(injections.take('frame') ? 'ERROR' : 'DONE', about);
    } catch (e) {
      if (e instanceof DmaFault) active.done('ERROR', { ...about, bytesused: 0 });
      else if (!(e instanceof BufferTaken)) throw e;
    }
    if (last) this.#emit('EOS', sequence);
  }
}
