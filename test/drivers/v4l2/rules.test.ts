// Goal: the rows agree with what the kernels answered (areas v4l2 and fuzz-v4l2 of the recorded
//   cases), and every size can do at least one rate.

import test from 'ava';
import { kernelNames } from '../../../lib/kernel-rules.js';
import { v4l2Rules } from '../../../drivers/v4l2/rules.js';

test('as recorded: 32 buffers on 6.1, 64 on 6.12 and 7.2', (t) => {
  t.deepEqual(
    kernelNames.map((k) => v4l2Rules[k].maxCaptureBuffers),
    [32, 64, 64, 64],
  );
});

test('as recorded: only 7.2 has 320x240, only 6.1 makes a created buffer two', (t) => {
  const has = kernelNames.map((k) => v4l2Rules[k].webcamSizes.some((s) => s.height === 240));
  t.deepEqual(has, [false, false, true, true]);
  t.deepEqual(
    kernelNames.map((k) => v4l2Rules[k].minDriverBuffers),
    [2, 0, 0, 0],
  );
});

test('sizes rise, rates rise, and no size has more rates than there are', (t) => {
  for (const kernel of kernelNames) {
    const { webcamSizes, webcamIntervals } = v4l2Rules[kernel];
    const areas = webcamSizes.map((s) => s.width * s.height);
    t.deepEqual(
      areas,
      [...areas].sort((a, b) => a - b),
    );
    const rates = webcamIntervals.map((i) => i.denominator / i.numerator);
    t.deepEqual(
      rates,
      [...rates].sort((a, b) => a - b),
    );
    for (const s of webcamSizes) t.true(s.nrIntervals >= 2 && s.nrIntervals <= rates.length);
  }
});
