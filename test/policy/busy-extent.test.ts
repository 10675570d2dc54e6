// Goal: the change is made at once; referenced blocks are skipped.

import test from 'ava';
import { busyExtent } from '../../lib/policy/busy-extent.js';
import { fakeChange, fakePin } from './policy-world.js';

test('any pin leaves its blocks busy', (t) => {
  for (const pins of [[], [fakePin({ longterm: false })], [fakePin()]]) {
    t.deepEqual(busyExtent.onBusy(fakeChange(), pins, 0), { do: 'proceed', blocks: 'busy' });
    t.deepEqual(busyExtent.onBusy(fakeChange({ op: 'evict', mayFail: false }), pins, 1e12), {
      do: 'proceed',
      blocks: 'busy',
    });
  }
});
