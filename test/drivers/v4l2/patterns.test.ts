// Goal: every pattern is the same picture to the pixel for the same frame, seed and controls.

import test from 'ava';
import { bars75, neutral, sampleOf } from '../../../drivers/v4l2/colors.js';
import type { Samples } from '../../../drivers/v4l2/packing.js';
import {
  patternNames,
  patterns,
  readCounter,
  SQUARE_STEP,
  squareSide,
  type PatternName,
} from '../../../drivers/v4l2/patterns.js';

const width = 640;
const height = 360;

function paint(name: PatternName, sequence: number, seed = 1): Samples {
  const target: Samples = { width, height, bytes: new Uint8Array(width * height * 3) };
  patterns[name].paint(target, { sequence, seed, encoding: 'RGB', adjustment: neutral });
  return target;
}

const pixel = ({ bytes }: Samples, x: number, y: number): number[] => [
  ...bytes.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];

test('75% Colorbar: eight bars of equal width, every row alike', (t) => {
  const s = paint('75% Colorbar', 0);
  for (let x = 0; x < width; x++) {
    t.deepEqual(pixel(s, x, 0), [...bars75[Math.floor(x / 80)]!]);
    t.deepEqual(pixel(s, x, height - 1), pixel(s, x, 0));
  }
});

test('Gray Ramp: from 0 at the left to 255 at the right', (t) => {
  const s = paint('Gray Ramp', 0);
  for (let x = 0; x < width; x++) {
    const v = Math.floor((x * 256) / width);
    t.deepEqual(pixel(s, x, 5), [v, v, v]);
  }
});

test('Moving Square: white on black, one step further each frame, round about', (t) => {
  const side = squareSide(height);
  for (const sequence of [0, 1, 5, 79]) {
    const s = paint('Moving Square', sequence);
    const left = (sequence * SQUARE_STEP) % width;
    const inside = (x: number): boolean => (x - left + width) % width < side;
    for (let x = 0; x < width; x++) {
      t.is(pixel(s, x, height / 2)[0], inside(x) ? 255 : 0, `frame ${sequence}, x ${x}`);
    }
    t.is(pixel(s, left, (height - side) / 2 - 1)[0], 0);
  }
});

test('Noise: the same for the same seed and frame, another for another', (t) => {
  const a = paint('Noise', 3, 9);
  t.deepEqual(paint('Noise', 3, 9).bytes, a.bytes);
  t.notDeepEqual(paint('Noise', 4, 9).bytes, a.bytes);
  t.notDeepEqual(paint('Noise', 3, 8).bytes, a.bytes);
  const mean = a.bytes.reduce((sum, v) => sum + v, 0) / a.bytes.length;
  t.true(mean > 120 && mean < 135, `mean ${mean}`);
});

test('Counter: the number of the frame can be read back from any row', (t) => {
  for (const sequence of [0, 1, 2, 255, 256, 0x7fffffff, 0xdeadbeef]) {
    const s = paint('Counter', sequence);
    for (const y of [0, 100, height - 1]) {
      const row = Uint8Array.from({ length: width }, (_, x) => pixel(s, x, y)[0]!);
      t.is(readCounter(row), sequence);
    }
  }
});

test('still patterns do not change, and all follow the controls', (t) => {
  const adjustment = { ...neutral, brightness: 0, contrast: 0 };
  for (const name of patternNames) {
    if (patterns[name].still) t.deepEqual(paint(name, 0).bytes, paint(name, 17).bytes);
    const target: Samples = { width, height, bytes: new Uint8Array(width * height * 3) };
    patterns[name].paint(target, { sequence: 0, seed: 1, encoding: 'YCBCR', adjustment });
    t.true(
      target.bytes.every((v, i) => i % 3 !== 0 || v === 16),
      name,
    );
  }
  t.is(sampleOf([255, 255, 255], 'YCBCR', adjustment)[0], 16);
});
