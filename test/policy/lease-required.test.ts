// Goal: no lease ends before its pins, and nobody dies of it: neither exit order deadlocks.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { leaseRequired } from '../../lib/policy/lease-required.js';
import { seconds } from '../../lib/units.js';
import { play, polite, PolicyWorld, stubborn } from './policy-world.js';

const hang = leaseRequired('hang');
const fail = leaseRequired('fail');

test('who ignores SIGIO makes truncate hang, or fail after lease-break-time', async (t) => {
  t.like(await play(hang, stubborn), { truncate: 'hung', leaseWentFirst: false, pinsLeft: 1 });
  const o = await play(fail, stubborn);
  t.like(o, { truncate: 'EBUSY', atNs: seconds(45), leaseWentFirst: false });
  t.deepEqual(o.signals, ['SIGIO at 0 s']);
});

test('a truncate that hangs goes on once the pins are gone, and the lease too', async (t) => {
  const world = new PolicyWorld(hang, stubborn);
  const lease = world.takeLease()!;
  world.pin(true);
  world.sched.spawn('late', async (task) => {
    await world.sched.clock.sleep(task, seconds(300));
    world.unpin();
  });
  const o = await world.truncate('ok');
  t.like(o, { truncate: 'done', atNs: seconds(300), leaseWentFirst: false });
  t.true(lease.gone);
});

test('F_UNLCK under pins waits for the last unpin, and a signal ends that wait', async (t) => {
  const world = new PolicyWorld(hang, polite);
  world.takeLease();
  world.pin(true);
  const unlock = () =>
    world.sched.spawn('unlock', (task) =>
      world.leases.unlock({ task, process: world.app }, world.file),
    );
  const first = unlock();
  await world.sched.settle();
  first.task.interrupt('signal');
  t.true(isErrno(await t.throwsAsync(first.promise), 'EINTR'));
  t.is(world.leases.getLease(world.file), 'F_LAYOUT');
  const second = unlock();
  await world.sched.settle();
  t.is(second.task.state, 'blocked');
  world.unpin();
  await second.promise;
  t.is(world.leases.leases.length, 0);
});

test('F_UNLCK under pins is EBUSY where truncate fails', async (t) => {
  const world = new PolicyWorld(fail, polite);
  world.takeLease();
  world.pin(true);
  const e = await t.throwsAsync(
    world.sched.spawn('unlock', (task) =>
      world.leases.unlock({ task, process: world.app }, world.file),
    ).promise,
  );
  t.true(isErrno(e, 'EBUSY'));
  t.is(world.leases.getLease(world.file), 'F_LAYOUT');
});

for (const policy of [hang, fail]) {
  for (const why of ['close', 'exit'] as const) {
    test(`${policy.name}: ${why} under pins returns; the lease goes with the last`, async (t) => {
      const world = new PolicyWorld(policy, polite);
      const lease = world.takeLease()!;
      world.pin(true);
      world.pin(true);
      const [one, two] = [...world.pins];
      await world.sched.spawn('fput', (task) => world.leases.release(task, world.file, why))
        .promise;
      t.is(lease.kept, why);
      world.unpin([one!]);
      t.false(lease.gone);
      world.unpin([two!]);
      t.true(lease.gone);
    });
  }
}

test('a kept lease lets nobody pin under it', async (t) => {
  const world = new PolicyWorld(hang, polite);
  world.takeLease();
  world.pin(true);
  await world.sched.spawn('fput', (task) => world.leases.release(task, world.file)).promise;
  t.is(world.pin(true), 'EPERM');
});

test('nobody is told about a lease that was closed; its pins are waited for', async (t) => {
  const world = new PolicyWorld(hang, polite);
  world.takeLease();
  world.pin(true);
  await world.sched.spawn('fput', (task) => world.leases.release(task, world.file)).promise;
  world.sched.spawn('late', async (task) => {
    await world.sched.clock.sleep(task, seconds(7));
    world.unpin();
  });
  const o = await world.truncate('ok');
  t.like(o, { truncate: 'done', atNs: seconds(7) });
  t.deepEqual(o.signals, []);
});
