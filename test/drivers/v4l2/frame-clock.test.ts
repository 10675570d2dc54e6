// Goal: ticks fall at start + n intervals, whatever else goes on; a late one leaves a gap.

import test from 'ava';
import { FrameClock, type Tick } from '../../../drivers/v4l2/frame-clock.js';
import { Mutex, Scheduler, type Task } from '../../../lib/sched/index.js';

function newClock(each?: (task: Task) => Promise<void>) {
  const sched = new Scheduler({ mode: 'simulated', seed: 1 });
  const lock = new Mutex(sched, 'lock');
  const ticks: Tick[] = [];
  const env = {
    sched,
    lock,
    spawn: (label: string, fn: (task: Task) => Promise<void>) =>
      sched.spawn(label, fn, { daemon: true }),
  };
  const clock = new FrameClock(env, 'test', async (task, tick) => {
    ticks.push(tick);
    await each?.(task);
  });
  return { sched, lock, clock, ticks };
}

test('the first tick is due at once, the others each an interval later', async (t) => {
  const { sched, clock, ticks } = newClock();
  await sched.run('test', async (task) => {
    await sched.clock.sleep(task, 500);
    clock.start(100);
    await clock.passFirst(task);
    t.is(ticks.length, 1);
    await sched.clock.sleep(task, 350);
    clock.stop();
    await sched.clock.sleep(task, 1000);
  });
  t.deepEqual(ticks, [
    { sequence: 0, missed: 0, nowNs: 500 },
    { sequence: 1, missed: 0, nowNs: 600 },
    { sequence: 2, missed: 0, nowNs: 700 },
    { sequence: 3, missed: 0, nowNs: 800 },
  ]);
  t.false(clock.running);
});

test('ticks that could not be made are missed, and the numbers show it', async (t) => {
  const { sched, lock, clock, ticks } = newClock();
  await sched.run('test', async (task) => {
    clock.start(100);
    await clock.passFirst(task);
    await lock.lock(task);
    await sched.clock.sleep(task, 450);
    lock.unlock(task);
    await sched.clock.sleep(task, 100);
    clock.stop();
  });
  t.deepEqual(
    ticks.map(({ sequence, missed }) => [sequence, missed]),
    [
      [0, 0],
      [5, 4],
    ],
  );
});

test('a stopped stream makes no tick, also when the tick waits for the lock', async (t) => {
  const { sched, lock, clock, ticks } = newClock();
  await sched.run('test', async (task) => {
    await lock.lock(task);
    clock.start(100);
    await sched.clock.sleep(task, 10);
    clock.stop();
    lock.unlock(task);
    await clock.passFirst(task);
    await sched.clock.sleep(task, 1000);
    t.is(ticks.length, 0);
    clock.start(100);
    await clock.passFirst(task);
    clock.stop();
  });
  t.deepEqual(
    ticks.map((tick) => tick.sequence),
    [0],
  );
});

test('a new rate counts from now, the numbers go on', async (t) => {
  const { sched, clock, ticks } = newClock();
  await sched.run('test', async (task) => {
    clock.start(100);
    await sched.clock.sleep(task, 150);
    clock.setRate(1000);
    await sched.clock.sleep(task, 1500);
    clock.stop();
  });
  t.deepEqual(
    ticks.map(({ sequence, nowNs }) => [sequence, nowNs]),
    [
      [0, 0],
      [1, 100],
      [2, 1150],
    ],
  );
});

test('a tick runs under the lock', async (t) => {
  const held: boolean[] = [];
  const { sched, lock, clock } = newClock(async (task) => void held.push(lock.isLockedBy(task)));
  await sched.run('test', async (task) => {
    clock.start(100);
    await clock.passFirst(task);
    clock.stop();
  });
  t.deepEqual(held, [true]);
});
