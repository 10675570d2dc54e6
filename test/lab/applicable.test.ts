// Goal: nothing that makes sense is left out, and what is left out has a reason.

import test from 'ava';
import { notApplicable, reasons } from '../../lib/lab/applicable.js';
import { driverNames, behaviourNames } from '../../lib/lab/cell.js';
import { cellsOf } from '../../lib/lab/matrix.js';
import { policyIds, policyNamed } from '../../lib/policy/index.js';
import { cellOf } from './play-fixture.js';

const everything = { policies: [], drivers: [], behaviours: [], operations: [] };
const cells = cellsOf(everything).map((cell) => ({
  cell,
  na: notApplicable(cell, policyNamed(cell.policy)),
}));

test('every policy, driver and behaviour is measured somewhere', (t) => {
  const measured = cells.filter(({ na }) => na === null).map(({ cell }) => cell);
  const seen = <K extends 'policy' | 'driver' | 'behaviour'>(k: K) =>
    new Set<string>(measured.map((c) => c[k]));
  t.deepEqual([...seen('policy')].sort(), [...policyIds].sort());
  t.deepEqual([...seen('driver')].sort(), [...driverNames].sort());
  t.deepEqual([...seen('behaviour')].sort(), [...behaviourNames].sort());
});

test('every reason is needed', (t) => {
  const used = new Set(cells.map(({ na }) => na));
  for (const reason of reasons) t.true(used.has(reason), reason);
});

test('pinned RDMA under truncate is always measured', (t) => {
  for (const policy of policyIds) {
    const cell = cellOf({ policy, driver: 'rdma-pinned', behaviour: 'ignores' });
    t.is(notApplicable(cell, policyNamed(policy)), null);
  }
});
