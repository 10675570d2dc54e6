// Goal: nothing is checked, so that the referee has something to catch.

import test from 'ava';
import { none } from '../../lib/policy/none.js';
import { fakeChange, fakePin } from './policy-world.js';

test('any pin loses its blocks', (t) => {
  for (const pins of [[], [fakePin({ longterm: false })], [fakePin()]]) {
    t.deepEqual(none.onBusy(fakeChange(), pins, 0), { do: 'proceed', blocks: 'free' });
    t.deepEqual(none.onBusy(fakeChange({ op: 'evict', mayFail: false }), pins, 1e12), {
      do: 'proceed',
      blocks: 'free',
    });
  }
});

test('stray DMA is expected of it', (t) => {
  t.is(none.promises.stray, 'expected');
  t.deepEqual(none.promises.mayHang, []);
});
