// Goal: a recall is answered or, two lease periods later, the client is fenced; no block before.

import test from 'ava';
import type { LeaseManager } from '../../lib/lease/lease.js';
import { nfsdLeasePeriodNs, recallFence } from '../../lib/policy/recall-fence.js';
import { seconds } from '../../lib/units.js';
import { FakeFile } from '../lease/lease-world.js';
import { fakePin, play, polite, PolicyWorld, stubborn } from './policy-world.js';

test('two periods are 180 s', (t) => {
  t.is(2 * nfsdLeasePeriodNs, seconds(180));
});

test('who pinned without a lease is recalled, and fenced after two periods', async (t) => {
  const o = await play(recallFence, { ...stubborn, lease: 'none' });
  t.deepEqual(o.signals, ['SIGIO at 0 s']);
  t.like(o, { truncate: 'done', atNs: seconds(180), revoked: true, killed: false });
});

test('who answers the recall is not fenced', async (t) => {
  const o = await play(recallFence, { ...polite, lease: 'none' });
  t.like(o, { truncate: 'done', atNs: 0, revoked: false });
});

test('a pin taken during the recall is recalled too, and fenced with the others', async (t) => {
  const world = new PolicyWorld(recallFence, { ...stubborn, lease: 'none' });
  world.pin(true);
  const truncate = world.truncate('ok');
  await world.sched.runFor(seconds(100));
  world.pins.add(fakePin({ process: world.app }));
  world.wake();
  const o = await truncate;
  t.deepEqual(o.signals, ['SIGIO at 0 s', 'SIGIO at 100 s']);
  t.is(o.atNs, seconds(180));
  t.is(o.pinsLeft, 0);
});

test('a layout in the kernel runs its own clock: the recall waits for its manager', async (t) => {
  const world = new PolicyWorld(recallFence, polite);
  const manager: LeaseManager = { onBreak: () => 'no-timeout' };
  const file = new FakeFile(world.inode, 'rdwr');
  const lease = world.layout(file, manager);
  world.sched.spawn('nfsd', async (task) => {
    await world.sched.clock.sleep(task, 2 * nfsdLeasePeriodNs);
    world.leases.drop(lease);
  });
  const o = await world.truncate('ok');
  t.like(o, { truncate: 'done', atNs: seconds(180) });
});
