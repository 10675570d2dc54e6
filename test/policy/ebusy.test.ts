// Goal: a pin in the way fails the change at once, and an eviction waits.

import test from 'ava';
import { ebusy } from '../../lib/policy/ebusy.js';
import { fakeChange, fakePin } from './policy-world.js';

test('any pin is EBUSY, and an eviction waits', (t) => {
  for (const pins of [[], [fakePin({ longterm: false })], [fakePin()]]) {
    t.deepEqual(ebusy.onBusy(fakeChange(), pins, 0), { do: 'fail', errno: 'EBUSY' });
    t.deepEqual(ebusy.onBusy(fakeChange({ op: 'evict', mayFail: false }), pins, 1e12), {
      do: 'wait',
    });
  }
});
