// Goal: each operation meets the pins its own way.

import test from 'ava';
import { endOf } from './play-fixture.js';

test('orphan: truncate, punch and the last close all proceed at once', async (t) => {
  for (const operation of ['truncate', 'punch', 'unlink'] as const) {
    const e = await endOf({ policy: 'orphan', operation });
    t.is(e.outcome.end, 'ok');
    t.is(e.outcome.tookNs, 0);
    t.is(e.leaked, 0);
  }
});

test('the last close waits for pins, whatever truncate would answer', async (t) => {
  t.is((await endOf({ policy: 'ebusy', operation: 'punch' })).outcome.end, 'EBUSY');
  t.is((await endOf({ policy: 'ebusy', operation: 'unlink' })).outcome.end, 'hung');
});

test('reclaim ends, and loses nothing', async (t) => {
  const e = await endOf({ policy: 'linux', operation: 'reclaim' });
  t.is(e.outcome.end, 'ok');
  t.is(e.lostPages, 0);
});
