// Test patterns: what the sensor sees. Each paints a picture of samples for one frame.
//
//   75% Colorbar   eight bars, as vivid's default
//   Gray Ramp      black at the left, white at the right, as vivid's
//   Moving Square  a white square on black, 8 pixels further each frame, round about
//   Noise          a new random picture each frame, the same for the same seed and frame
//   Counter        the frame's sequence number as 32 black and white fields, readable back

import { Prng } from '../../lib/driver/index.js';
import { bars75, sampleOf, type Adjustment, type RGB, type Sample } from './colors.js';
import type { Encoding } from './formats.js';
import type { Samples } from './packing.js';

export const patternNames = [
  '75% Colorbar',
  'Gray Ramp',
  'Moving Square',
  'Noise',
  'Counter',
] as const;
export type PatternName = (typeof patternNames)[number];

export interface Scene {
  readonly sequence: number;
  readonly seed: number;
  readonly encoding: Encoding;
  readonly adjustment: Adjustment;
}

export interface Pattern {
  /** Whether every frame is the same picture. */
  readonly still: boolean;
  paint(target: Samples, scene: Scene): void;
}

const black: RGB = [0, 0, 0];
const white: RGB = [255, 255, 255];

/** Paint row 0 by columns and repeat it. */
function paintColumns(target: Samples, color: (x: number) => Sample): void {
  const row = target.bytes.subarray(0, target.width * 3);
  for (let x = 0; x < target.width; x++) row.set(color(x), x * 3);
  for (let y = 1; y < target.height; y++) target.bytes.set(row, y * row.length);
}

function paintRect(
  target: Samples,
  rect: { x: number; y: number; width: number; height: number },
  color: Sample,
): void {
  for (let y = rect.y; y < rect.y + rect.height; y++) {
    for (let x = rect.x; x < rect.x + rect.width; x++) {
      target.bytes.set(color, ((y % target.height) * target.width + (x % target.width)) * 3);
    }
  }
}

const colorBars: Pattern = {
  still: true,
  paint(target, scene) {
    const samples = bars75.map((rgb) => sampleOf(rgb, scene.encoding, scene.adjustment));
    paintColumns(target, (x) => samples[Math.trunc((x * 8) / target.width) % 8]!);
  },
};

const grayRamp: Pattern = {
  still: true,
  paint(target, { encoding, adjustment }) {
    paintColumns(target, (x) => {
      const v = Math.trunc((x * 256) / target.width);
      return sampleOf([v, v, v], encoding, adjustment);
    });
  },
};

/** Pixels the square moves to the right each frame. */
export const SQUARE_STEP = 8;
/** The square's side, as a part of the height. */
export const squareSide = (height: number): number => height >> 2;

const movingSquare: Pattern = {
  still: false,
  paint(target, scene) {
    const dark = sampleOf(black, scene.encoding, scene.adjustment);
    paintColumns(target, () => dark);
    const side = squareSide(target.height);
    const x = (scene.sequence * SQUARE_STEP) % target.width;
    const y = (target.height - side) >> 1;
    const light = sampleOf(white, scene.encoding, scene.adjustment);
    paintRect(target, { x, y, width: side, height: side }, light);
  },
};

const noise: Pattern = {
  still: false,
  paint(target, scene) {
    const random = new Prng(scene.seed ^ Math.imul(scene.sequence + 1, 0x9e3779b1));
    const grays = Array.from({ length: 256 }, (_, v) =>
      sampleOf([v, v, v], scene.encoding, scene.adjustment),
    );
    for (let i = 0; i < target.bytes.length; i += 3) target.bytes.set(grays[random.below(256)]!, i);
  },
};

/** The counter's fields: 32 of them, most significant bit at the left, over the whole height. */
const COUNTER_BITS = 32;

const counter: Pattern = {
  still: false,
  paint(target, { sequence, encoding, adjustment }) {
    const dark = sampleOf(black, encoding, adjustment);
    const light = sampleOf(white, encoding, adjustment);
    paintColumns(target, (x) => {
      const bit = Math.min(Math.trunc((x * COUNTER_BITS) / target.width), COUNTER_BITS - 1);
      return (sequence >>> (COUNTER_BITS - 1 - bit)) & 1 ? light : dark;
    });
  },
};

export const patterns: Readonly<Record<PatternName, Pattern>> = {
  '75% Colorbar': colorBars,
  'Gray Ramp': grayRamp,
  'Moving Square': movingSquare,
  Noise: noise,
  Counter: counter,
};

/**
 * The number that a Counter frame shows, from one byte per pixel of any row: Y, green or luma.
 * The middle of each field decides, so scaling and soft edges do no harm.
 */
export function readCounter(row: Uint8Array): number {
  let value = 0;
  for (let bit = 0; bit < COUNTER_BITS; bit++) {
    const x = Math.trunc(((bit + 0.5) * row.length) / COUNTER_BITS);
    value = value * 2 + (row[x]! >= 128 ? 1 : 0);
  }
  return value;
}
