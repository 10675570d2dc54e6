// Goal: every kernel has its row, and those that have type1 have the same one.

import test from 'ava';
import { vfioRules } from '../../../drivers/vfio/rules.js';
import { kernelNames } from '../../../lib/kernel-rules.js';

test('every kernel has a row', (t) => {
  t.deepEqual(Object.keys(vfioRules).sort(), [...kernelNames].sort());
  t.is(vfioRules['6.1'], vfioRules['6.12']);
  t.is(vfioRules['6.1'], vfioRules['7.2']);
});
