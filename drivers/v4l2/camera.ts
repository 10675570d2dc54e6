// The camera: a capture queue in front of a sensor. vivid-vid-cap.c, vivid-kthread-cap.c.
//
// Each tick of the clock takes the first buffer that waits and lets the sensor fill it. A tick
// without a buffer is a lost frame: a gap in the sequence numbers.

import { DmaFault, Errno, Prng, type Scheduler } from '../../lib/driver/index.js';
import { BufferTaken, type ActiveBuffer } from './active-buffer.js';
import type { VB2Buffer } from './buffer.js';
import { integerControl, menuControl } from './controls.js';
import type { EventType } from './events.js';
import type { PixFormat } from './formats.js';
import type { FrameClockEnv, Tick } from './frame-clock.js';
import { patternNames } from './patterns.js';
import type { Fraction, V4L2Rules } from './rules.js';
import { BURST, LIVE_BURST, type Sensor } from './sensor.js';
import { intervalNs, StreamUnit } from './stream-unit.js';

/** vivid-core.c: webcam_size_idx = 1, webcam_ival_idx = 3. */
const DEFAULT_SIZE = 1;
const DEFAULT_INTERVAL = 3;

/** Told of what happens: (type, id, value). */
export type Emit = (type: Exclude<EventType, 'ALL' | 'CTRL'>, value: number) => void;

export interface CameraOptions {
  readonly sensor: Sensor;
  readonly rules: V4L2Rules;
  readonly env: FrameClockEnv;
  readonly emit: Emit;
  readonly multiplanar?: boolean;
}

export class Camera extends StreamUnit {
  readonly sensor: Sensor;
  readonly #sched: Scheduler;
  readonly #emit: Emit;
  readonly #drops: Prng;
  #interval = DEFAULT_INTERVAL;

  constructor({ sensor, rules, env, emit, multiplanar = false }: CameraOptions) {
    const sizes = rules.webcamSizes;
    super({ label: 'camera', rules, env, multiplanar, sizes, defaultSize: sizes[DEFAULT_SIZE]! });
    this.sensor = sensor;
    this.#sched = env.sched;
    this.#emit = emit;
    this.#drops = new Prng(sensor.seed);
    sensor.configure(this.format);
    this.#addControls();
  }

  protected override configure(format: PixFormat): void {
    this.sensor.configure(format);
    this.#interval = Math.min(this.#interval, this.intervals(format).length - 1);
  }

  /** What the picture size can do, slowest first. */
  intervals({ width, height }: { width: number; height: number }): readonly Fraction[] {
    const size = this.rules.webcamSizes.find((s) => s.width === width && s.height === height);
    return this.rules.webcamIntervals.slice(0, size?.nrIntervals ?? 0);
  }

  override get interval(): Fraction {
    return this.rules.webcamIntervals[this.#interval]!;
  }

  /** vivid_vid_cap_s_parm(): the first interval that is not longer than asked, else the last. */
  override setRate(want: Fraction): Fraction {
    const all = this.intervals(this.format);
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
    this.addInjections();
  }

  protected override prepare(vb: VB2Buffer, { planeSizes }: PixFormat): void {
    for (const [p, plane] of vb.planes.entries()) {
      const need = planeSizes[p]!;
      if (plane.length < need) {
        throw new Errno('EINVAL', `plane ${p}: ${plane.length} bytes for a frame of ${need}`);
      }
      plane.bytesused = need;
    }
    vb.field = 'NONE';
  }

  /** The next buffer that was not taken back meanwhile. */
  #nextBuffer(): ActiveBuffer | undefined {
    for (;;) {
      const active = this.active.shift();
      if (active === undefined || active.owned) return active;
    }
  }

  protected override async tick({ sequence }: Tick): Promise<void> {
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
