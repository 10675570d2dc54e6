// Goal: the change is made at once; referenced blocks wait with an orphan inode.

import test from 'ava';
import { orphan } from '../../lib/policy/orphan.js';
import { fakeChange, fakePin } from './policy-world.js';

test('any pin leaves its blocks to an orphan', (t) => {
  for (const pins of [[], [fakePin({ longterm: false })], [fakePin()]]) {
    t.deepEqual(orphan.onBusy(fakeChange(), pins, 0), { do: 'proceed', blocks: 'orphan' });
    t.deepEqual(orphan.onBusy(fakeChange({ op: 'evict', mayFail: false }), pins, 1e12), {
      do: 'proceed',
      blocks: 'orphan',
    });
  }
});
