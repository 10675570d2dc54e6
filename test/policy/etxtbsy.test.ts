// Goal: an exclusive layout lease fails layout changes before they start, and says whose it is.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { etxtbsy } from '../../lib/policy/etxtbsy.js';
import { play, polite, PolicyWorld, fakeChange } from './policy-world.js';

test('a truncate under another’s exclusive lease is ETXTBSY, and nobody is told', async (t) => {
  const o = await play(etxtbsy, polite);
  t.like(o, { pin: 'ok', truncate: 'ETXTBSY', atNs: 0, pinsLeft: 1, killed: false });
  t.deepEqual(o.signals, []);
});

test('the holder’s own truncate is EDEADLOCK, also if others hold one', async (t) => {
  const world = new PolicyWorld(etxtbsy, polite);
  world.takeLease();
  const task = world.sched.spawn('truncate', (own) =>
    etxtbsy.beforeChange!(
      fakeChange({ task: own, caller: { task: own, process: world.app } }),
      world.leases,
    ),
  );
  const e = await t.throwsAsync(task.promise);
  t.true(isErrno(e, 'EDEADLOCK'));
});

test('a pin without an exclusive lease of its own is EPERM; truncate goes on', async (t) => {
  for (const lease of ['none', 'shared'] as const) {
    const o = await play(etxtbsy, { ...polite, lease });
    t.is(o.pin, 'EPERM');
    t.is(o.truncate, 'done');
  }
});

test('a shared layout lease is broken as any lease is', async (t) => {
  const o = await play(etxtbsy, { ...polite, lease: 'shared', sigio: 'ignores' });
  t.deepEqual(o.signals, ['SIGIO at 0 s']);
  t.is(o.atNs, 45e9);
});

test('a lease that is closed under pins lives until the unpin', async (t) => {
  const world = new PolicyWorld(etxtbsy, polite);
  const lease = world.takeLease()!;
  t.is(world.pin(true), 'ok');
  await world.sched.spawn('close', (task) => world.leases.release(task, world.file)).promise;
  t.is(lease.kept, 'close');
  t.is((await world.truncate('ok')).truncate, 'ETXTBSY');
  world.unpin();
  t.true(lease.gone);
  t.is((await world.truncate('ok')).truncate, 'done');
});

test('after the lease was given up the pins alone answer ETXTBSY', async (t) => {
  const world = new PolicyWorld(etxtbsy, polite);
  world.takeLease();
  world.pin(true);
  const caller = { process: world.app };
  await world.sched.spawn('unlock', (task) => world.leases.unlock({ ...caller, task }, world.file))
    .promise;
  t.is(world.leases.leases.length, 0);
  t.is(world.pin(true), 'EPERM');
  t.is((await world.truncate('ok')).truncate, 'ETXTBSY');
});
