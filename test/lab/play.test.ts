// Goal: a play tells how its operation ended, when the pins went, and what became of the blocks.
// Method: the first schedule of a few cells whose ending is known from the policy.

import test from 'ava';
import { seconds } from '../../lib/units.js';
import { endOf } from './play-fixture.js';

test('wait: a truncate ends at the moment when the pin goes', async (t) => {
  const e = await endOf({ policy: 'wait', behaviour: 'answers-late' });
  t.is(e.outcome.end, 'ok');
  t.is(e.outcome.tookNs, seconds(60));
  t.is(e.unpinnedNs, e.outcome.tookNs);
  t.is(e.free.after! - e.free.before, 2, 'the blocks are free when it returns');
});

test('wait: a holder that never unpins hangs it, and the pins go when it is killed', async (t) => {
  const e = await endOf({ policy: 'wait' });
  t.is(e.outcome.end, 'hung');
  t.is(e.unpinnedNs, e.outcome.tookNs);
});

test('lease-break: 45 s of virtual time and a killed holder', async (t) => {
  const e = await endOf({ policy: 'lease-break', behaviour: 'ignores' });
  t.is(e.outcome.end, 'ok');
  t.true(e.outcome.tookNs >= seconds(45) && e.outcome.tookNs < seconds(60));
  t.is(e.holder, 'SIGKILL');
});

test('orphan: no block is free until the last unpin', async (t) => {
  const { free, orphanedPeak, leaked } = await endOf({ policy: 'orphan' });
  t.is(free.after, free.before);
  t.is(free.end! - free.held!, 2);
  t.deepEqual([orphanedPeak, leaked], [2, 0]);
});

test('none: bytes of the new file are the device’s', async (t) => {
  const e = await endOf({ policy: 'none' });
  t.true(e.corruptedBytes > 0);
  t.is(e.stray[0]!.value, 0xdd);
});
