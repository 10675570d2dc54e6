// Goal: who is stuck behind a waiting truncate is measured, each for itself.

import test from 'ava';
import { seconds } from '../../lib/units.js';
import { endOf } from './play-fixture.js';

test('under wait readers and writers are stuck behind truncate, stat is not', async (t) => {
  const { stuck } = await endOf({ policy: 'wait' });
  t.true((stuck.reader ?? Infinity) > seconds(100));
  t.true((stuck.writer ?? Infinity) > seconds(100));
  t.is(stuck.stat, 0);
});

test('under orphan nobody is', async (t) => {
  t.deepEqual((await endOf({ policy: 'orphan' })).stuck, { reader: 0, writer: 0, stat: 0 });
});
