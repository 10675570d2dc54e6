// Goal: no wake-up is lost, and an interrupt ends a wait only where the mode allows it.

import test from 'ava';
import { Errno, isErrno } from '../../lib/errno.js';
import { Scheduler, type Task, WaitQueue } from '../../lib/sched/index.js';
import { ms } from '../../lib/units.js';

for (const mode of ['live', 'simulated'] as const) {
  const make = () => {
    const sched = new Scheduler({ mode });
    return { sched, queue: new WaitQueue(sched, 'queue') };
  };

  test(`${mode}: wakeOne wakes the task that has waited longest, wakeAll every one`, async (t) => {
    const { sched, queue } = make();
    const order: string[] = [];
    const waiters = ['a', 'b', 'c', 'd'].map((name) =>
      sched.enter(name, async (task) => {
        await queue.wait(task, { why: 'turn' });
        order.push(name);
      }),
    );
    await sched.settle();
    t.is(queue.waiters.length, 4);
    t.true(queue.wakeOne());
    await sched.settle();
    t.deepEqual(order, ['a']);
    t.is(queue.wakeAll(), 3);
    await Promise.all(waiters);
    t.deepEqual(order, ['a', 'b', 'c', 'd']);
    t.false(queue.wakeOne());
  });

  test(`${mode}: a wait times out at its deadline and leaves the queue`, async (t) => {
    const { sched, queue } = make();
    const end = await sched.enter('a', (task) =>
      queue.wait(task, { why: 'never', untilNs: sched.clock.nowNs + ms(1) }),
    );
    t.is(end, 'timeout');
    t.is(queue.waiters.length, 0);
  });

  test(`${mode}: a wake-up before the deadline cancels it`, async (t) => {
    const { sched, queue } = make();
    const end = sched.enter('a', (task) =>
      queue.wait(task, { why: 'soon', untilNs: sched.clock.nowNs + ms(60_000) }),
    );
    await sched.settle();
    queue.wakeAll();
    t.is(await end, 'woken');
  });

  const ends: [
    mode: 'interruptible' | 'killable' | 'uninterruptible',
    kind: string,
    ends: boolean,
  ][] = [
    ['interruptible', 'signal', true],
    ['interruptible', 'kill', true],
    ['killable', 'signal', false],
    ['killable', 'kill', true],
    ['uninterruptible', 'signal', false],
    ['uninterruptible', 'kill', false],
  ];
  for (const [wait, kind, ended] of ends) {
    const verb = ended ? 'ends' : 'does not end';
    test(`${mode}: a ${kind} ${verb} a wait that is ${wait}`, async (t) => {
      const { sched, queue } = make();
      let target: Task | undefined;
      const waiting = sched.enter('a', async (task) => {
        target = task;
        return queue.wait(task, { mode: wait, why: 'an answer' });
      });
      await sched.settle();
      target?.interrupt(kind as 'signal' | 'kill');
      await sched.settle();
      t.is(queue.waiters.length, ended ? 0 : 1);
      queue.wakeAll();
      if (ended) {
        const e = await t.throwsAsync(waiting);
        t.true(isErrno(e, 'EINTR'));
        t.true(e?.message.includes('an answer'));
      } else {
        t.is(await waiting, 'woken');
        t.is(target?.pending, kind as 'signal');
      }
    });
  }

  test(`${mode}: an interrupt is found at the next wait, and not anywhere else`, async (t) => {
    const { sched, queue } = make();
    await sched.enter('a', async (task) => {
      task.interrupt('signal');
      if (sched.on) await sched.at(queue.id);
      t.is(task.pending, 'signal');
      await t.throwsAsync(queue.wait(task, { why: 'x' }), { instanceOf: Errno });
      t.is(queue.waiters.length, 0);
      task.clearInterrupt();
      t.is(await queue.wait(task, { why: 'x', untilNs: sched.clock.nowNs }), 'timeout');
    });
  });

  test(`${mode}: the task woken first keeps its wake-up when a signal follows`, async (t) => {
    const { sched, queue } = make();
    let target: Task | undefined;
    const waiting = sched.enter('a', async (task) => {
      target = task;
      return queue.wait(task, { why: 'x' });
    });
    await sched.settle();
    queue.wakeOne();
    target?.interrupt('kill');
    t.is(await waiting, 'woken');
  });

  test(`${mode}: a signalled waiter does not use up a wakeOne`, async (t) => {
    const { sched, queue } = make();
    let first: Task | undefined;
    const a = sched.enter('a', async (task) => {
      first = task;
      return queue.wait(task, { why: 'x' });
    });
    const b = sched.enter('b', (task) => queue.wait(task, { why: 'x' }));
    await sched.settle();
    first?.interrupt('signal');
    queue.wakeOne();
    await t.throwsAsync(a, { instanceOf: Errno });
    t.is(await b, 'woken');
  });

  test(`${mode}: waitEvent goes on waiting until its condition holds`, async (t) => {
    const { sched, queue } = make();
    let ready = 0;
    const waiting = sched.enter('a', (task) =>
      queue.waitEvent(task, () => ready === 2, { why: 'two' }),
    );
    for (let i = 0; i < 2; i++) {
      await sched.settle();
      t.is(queue.waiters.length, 1);
      ready++;
      queue.wakeAll();
    }
    t.is(await waiting, 'woken');
  });

  test(`${mode}: a condition that holds wins over a pending signal and a deadline`, async (t) => {
    const { sched, queue } = make();
    await sched.enter('a', async (task) => {
      task.interrupt('kill');
      t.is(await queue.waitEvent(task, () => true, { why: 'x' }), 'woken');
    });
    let ready = false;
    let target: Task | undefined;
    const waiting = sched.enter('b', async (task) => {
      target = task;
      return queue.waitEvent(task, () => ready, { why: 'x' });
    });
    await sched.settle();
    ready = true;
    target?.interrupt('signal');
    t.is(await waiting, 'woken');
  });
}
