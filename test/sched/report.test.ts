// Goal: a deadlock report tells every waiter, what it waits for, who holds it, and the circle.

import test from 'ava';
import { Mutex, Scheduler } from '../../lib/sched/index.js';

test('a circle of two tasks is spelt out', async (t) => {
  const sched = new Scheduler({ mode: 'simulated' });
  const a = new Mutex(sched, 'A', { lockClass: { name: 'left' } });
  const b = new Mutex(sched, 'B', { lockClass: { name: 'right' } });
  const c = new Mutex(sched, 'C', { lockClass: { name: 'left' }, nest: 1 });
  t.is(sched.blockedReport(), '');
  sched.spawn('one', async (task) => {
    await a.lock(task);
    t.true(c.tryLock(task));
    await task.park({ why: 'two', mode: 'uninterruptible', holders: () => [two.task] });
  });
  const two = sched.spawn('two', async (task) => {
    await b.lock(task);
    await task.park({ why: 'A', mode: 'uninterruptible', holders: () => [a.holder!] });
  });
  sched.spawn('three', (task) => b.lock(task));
  await sched.settle();
  t.deepEqual(sched.blockedReport().split('\n'), [
    'one waits for two, held by two',
    'two waits for A, held by one',
    'three waits for B, held by two',
    'circle: one -> two -> one',
  ]);
});
