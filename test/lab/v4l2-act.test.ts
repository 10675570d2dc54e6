// Goal: v4l2-userptr keeps its pins until it lets go, and what it writes meanwhile stays in its
// file.

import test from 'ava';
import { endOf } from './play-fixture.js';

test('under wait it does DMA for as long as truncate waits', async (t) => {
  const e = await endOf({ driver: 'v4l2-userptr' });
  t.is(e.pin, 'granted');
  t.is(e.outcome.end, 'hung');
  t.true(e.transfers.done > 3);
  t.deepEqual(e.stray, []);
});

test('where long-term pins are forbidden it meets EOPNOTSUPP', async (t) => {
  t.is((await endOf({ driver: 'v4l2-userptr', policy: 'forbid' })).pin, 'EOPNOTSUPP');
});
