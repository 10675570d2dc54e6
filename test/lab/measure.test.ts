// Goal: a cell has a verdict that was measured, or a reason.
//
// Covers: acts, attempt, behaviour, cell, cell-world, lease-watch, page-check, play, scene, traffic

import test from 'ava';
import { measureCell } from '../../lib/lab/measure.js';
import { policyNamed } from '../../lib/policy/index.js';
import { cellOf, withDevice } from './play-fixture.js';

const measure = (cell: ReturnType<typeof cellOf>, live: boolean) =>
  withDevice((device) =>
    measureCell(cell, policyNamed(cell.policy), { device, schedules: 3, exhaustive: false, live }),
  );

test('a cell without meaning says why and runs nothing', async (t) => {
  const v = await measure(cellOf({ driver: 'device-dax' }), false);
  t.is(v.verdict, 'n/a');
  t.regex(v.na ?? '', /nothing to truncate/);
  t.is(v.schedules, 0);
});

test('a cell that pins has its schedules, a token, and a live verdict', async (t) => {
  const v = await measure(cellOf({ policy: 'orphan' }), true);
  t.is(v.verdict, 'safe');
  t.is(v.operation, 'truncate');
  t.is(v.schedules, 3);
  t.regex(v.token, /^lab-orphan-rdma-revocable-never-leases-truncate\.1\./);
  t.is(v.live?.verdict, 'safe');
  t.deepEqual(v.broken, []);
});
