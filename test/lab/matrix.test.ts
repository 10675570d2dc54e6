// Goal: a selection is the product of what was asked for.

import test from 'ava';
import { cellsOf } from '../../lib/lab/matrix.js';
import { behaviourNames, driverNames, operationNames } from '../../lib/lab/cell.js';
import { policyIds } from '../../lib/policy/index.js';

const all = { policies: [], drivers: [], behaviours: [], operations: [] };

test('nothing asked for is everything', (t) => {
  const n = policyIds.length * driverNames.length * behaviourNames.length * operationNames.length;
  t.is(cellsOf(all).length, n);
});

test('names narrow it down to one cell', (t) => {
  const one = {
    policies: ['wait'],
    drivers: ['vfio'],
    behaviours: ['ignores'],
    operations: ['punch'],
  };
  t.deepEqual(cellsOf(one), [
    { policy: 'wait', driver: 'vfio', behaviour: 'ignores', operation: 'punch' },
  ]);
});
