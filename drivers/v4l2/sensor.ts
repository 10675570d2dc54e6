// The image sensor: a hardware model. It knows scenes, formats and how to send a picture out over
// the bus; it knows nothing of buffers, queues or applications. A test may hold it and change it.
//
//   STANDBY --configure()--> READY        expose() sends one frame, in pieces
//
// Still scenes are rendered once for each mode; others anew for every frame.

import assert from 'node:assert/strict';
import { neutral, type Adjustment } from './colors.js';
import { findFormat, type PixFormat } from './formats.js';
import { packRows, type Samples } from './packing.js';
import { patterns, type PatternName } from './patterns.js';

/** Where a frame goes: the hold on a buffer, or anything that takes bytes. */
export interface FrameTarget {
  /** plane: which stretch of memory, where the format has several. */
  write(pos: number, source: Uint8Array, plane?: number): Promise<void>;
}

/** The sensor sends this much at a time; whoever takes the memory away waits for one piece. */
export const BURST = 64 * 1024;
/** The same where nothing can come between two pieces that are so short: at the real clock. */
export const LIVE_BURST = 1024 * 1024;

export class Sensor {
  /** What the noise is made from. */
  seed = 1;
  /** Frames until the scene is over; the last of them is marked. */
  framesLeft = Infinity;
  /** From the tick to the last pixel; timestamps are taken at the end of a frame. */
  readoutNs = 1000;
  #pattern: PatternName = '75% Colorbar';
  #adjustment: Adjustment = neutral;
  #mode: PixFormat | null = null;
  #samples: Samples = { width: 0, height: 0, bytes: new Uint8Array(0) };
  #frame = new Uint8Array(0);
  /** The sequence that #frame shows; null: it is out of date. */
  #rendered: number | null = null;

  get pattern(): PatternName {
    return this.#pattern;
  }

  set pattern(name: PatternName) {
    this.#pattern = name;
    this.#rendered = null;
  }

  get adjustment(): Adjustment {
    return this.#adjustment;
  }

  set adjustment(adjustment: Adjustment) {
    this.#adjustment = adjustment;
    this.#rendered = null;
  }

  get mode(): PixFormat | null {
    return this.#mode;
  }

  configure(mode: PixFormat): void {
    this.#mode = mode;
    const { width, height } = mode;
    this.#samples = { width, height, bytes: new Uint8Array(width * height * 3) };
    this.#frame = new Uint8Array(mode.sizeimage);
    this.#rendered = null;
  }

  /** The bytes of frame `sequence`. Valid until the next call. */
  render(sequence: number): Uint8Array {
    const mode = this.#mode;
    assert(mode !== null, 'the sensor is not configured');
    const pattern = patterns[this.#pattern];
    if (this.#rendered === sequence || (pattern.still && this.#rendered !== null)) {
      return this.#frame;
    }
    const { encoding } = findFormat(mode.pixelformat)!;
    const { seed, adjustment } = this;
    pattern.paint(this.#samples, { sequence, seed, encoding, adjustment });
    packRows(this.#samples, mode, this.#frame, 0, mode.height);
    this.#rendered = sequence;
    return this.#frame;
  }

  /** Send frame `sequence` out. What target throws ends it. */
  async expose(target: FrameTarget, sequence: number, burst = BURST): Promise<void> {
    const frame = this.render(sequence);
    let start = 0;
    for (const [plane, size] of this.#mode!.planeSizes.entries()) {
      for (let pos = 0; pos < size; pos += burst) {
        const end = start + Math.min(pos + burst, size);
        await target.write(pos, frame.subarray(start + pos, end), plane);
      }
      start += size;
    }
  }
}
