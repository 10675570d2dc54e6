// Goal: no signal ends the wait for a pin.

import test from 'ava';
import { waitUninterruptible } from '../../lib/policy/wait-uninterruptible.js';
import { wait } from '../../lib/policy/wait.js';
import type { Task } from '../../lib/sched/index.js';
import { fakeChange, fakePin, polite, PolicyWorld } from './policy-world.js';

test('any pin is waited for, whoever is killed', (t) => {
  for (const pins of [[], [fakePin({ longterm: false })], [fakePin()]]) {
    t.deepEqual(waitUninterruptible.onBusy(fakeChange(), pins, 0), {
      do: 'wait',
      uninterruptible: true,
    });
    t.deepEqual(
      waitUninterruptible.onBusy(fakeChange({ op: 'evict', mayFail: false }), pins, 1e12),
      { do: 'wait', uninterruptible: true },
    );
  }
});

test('a SIGKILL does not end a truncate, the unpin does', async (t) => {
  const world = new PolicyWorld(waitUninterruptible, polite);
  world.pin(true);
  let victim: Task | null = null;
  world.sched.spawn('killer', async (task) => {
    await world.sched.clock.sleep(task, 1e9);
    victim = world.truncating;
    victim?.interrupt('kill');
    await world.sched.clock.sleep(task, 1e9);
    world.unpin();
  });
  const o = await world.truncate('ok');
  t.not(victim, null);
  t.is(o.truncate, 'done');
  t.is(o.atNs, 2e9);
});

test('under plain wait the same SIGKILL is EINTR', async (t) => {
  const world = new PolicyWorld(wait, polite);
  world.pin(true);
  world.sched.spawn('killer', async (task) => {
    await world.sched.clock.sleep(task, 1e9);
    world.truncating?.interrupt('kill');
  });
  const o = await world.truncate('ok');
  t.is(o.truncate, 'EINTR');
  t.is(o.atNs, 1e9);
  t.is(o.pinsLeft, 1);
});
