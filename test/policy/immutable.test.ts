// Goal: a file prepared for DMA cannot change its layout, and only such a file is pinned for long.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { layoutOps } from '../../lib/lease/define-policy.js';
import { immutable } from '../../lib/policy/immutable.js';
import { fakeChange, play, polite, PolicyWorld } from './policy-world.js';

test('every change of a sealed file is EPERM at once, and nobody is told', async (t) => {
  const world = new PolicyWorld(immutable, polite);
  t.is(world.takeLease(), null);
  t.true(world.leases.immutable);
  for (const op of layoutOps.filter((o) => o !== 'evict')) {
    const e = await t.throwsAsync(immutable.beforeChange!(fakeChange({ op }), world.leases));
    t.true(isErrno(e, 'EPERM'), op);
  }
  t.deepEqual(world.app.signals, []);
});

test('a long-term pin of a file that is not sealed is EPERM', async (t) => {
  const o = await play(immutable, { ...polite, lease: 'none' });
  t.is(o.pin, 'EPERM');
  t.is(o.truncate, 'done');
});

test('unsealed under pins, the pins alone answer EPERM, until the last one', async (t) => {
  const world = new PolicyWorld(immutable, polite);
  world.takeLease();
  t.is(world.pin(true), 'ok');
  world.inode.immutable = false;
  t.is((await world.truncate('ok')).truncate, 'EPERM');
  world.unpin();
  t.is((await world.truncate('ok')).truncate, 'done');
});
