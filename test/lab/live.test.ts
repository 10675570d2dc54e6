// Goal: on the machine's own clock the verdict is the same; lease-break-time is 0.2 s there.

import test from 'ava';
import { isFeasible, playLive } from '../../lib/lab/live.js';
import { policyNamed } from '../../lib/policy/index.js';
import { cellOf, withDevice } from './play-fixture.js';
import { verdict } from './verdict-fixture.js';

test('none corrupts on real time too', async (t) => {
  const cell = cellOf({ policy: 'none' });
  const live = await withDevice((device) => playLive(cell, policyNamed('none'), device));
  t.is(live.verdict, 'stray DMA');
  t.deepEqual(live.broken, []);
});

test('lease-break: who ignores SIGIO is killed, and nothing strays', async (t) => {
  const cell = cellOf({ policy: 'lease-break', behaviour: 'ignores' });
  const live = await withDevice((device) => playLive(cell, policyNamed('lease-break'), device));
  t.is(live.verdict, 'safe');
  t.is(live.end, 'ok');
  t.deepEqual(live.broken, []);
});

test('what hangs is not played live', (t) => {
  t.false(isFeasible(verdict({ outcome: { end: 'hung', tookNs: 0, steps: 0 } })));
  t.false(isFeasible(verdict({ holderStuck: ['exit'] })));
  t.true(isFeasible(verdict({})));
});
