// Goal: vmstat counts pins as /proc/vmstat does: pages taken and pages given back (facts 2.1).

import test from 'ava';
import { Vmstat } from '../../lib/mm/vmstat.js';
import { assertBalanced } from '../support/balance.js';
import { memoryMachine } from '../support/mm-fixture.js';

test('outstanding pins are those acquired less those released', (t) => {
  const { env } = memoryMachine();
  const list = Uint32Array.from([0, 1, 2], (i) => env.pages.regions[1]!.basePfn + i);
  t.is(env.vmstat, env.pages.vmstat);
  env.pages.pinPages(list, 0, 3);
  env.pages.unpinPages(list, 1, 1);
  const { nrFollPinAcquired, nrFollPinReleased } = env.vmstat.counters;
  t.deepEqual([nrFollPinAcquired, nrFollPinReleased], [3, 1]);
  t.is(env.vmstat.pinsOutstanding, 2);
  env.pages.unpinPages(list, 0, 1);
  env.pages.unpinPages(list, 2, 1);
  t.is(new Vmstat().pinsOutstanding, 0);
  assertBalanced(t, env);
});
