// Goal: virtual time moves only when it is moved, and fires every timer at its own instant.

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { RealClock, Scheduler, VirtualClock } from '../../lib/sched/index.js';
import { ms, seconds } from '../../lib/units.js';

testProp(
  'timers fire in the order of their times, and of their setting at one instant',
  [fc.array(fc.nat(20), { maxLength: 30 })],
  (t, times) => {
    const clock = new VirtualClock();
    const fired: [number, number][] = [];
    times.forEach((atNs, i) => clock.timer(atNs, () => fired.push([clock.nowNs, i])));
    clock.advanceTo(20);
    const expected = times.map((atNs, i): [number, number] => [atNs, i]);
    t.deepEqual(
      fired,
      expected.sort(([a, i], [b, j]) => a - b || i - j),
    );
    t.is(clock.nrTimers, 0);
  },
);

test('a timer fires at its instant and not a nanosecond before', (t) => {
  const clock = new VirtualClock();
  let fired = 0;
  clock.timer(seconds(45), () => fired++);
  clock.advanceTo(seconds(45) - 1);
  t.is(fired, 0);
  clock.advanceTo(seconds(45));
  t.is(fired, 1);
});

test('a cancelled timer never fires, and cancelling twice is harmless', (t) => {
  const clock = new VirtualClock();
  const cancel = clock.timer(5, () => t.fail());
  cancel();
  cancel();
  clock.advanceTo(10);
  t.is(clock.nextNs, Infinity);
});

test('a timer set for the past fires at once, and one set by a timer in its turn', (t) => {
  const clock = new VirtualClock();
  clock.advanceTo(10);
  const fired: string[] = [];
  clock.timer(3, () => {
    fired.push(`late at ${clock.nowNs}`);
    clock.timer(15, () => fired.push(`next at ${clock.nowNs}`));
  });
  clock.fireNext();
  t.deepEqual(fired, ['late at 10']);
  clock.advanceTo(20);
  t.deepEqual(fired, ['late at 10', 'next at 15']);
});

test('time never goes back', (t) => {
  const clock = new VirtualClock();
  clock.advanceTo(10);
  t.throws(() => clock.advanceTo(9), { message: /before now/ });
});

test('forty-five virtual seconds pass at once', async (t) => {
  const sched = new Scheduler({ mode: 'simulated' });
  const woke = await sched.enter('sleeper', async (task) => {
    await sched.clock.sleep(task, seconds(45));
    return sched.clock.nowNs;
  });
  t.is(woke, seconds(45));
});

test('a signal ends an interruptible sleep with EINTR, and no other', async (t) => {
  const sched = new Scheduler({ mode: 'simulated' });
  await sched.run('main', async (main) => {
    const nap = (interruptible: boolean) =>
      sched.spawn('nap', (task) => sched.clock.sleep(task, ms(10), { interruptible }));
    const light = nap(true);
    const deep = nap(false);
    await sched.clock.sleep(main, ms(1));
    light.task.interrupt('signal');
    deep.task.interrupt('kill');
    t.true(isErrno(await t.throwsAsync(light.join(main)), 'EINTR'));
    t.is(sched.clock.nowNs, ms(1));
    await deep.join(main);
    t.is(sched.clock.nowNs, ms(10));
  });
});

test('the real clock never goes back, and its timers fire no earlier than set', async (t) => {
  const clock = new RealClock();
  const before = clock.nowNs;
  const atNs = before + ms(2);
  clock.timer(atNs, () => t.fail())();
  await new Promise<void>((resolve) => clock.timer(atNs, resolve));
  t.true(clock.nowNs >= atNs);
});
