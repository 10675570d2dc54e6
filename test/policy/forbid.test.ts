// Goal: long-term pins are refused on every kernel; what is left is short.

import test from 'ava';
import { forbid } from '../../lib/policy/forbid.js';
import { fakeChange, fakePin } from './policy-world.js';

test('what is busy is waited for', (t) => {
  for (const pins of [[], [fakePin({ longterm: false })], [fakePin()]]) {
    t.deepEqual(forbid.onBusy(fakeChange(), pins, 0), { do: 'wait' });
    t.deepEqual(forbid.onBusy(fakeChange({ op: 'evict', mayFail: false }), pins, 1e12), {
      do: 'wait',
    });
  }
});

test('the refusal is the kernel’s own EOPNOTSUPP', (t) => {
  t.is(forbid.rules.longtermFsdax, 'EOPNOTSUPP');
});
