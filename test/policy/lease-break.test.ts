// Goal: SIGIO once, lease-break-time, then the lease is gone and the last resort decides.
// Method: one application per reaction, to the nanosecond of the virtual clock.

import test from 'ava';
import { seconds } from '../../lib/units.js';
import { policies } from '../../lib/policy/index.js';
import { leaseBreak } from '../../lib/policy/lease-break.js';
import { play, polite, PolicyWorld, stubborn } from './policy-world.js';

test('who ignores SIGIO keeps the pages 45 s, then dies; its exit frees them', async (t) => {
  const o = await play(policies['lease-break'], stubborn);
  t.deepEqual(o.signals, ['SIGIO at 0 s', 'SIGKILL at 45 s']);
  t.like(o, { truncate: 'done', atNs: seconds(45), killed: true, blocks: 'idle-first' });
  t.is(o.pinsLeft, 0);
});

test('who cooperates is told once, and nothing happens to it', async (t) => {
  const o = await play(policies['lease-break'], polite);
  t.deepEqual(o.signals, ['SIGIO at 0 s']);
  t.like(o, { truncate: 'done', atNs: 0, killed: false, revoked: false });
});

test('who drops the lease and keeps the pin meets the last resort at once', async (t) => {
  const o = await play(policies['lease-break'], { ...polite, sigio: 'drops lease' });
  t.deepEqual(o.signals, ['SIGIO at 0 s', 'SIGKILL at 0 s']);
  t.true(o.leaseWentFirst);
});

test('who never takes a lease cannot pin', async (t) => {
  const o = await play(policies['lease-break'], { ...polite, lease: 'none' });
  t.is(o.pin, 'EPERM');
  t.is(o.truncate, 'done');
});

for (const [id, truncate, atNs, blocks, signals] of [
  ['lease-break:hang', 'hung', Infinity, 'idle-first', ['SIGIO at 0 s']],
  ['lease-break:fail', 'EBUSY', seconds(45), 'idle-first', ['SIGIO at 0 s']],
  ['lease-break:sigbus', 'hung', Infinity, 'idle-first', ['SIGIO at 0 s', 'SIGBUS at 45 s']],
  ['lease-break:revoke', 'done', seconds(45), 'idle-first', ['SIGIO at 0 s']],
  ['lease-break:orphan', 'done', seconds(45), 'orphan', ['SIGIO at 0 s']],
  [
    'lease-break:ladder',
    'done',
    seconds(50),
    'idle-first',
    ['SIGIO at 0 s', 'SIGBUS at 45 s', 'SIGKILL at 50 s'],
  ],
] as const) {
  test(`${id}: against who reacts to nothing truncate is ${truncate}, ${blocks}`, async (t) => {
    const o = await play(policies[id], stubborn);
    t.like(o, { pin: 'ok', truncate, atNs, blocks });
    t.deepEqual(o.signals, [...signals]);
  });
}

test('a SIGBUS handler that unpins lets truncate go on, and its process lives', async (t) => {
  const o = await play(policies['lease-break:sigbus'], { ...stubborn, sigbus: 'unpins' });
  t.like(o, { truncate: 'done', atNs: seconds(45), killed: false, pinsLeft: 0 });
});

test('where revoke is a last resort a pin that cannot be revoked is not let in', async (t) => {
  for (const id of ['lease-break:revoke', 'lease-break:ladder'] as const) {
    const o = await play(policies[id], { ...polite, revoke: 'irrevocable' });
    t.is(o.pin, 'EOPNOTSUPP');
  }
});

test('a pin may take the lease itself, which goes with the last pin', async (t) => {
  const policy = policies['lease-break:implicit'];
  const world = new PolicyWorld(policy, { ...stubborn, lease: 'none' });
  t.is(world.pin(true), 'ok');
  t.is(world.pin(true), 'ok');
  t.deepEqual(
    world.leases.leases.map((l) => [l.kind, l.implicit, l.pid]),
    [['LAYOUT', true, 7]],
  );
  const o = await world.truncate('ok');
  t.deepEqual(o.signals, ['SIGIO at 0 s', 'SIGBUS at 45 s', 'SIGKILL at 50 s']);
  const again = new PolicyWorld(policy, { ...polite, lease: 'none' });
  again.pin(true);
  again.unpin();
  t.is(again.leases.leases.length, 0);
});

test('while a layout is about to change nobody pins it', async (t) => {
  for (const id of ['lease-break', 'lease-break:implicit'] as const) {
    const world = new PolicyWorld(policies[id], stubborn);
    world.takeLease();
    t.is(world.pin(true), 'ok');
    const truncate = world.truncate('ok');
    await world.sched.runFor(seconds(1));
    t.is(world.pin(true), 'EPERM');
    t.is(world.pin(false), 'ok', 'a short pin is let in, and waited for');
    world.unpin();
    t.is((await truncate).truncate, 'done');
  }
});

test('with lease-break-time 0 the last resort never comes', async (t) => {
  const world = new PolicyWorld(policies['lease-break'], stubborn);
  world.settings.breakTimeNs = 0;
  world.takeLease();
  const o = await world.truncate(world.pin(true));
  t.is(o.truncate, 'hung');
  t.deepEqual(o.signals, ['SIGIO at 0 s']);
});

test('graces are the user’s to choose', async (t) => {
  const policy = leaseBreak({
    name: 'lease-break:patient',
    lastResort: [{ step: 'sigbus', graceNs: seconds(60) }, 'sigkill', 'hang'],
  });
  const o = await play(policy, stubborn);
  t.deepEqual(o.signals, ['SIGIO at 0 s', 'SIGBUS at 45 s', 'SIGKILL at 105 s']);
});
