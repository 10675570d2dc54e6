// Goal: a file prepared for DMA cannot change its layout, and only such a file is pinned for long.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { layoutOps } from '../../lib/lease/define-policy.js';
import { immutable } from '../../lib/policy/immutable.js';
import { fakeChange, play, polite, PolicyWorld } from './policy-world.js';

test('every change of a prepared file is EPERM at once, and nobody is told', async (t) => {
  const world = new PolicyWorld(immutable, polite);
  world.takeLease();
  for (const op of layoutOps.filter((o) => o !== 'evict')) {
    const e = await t.throwsAsync(immutable.beforeChange!(fakeChange({ op }), world.leases));
    t.true(isErrno(e, 'EPERM'), op);
  }
  t.deepEqual(world.app.signals, []);
});

test('a long-term pin of a file that is not prepared is EPERM', async (t) => {
  const o = await play(immutable, { ...polite, lease: 'none' });
  t.is(o.pin, 'EPERM');
  t.is(o.truncate, 'done');
});

test('the file stays prepared until the last pin, although the lease was given up', async (t) => {
  const world = new PolicyWorld(immutable, polite);
  const lease = world.takeLease()!;
  world.pin(true);
  await world.sched.spawn('unlock', (task) =>
    world.leases.unlock({ task, process: world.app }, world.file),
  ).promise;
  t.is(lease.kept, 'unlock');
  t.is((await world.truncate('ok')).truncate, 'EPERM');
  world.unpin();
  t.is((await world.truncate('ok')).truncate, 'done');
});
