// Goal: the lease that lets a process map the block device lasts as long as its pins do.

import test from 'ava';
import { blockDevice } from '../../lib/policy/block-device.js';
import { play, polite, PolicyWorld, stubborn } from './policy-world.js';

test('it is lease-required, with mappings of the block device', (t) => {
  t.is(blockDevice.rules.blockMappings, true);
  t.is(blockDevice.rules.userLayoutLeases, true);
  t.true(blockDevice.promises.leaseOutlivesPin);
});

test('who cooperates lets truncate go on; for who does not it waits, and never frees', async (t) => {
  t.like(await play(blockDevice, polite), { truncate: 'done', blocks: 'idle-first' });
  t.like(await play(blockDevice, stubborn), { truncate: 'hung', killed: false, pinsLeft: 1 });
});

test('a pin without a lease is EPERM', async (t) => {
  t.is((await play(blockDevice, { ...polite, lease: 'none' })).pin, 'EPERM');
});

test('F_UNLCK waits for the last pin', async (t) => {
  const world = new PolicyWorld(blockDevice, polite);
  const lease = world.takeLease()!;
  world.pin(true);
  const { sched, leases, app, file } = world;
  const unlocked = sched.spawn('unlock', (task) => leases.unlock({ task, process: app }, file));
  await sched.settle();
  t.false(lease.gone);
  world.unpin();
  await unlocked.promise;
  t.true(lease.gone);
});
