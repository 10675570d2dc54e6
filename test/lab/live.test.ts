// Goal: on the machine's own clock the verdict is the same; lease-break-time is 0.2 s there.

import test from 'ava';
import { infeasible, playLive } from '../../lib/lab/live.js';
import { policyNamed } from '../../lib/policy/index.js';
import { cellOf, withDevice } from './play-fixture.js';
import { verdict } from './verdict-fixture.js';

test('none corrupts on real time too', async (t) => {
  const cell = cellOf({ policy: 'none' });
  const live = await withDevice((device) => playLive(cell, policyNamed('none'), device));
  t.is(live.verdict, 'stray DMA');
  t.true(live.transfers > 0 && live.strangers > 0, 'a thread wrote, and saw whose pages it met');
  t.deepEqual(live.broken, []);
});

test('lease-break: who ignores SIGIO is killed, and nothing strays', async (t) => {
  const cell = cellOf({ policy: 'lease-break', behaviour: 'ignores' });
  const live = await withDevice((device) => playLive(cell, policyNamed('lease-break'), device));
  t.is(live.verdict, 'safe');
  t.is(live.end, 'ok');
  t.deepEqual(live.broken, []);
});

test('what hangs, or waits for minutes, is not played live, and says why', (t) => {
  t.is(infeasible(verdict({ outcome: { end: 'hung', tookNs: 0, steps: 0 } })), 'it never ends');
  t.regex(infeasible(verdict({ holderStuck: ['exit'] })) ?? '', /exit never ends/);
  const outcome = { end: 'ok', tookNs: 180e9, steps: 1 };
  t.is(infeasible(verdict({ outcome })), 'it takes 180 s');
  t.is(infeasible(verdict({})), null);
});
