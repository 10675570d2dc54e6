// Goal: a block layout is recalled before its blocks go, and who ignores that is fenced.

import test from 'ava';
import { seconds } from '../../lib/units.js';
import { endOf } from './play-fixture.js';

test('truncate waits two lease periods for a client that ignores the recall', async (t) => {
  const e = await endOf({ driver: 'pnfs', policy: 'linux', behaviour: 'ignores' });
  t.is(e.outcome.tookNs, seconds(180));
  t.deepEqual(e.stray, []);
});

test('and not at all for one that returns the layout', async (t) => {
  const e = await endOf({ driver: 'pnfs', policy: 'linux', behaviour: 'cooperates' });
  t.is(e.outcome.tookNs, 0);
});
