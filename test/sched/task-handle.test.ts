// Goal: joiners and outside code learn how a task ended, whenever they ask.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { Scheduler, WaitQueue } from '../../lib/sched/index.js';

for (const mode of ['live', 'simulated'] as const) {
  test(`${mode}: join gives the value, before and after the end, to several`, async (t) => {
    const sched = new Scheduler({ mode });
    const worker = sched.spawn('worker', async (task) => {
      await sched.clock.sleep(task, 1000);
      return 42;
    });
    const joins = [1, 2].map((i) => sched.enter(`joiner ${i}`, (task) => worker.join(task)));
    t.deepEqual(await Promise.all(joins), [42, 42]);
    t.is(await sched.enter('late', (task) => worker.join(task)), 42);
    t.is(await worker.promise, 42);
  });

  test(`${mode}: join throws what the task threw`, async (t) => {
    const sched = new Scheduler({ mode });
    const worker = sched.spawn('worker', async (task) => {
      await sched.clock.sleep(task, 1000);
      throw new Error('broke');
    });
    const joined = sched.enter('joiner', (task) => worker.join(task));
    await t.throwsAsync(joined, { message: 'broke' });
  });

  test(`${mode}: an interrupted join leaves the task alone`, async (t) => {
    const sched = new Scheduler({ mode });
    const queue = new WaitQueue(sched, 'q');
    const worker = sched.spawn('worker', (task) => queue.wait(task, { why: 'the test' }));
    await sched.settle();
    await sched.enter('joiner', async (task) => {
      task.interrupt('signal');
      t.true(isErrno(await t.throwsAsync(worker.join(task, 'interruptible')), 'EINTR'));
    });
    t.is(worker.task.state, 'blocked');
    queue.wakeAll();
    t.is(await worker.promise, 'woken');
  });
}

test('a function that throws before its first await fails its task like any other', async (t) => {
  const sched = new Scheduler({ mode: 'simulated' });
  const thrower = (): Promise<void> => {
    throw new Error('at once');
  };
  await t.throwsAsync(sched.spawn('worker', thrower).promise, { message: 'at once' });
});
