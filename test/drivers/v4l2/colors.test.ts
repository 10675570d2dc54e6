// Goal: a colour is stored as vivid's test pattern generator stores it.

import test from 'ava';
import { bars75, rgbOfYCbCr, sampleOf } from '../../../drivers/v4l2/colors.js';

test('the 75 % bars are the Y, Cb, Cr of BT.601 in limited range', (t) => {
  const stored = bars75.map((rgb) => sampleOf(rgb, 'YCBCR').join(' '));
  t.deepEqual(stored, [
    '179 128 128',
    '160 44 141',
    '130 156 44',
    '111 72 58',
    '83 183 197',
    '64 99 211',
    '34 211 114',
    '16 128 128',
  ]);
});

test('RGB is full range, luma that of Rec. 709', (t) => {
  t.deepEqual(sampleOf([191, 0, 50], 'RGB'), [191, 0, 50]);
  t.deepEqual(sampleOf([255, 255, 255], 'LUMA'), [254, 254, 254]);
  t.deepEqual(sampleOf([0, 0, 0], 'LUMA'), [0, 0, 0]);
  t.true(sampleOf([0, 191, 0], 'LUMA')[0] > sampleOf([191, 0, 0], 'LUMA')[0]);
});

test('brightness moves Y, contrast spreads it, saturation 0 takes the colour away', (t) => {
  const at = { brightness: 128, contrast: 128, saturation: 128 };
  const [y] = sampleOf([191, 0, 0], 'YCBCR');
  t.is(sampleOf([191, 0, 0], 'YCBCR', { ...at, brightness: 138 })[0], y + 10);
  t.is(sampleOf([191, 0, 0], 'YCBCR', { ...at, contrast: 0 })[0], 16);
  t.deepEqual(sampleOf([191, 0, 0], 'YCBCR', { ...at, saturation: 0 }).slice(1), [128, 128]);
  t.is(sampleOf([191, 191, 191], 'LUMA', { ...at, brightness: 148 })[0], 210);
  t.true(sampleOf([100, 100, 100], 'RGB', { ...at, brightness: 148 })[1] > 100);
});

test('what limited range cannot hold is clamped', (t) => {
  const bright = { brightness: 255, contrast: 255, saturation: 255 };
  for (const rgb of [...bars75, [255, 255, 255] as const]) {
    const [y, cb, cr] = sampleOf(rgb, 'YCBCR', bright);
    t.true(y >= 16 && y <= 235 && cb >= 16 && cb <= 240 && cr >= 16 && cr <= 240);
  }
});

test('a stored colour reads back to within five steps', (t) => {
  for (const rgb of bars75) {
    const [y, cb, cr] = sampleOf(rgb, 'YCBCR');
    rgbOfYCbCr(y, cb, cr).forEach((c, i) => t.true(Math.abs(c - rgb[i]!) <= 5, `${rgb} ${i} ${c}`));
  }
});
