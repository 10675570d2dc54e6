// Goal: a mutex has one holder at a time under every schedule, and none of its waiters starves.

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { Mutex, Scheduler, type Task } from '../../lib/sched/index.js';

testProp(
  'at most one task is inside, whatever the schedule',
  [fc.integer(), fc.integer({ min: 2, max: 5 })],
  async (t, seed, nrTasks) => {
    const sched = new Scheduler({ mode: 'simulated', seed });
    const mutex = new Mutex(sched, 'mutex');
    let inside = 0;
    let entered = 0;
    await sched.run('main', async () => {
      for (let i = 0; i < nrTasks; i++) {
        sched.spawn(`t${i}`, async (task) => {
          for (let k = 0; k < 3; k++) {
            await mutex.lock(task);
            t.is(++inside, 1);
            entered++;
            await sched.at(1);
            inside--;
            mutex.unlock(task);
          }
        });
      }
    });
    t.is(entered, 3 * nrTasks);
    t.is(mutex.holder, null);
  },
);

for (const mode of ['live', 'simulated'] as const) {
  test(`${mode}: the lock is handed over in the order of asking`, async (t) => {
    const sched = new Scheduler({ mode });
    const mutex = new Mutex(sched, 'mutex');
    const order: number[] = [];
    await Promise.all(
      [0, 1, 2, 3].map((i) =>
        sched.enter(`t${i}`, async (task) => {
          using _guard = await mutex.guard(task);
          order.push(i);
          t.true(mutex.isLockedBy(task));
          t.is(task.held.length, 1);
        }),
      ),
    );
    t.deepEqual(order, [0, 1, 2, 3]);
  });

  test(`${mode}: a killed waiter gets EINTR, and the lock goes to the next`, async (t) => {
    const sched = new Scheduler({ mode });
    const mutex = new Mutex(sched, 'mutex');
    let holder: Task | undefined;
    let victim: Task | undefined;
    await sched.enter('holder', async (task) => {
      holder = task;
      t.true(mutex.tryLock(task));
      mutex.unlock(task);
    });
    const first = sched.enter('holder', async (task) => {
      holder = task;
      await mutex.lock(task);
      await task.park({ why: 'the test', mode: 'uninterruptible' });
      mutex.unlock(task);
    });
    await sched.settle();
    const killed = sched.enter('victim', async (task) => {
      victim = task;
      await mutex.lock(task, 'killable');
    });
    const next = sched.enter('next', async (task) => {
      t.false(mutex.tryLock(task));
      await mutex.lock(task);
      mutex.unlock(task);
    });
    await sched.settle();
    victim?.interrupt('kill');
    t.true(isErrno(await t.throwsAsync(killed), 'EINTR'));
    t.is(victim?.held.length, 0);
    holder?.unpark();
    await first;
    await next;
    t.is(mutex.holder, null);
  });
}

test('releasing what one does not hold is a mistake', async (t) => {
  const sched = new Scheduler({ mode: 'live' });
  const mutex = new Mutex(sched, 'mutex');
  await sched.enter('t', async (task) => {
    t.throws(() => mutex.unlock(task), { message: /does not hold/ });
  });
});
