// Goal: what is measured is run as often as was said, and the middle one is reported.

import test from 'ava';
import { measure, measureAsync, median, scaled } from '../../lib/bench/measure.js';

test('every batch runs whole, a quarter of them to warm up', async (t) => {
  let runs = 0;
  const { ns, minNs } = measure({ batch: 10, batches: 8 }, () => runs++);
  t.is(runs, 10 * (8 + 2));
  t.true(minNs <= ns && minNs >= 0);
  runs = 0;
  await measureAsync({ batch: 3, batches: 4 }, async () => runs++);
  t.is(runs, 3 * (4 + 1));
});

test('an awaited operation ends before the next begins', async (t) => {
  let inside = 0;
  await measureAsync({ batch: 4, batches: 4 }, async () => {
    t.is(++inside, 1);
    await null;
    inside--;
  });
});

test('the median is the middle one, whatever the order', (t) => {
  t.is(median([5, 1, 1000, 2, 3]), 3);
  t.is(median([7]), 7);
});

test('less effort is fewer runs, and never none', (t) => {
  t.deepEqual(scaled(1, { batch: 20, batches: 61 }), { batch: 20, batches: 61 });
  t.deepEqual(scaled(0.1, { batch: 20, batches: 61 }), { batch: 2, batches: 6 });
  t.deepEqual(scaled(0, { batch: 20, batches: 61 }), { batch: 1, batches: 3 });
});
