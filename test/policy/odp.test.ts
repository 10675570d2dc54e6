// Goal: nothing is pinned for long, so there is little to wait for.

import test from 'ava';
import { odp } from '../../lib/policy/odp.js';
import { fakeChange, fakePin } from './policy-world.js';

test('what is busy is short, and waited for', (t) => {
  for (const pins of [[], [fakePin({ longterm: false })], [fakePin()]]) {
    t.deepEqual(odp.onBusy(fakeChange(), pins, 0), { do: 'wait' });
    t.deepEqual(odp.onBusy(fakeChange({ op: 'evict', mayFail: false }), pins, 1e12), {
      do: 'wait',
    });
  }
});

test('only what moves or goes is invalidated', (t) => {
  t.is(odp.rules.longtermFsdax, 'EOPNOTSUPP');
  t.is(odp.scope, 'range');
});
