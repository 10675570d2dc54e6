// Goal: a layout change waits for every pin.

import test from 'ava';
import { wait } from '../../lib/policy/wait.js';
import { fakeChange, fakePin } from './policy-world.js';

test('any pin is waited for, however long', (t) => {
  for (const pins of [[], [fakePin({ longterm: false })], [fakePin()]]) {
    t.deepEqual(wait.onBusy(fakeChange(), pins, 0), { do: 'wait' });
    t.deepEqual(wait.onBusy(fakeChange({ op: 'evict', mayFail: false }), pins, 1e12), {
      do: 'wait',
    });
  }
});

test('a signal may end the wait', (t) => {
  const verdict = wait.onBusy(fakeChange(), [fakePin()], 0);
  t.false('uninterruptible' in verdict);
});
