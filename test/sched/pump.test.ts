// Goal: seen from outside, time moves exactly as far as asked, and outside code goes first.

import test from 'ava';
import { Scheduler, type SimulatedOptions, WaitQueue } from '../../lib/sched/index.js';
import { ms, seconds } from '../../lib/units.js';

const simulated = (opts: Omit<SimulatedOptions, 'mode'> = {}) =>
  new Scheduler({ mode: 'simulated', ...opts });

test('runFor moves time by just so much, and fires what is due at its instant', async (t) => {
  const sched = simulated({ timers: 'manual' });
  const woke: number[] = [];
  for (const at of [10, 20, 30]) {
    void sched.enter(`sleeper ${at}`, async (task) => {
      await sched.clock.sleep(task, ms(at));
      woke.push(sched.clock.nowNs);
    });
  }
  await sched.settle();
  await sched.runFor(ms(20));
  t.deepEqual(woke, [ms(10), ms(20)]);
  t.is(sched.clock.nowNs, ms(20));
  await sched.runFor(ms(5));
  t.is(sched.clock.nowNs, ms(25));
  await sched.runFor(ms(5));
  t.deepEqual(woke, [ms(10), ms(20), ms(30)]);
});

test('with timers "manual" time stands still until it is moved', async (t) => {
  const sched = simulated({ timers: 'manual' });
  let woke = false;
  const sleeper = sched.enter('sleeper', async (task) => {
    await sched.clock.sleep(task, 1);
    woke = true;
  });
  await sched.settle();
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  t.false(woke);
  sched.virtualClock.advanceTo(1);
  await sleeper;
  t.true(woke);
});

test('runUntil says whether the promise settled, and stops the clock when it did', async (t) => {
  const sched = simulated();
  const queue = new WaitQueue(sched, 'q');
  const sleeper = sched.enter('sleeper', (task) => sched.clock.sleep(task, seconds(45)));
  t.false(await sched.runUntil(sleeper, seconds(45) - 1));
  t.is(sched.clock.nowNs, seconds(45) - 1);
  t.true(await sched.runUntil(sleeper, seconds(45)));
  t.is(sched.clock.nowNs, seconds(45));
  const hung = sched.enter('hung', (task) => queue.wait(task, { why: 'godot' }));
  t.false(await sched.runUntil(hung, seconds(1)));
  t.is(sched.blockedReport(), 'hung waits for godot');
  queue.wakeAll();
  t.true(await sched.runUntil(hung, seconds(1)));
  t.true(await sched.runUntil(Promise.reject(new Error('a settled promise')), 1));
});

test('settle lets no time pass', async (t) => {
  const sched = simulated();
  let steps = 0;
  void sched.enter('sleeper', async (task) => {
    for (;;) {
      await sched.clock.sleep(task, ms(1));
      steps++;
      if (steps === 3) return;
    }
  });
  await sched.settle();
  t.deepEqual([steps, sched.clock.nowNs], [0, 0]);
});

test('two who move time at once each get their instant', async (t) => {
  const sched = simulated();
  const seen: [string, number][] = [];
  await Promise.all([
    sched.runFor(ms(2)).then(() => seen.push(['two', sched.clock.nowNs])),
    sched.runFor(ms(1)).then(() => seen.push(['one', sched.clock.nowNs])),
  ]);
  t.deepEqual(seen, [
    ['one', ms(1)],
    ['two', ms(2)],
  ]);
});

test('time does not pass for daemons alone', async (t) => {
  const sched = simulated();
  sched.spawn(
    'ticker',
    async (task) => {
      for (;;) await sched.clock.sleep(task, ms(1));
    },
    { daemon: true },
  );
  await sched.settle();
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  t.is(sched.clock.nowNs, 0);
  await sched.enter('sleeper', (task) => sched.clock.sleep(task, ms(10)));
  t.is(sched.clock.nowNs, ms(10));
});

test('outside code that reacts to a task comes before the next instant', async (t) => {
  const sched = simulated();
  const other = sched.enter('other', (task) => sched.clock.sleep(task, ms(5)));
  await sched.enter('first', (task) => sched.clock.sleep(task, ms(1)));
  t.is(sched.clock.nowNs, ms(1));
  await sched.enter('second', (task) => sched.clock.sleep(task, ms(1)));
  t.is(sched.clock.nowNs, ms(2));
  await other;
  t.is(sched.clock.nowNs, ms(5));
});

test('a stall is told with the report of who waits', async (t) => {
  const sched = simulated();
  const told = new Promise<string>((resolve) => (sched.onStall = resolve));
  void sched.enter('hung', (task) => new WaitQueue(sched, 'q').wait(task, { why: 'godot' }));
  t.is(await told, 'hung waits for godot');
});

test('a task may not move time', async (t) => {
  const sched = simulated();
  await sched.enter('task', async () => {
    await t.throwsAsync(sched.runFor(1), { message: /from outside/ });
  });
});
