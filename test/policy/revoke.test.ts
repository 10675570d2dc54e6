// Goal: pages are taken back in the kernel: no lease, no signal, nobody dies.

import test from 'ava';
import { revoke } from '../../lib/policy/revoke.js';
import { fakeChange, fakePin, play, polite, stubborn } from './policy-world.js';

test('a pin of whoever is called back at once, and truncate goes on', async (t) => {
  for (const lease of ['none', 'exclusive'] as const) {
    const o = await play(revoke, { ...stubborn, lease });
    t.like(o, { pin: 'ok', truncate: 'done', atNs: 0, revoked: true, killed: false });
    t.deepEqual(o.signals, []);
  }
});

test('a pin that cannot be revoked is not let in', async (t) => {
  t.is((await play(revoke, { ...polite, revoke: 'irrevocable' })).pin, 'EOPNOTSUPP');
});

test('a driver that never answers leaves the change waiting, never proceeding', async (t) => {
  t.is((await play(revoke, { ...polite, revoke: 'deaf' })).truncate, 'hung');
});

test('an eviction is no exception, and short pins are not called back', (t) => {
  const evict = fakeChange({ op: 'evict', mayFail: false, interruptible: false });
  t.is(revoke.onBusy(evict, [fakePin()], 0).do, 'revoke');
  t.deepEqual(revoke.onBusy(evict, [fakePin({ longterm: false })], 0), { do: 'wait' });
});
