// Goal: the default leaves everything to the kernel, and waits.

import test from 'ava';
import { linux } from '../../lib/policy/linux.js';
import { fakeChange, fakePin } from './policy-world.js';

test('whatever is busy is waited for, for ever', (t) => {
  for (const pins of [[], [fakePin({ longterm: false })], [fakePin()]]) {
    t.deepEqual(linux.onBusy(fakeChange(), pins, 0), { do: 'wait' });
    t.deepEqual(linux.onBusy(fakeChange({ op: 'evict', mayFail: false }), pins, 1e12), {
      do: 'wait',
    });
  }
});

test('linux breaks the whole file and asks nobody about leases', (t) => {
  t.is(linux.scope, 'file');
  t.is(linux.beforeChange, undefined);
  t.is(linux.admitPin, undefined);
});
