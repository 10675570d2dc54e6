// The screen: an output queue in front of a display. vivid-vid-out.c, vivid-kthread-out.c.
//
// Each tick shows the first buffer and gives it back, but only while another waits behind it: the
// picture that is shown stays until there is a next one.

import { DmaFault, Errno } from '../../lib/driver/index.js';
import { BufferTaken } from './active-buffer.js';
import type { VB2Buffer } from './buffer.js';
import type { Display } from './display.js';
import type { PixFormat } from './formats.js';
import type { FrameClockEnv, Tick } from './frame-clock.js';
import type { Fraction, V4L2Rules } from './rules.js';
import { intervalNs, StreamUnit } from './stream-unit.js';

/** What the display can show. */
const sizes = [
  { width: 640, height: 360 },
  { width: 640, height: 480 },
  { width: 1280, height: 720 },
  { width: 1920, height: 1080 },
];

export class Screen extends StreamUnit {
  readonly display: Display;
  #interval: Fraction = { numerator: 1, denominator: 60 };

  constructor(display: Display, rules: V4L2Rules, env: FrameClockEnv, multiplanar = false) {
    super({ label: 'screen', rules, env, multiplanar, sizes, defaultSize: sizes[0]! });
    this.display = display;
    display.configure(this.format);
    this.addInjections();
  }

  protected override configure(format: PixFormat): void {
    this.display.configure(format);
  }

  override get interval(): Fraction {
    return this.#interval;
  }

  /** Any rate does; none means what it has. */
  override setRate(want: Fraction): Fraction {
    if (want.denominator > 0 && want.numerator > 0) this.#interval = want;
    this.clock.setRate(intervalNs(this.#interval));
    return this.#interval;
  }

  /** The whole picture must be there. */
  protected override prepare(vb: VB2Buffer, { planeSizes }: PixFormat): void {
    for (const [p, { bytesused, dataOffset }] of vb.planes.entries()) {
      const need = planeSizes[p]!;
      if (bytesused < dataOffset + need) {
        throw new Errno('EINVAL', `plane ${p}: ${bytesused} bytes from ${dataOffset}, not ${need}`);
      }
    }
    if (vb.field === 'ANY') vb.field = 'NONE';
  }

  protected override async tick({ sequence, nowNs }: Tick): Promise<void> {
    const owned = this.active.filter((active) => active.owned);
    this.active.splice(0, this.active.length, ...owned);
    if (owned.length < 2) return;
    const active = this.active.shift()!;
    const about = { sequence, timestampNs: nowNs + 1 };
    try {
      const starts = active.vb.planes.map(({ dataOffset }) => dataOffset);
      await this.display.show(active, starts);
      active.done(this.injections.take('frame') ? 'ERROR' : 'DONE', about);
    } catch (e) {
      if (e instanceof DmaFault) active.done('ERROR', about);
      else if (!(e instanceof BufferTaken)) throw e;
    }
  }
}
