// Goal: an exclusive layout lease fails layout changes before they start, and says whose it is.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import type { PinIntent } from '../../lib/mm/mm-env.js';
import { etxtbsy } from '../../lib/policy/etxtbsy.js';
import { requireLease } from '../../lib/policy/pins.js';
import { Task } from '../../lib/sched/index.js';
import { FakeFile, FakeProcess } from '../lease/lease-world.js';
import { play, polite, PolicyWorld, fakeChange } from './policy-world.js';

const fakeIntent = (process: FakeProcess) => ({ longterm: true, process }) as unknown as PinIntent;

test('a truncate under another’s exclusive lease is ETXTBSY, and nobody is told', async (t) => {
  const o = await play(etxtbsy, polite);
  t.like(o, { pin: 'ok', truncate: 'ETXTBSY', atNs: 0, pinsLeft: 1, killed: false });
  t.deepEqual(o.signals, []);
});

test('the holder’s own truncate is EDEADLOCK, also if others hold one', async (t) => {
  const world = new PolicyWorld(etxtbsy, polite);
  const { leases, inode, sched, app } = world;
  const other = new FakeProcess(6, 'other');
  const theirs = new FakeFile(inode, 'rdwr');
  const truncate = (process: FakeProcess) =>
    sched.spawn('truncate', (task) =>
      etxtbsy.beforeChange!(fakeChange({ task, caller: { task, process } }), leases),
    ).promise;
  const caller = { task: new Task(sched, 998, 'other', false), process: other };
  const asked = { kind: 'LAYOUT', exclusive: true } as const;
  leases.setLease(caller, theirs, 'F_RDLCK', asked);
  t.true(isErrno(await t.throwsAsync(truncate(app)), 'ETXTBSY'), 'it is not its own yet');
  world.takeLease();
  for (const process of [app, other]) {
    t.true(isErrno(await t.throwsAsync(truncate(process)), 'EDEADLOCK'), process.name);
  }
  t.true(isErrno(await t.throwsAsync(truncate(new FakeProcess(8, 'admin'))), 'ETXTBSY'));
  t.deepEqual([...app.signals, ...other.signals], [], 'nobody is told');
});

test('two processes pin under an exclusive lease each; the last unpin lets truncate go on', async (t) => {
  const world = new PolicyWorld(etxtbsy, polite);
  const { leases, inode, sched } = world;
  const other = new FakeProcess(6, 'other');
  const caller = { task: new Task(sched, 998, 'other', false), process: other };
  const asked = { kind: 'LAYOUT', exclusive: true } as const;
  const theirs = leases.setLease(caller, new FakeFile(inode, 'rdwr'), 'F_RDLCK', asked);
  world.takeLease();
  t.is(world.pin(true), 'ok');
  t.notThrows(() => requireLease(fakeIntent(other), leases, true));
  await sched.spawn('unlock', (task) => leases.unlock({ task, process: world.app }, world.file))
    .promise;
  world.unpin();
  t.is((await world.truncate('ok')).truncate, 'ETXTBSY', 'the other one is in the way still');
  leases.drop(theirs);
  t.is((await world.truncate('ok')).truncate, 'done');
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
