// Goal: an open file gets the events it subscribed to, in order, and a gap tells of lost ones.

import test from 'ava';
import { isErrno } from '../../../lib/errno.js';
import { Scheduler } from '../../../lib/sched/index.js';
import { EventQueue } from '../../../drivers/v4l2/events.js';

function newQueue(): { sched: Scheduler; events: EventQueue } {
  const sched = new Scheduler({ mode: 'simulated', seed: 1 });
  return { sched, events: new EventQueue(sched, 'test') };
}

test('only what was subscribed to is kept; none is ENOENT', async (t) => {
  const { sched, events } = newQueue();
  events.push('EOS', '', 1);
  events.subscribe({ type: 'FRAME_SYNC' });
  events.subscribe({ type: 'FRAME_SYNC' });
  events.push('FRAME_SYNC', '', 4);
  events.push('EOS', '', 1);
  events.push('FRAME_SYNC', '', 5);
  await sched.run('test', async (task) => {
    t.like(await events.dequeue(task, true), {
      type: 'FRAME_SYNC',
      value: 4,
      sequence: 0,
      pending: 1,
    });
    t.like(await events.dequeue(task, true), { value: 5, sequence: 1, pending: 0 });
    const error = await t.throwsAsync(events.dequeue(task, true));
    t.true(isErrno(error, 'ENOENT'));
  });
});

test('a control that changes twice is told once, with the last value and a gap', async (t) => {
  const { sched, events } = newQueue();
  events.subscribe({ type: 'CTRL', id: 'gain' });
  events.push('CTRL', 'gain', 1);
  events.push('CTRL', 'gain', 2);
  events.push('CTRL', 'hue', 9);
  await sched.run('test', async (task) => {
    t.like(await events.dequeue(task, true), { id: 'gain', value: 2, sequence: 1, pending: 0 });
  });
});

test('who made the change hears of it only with ALLOW_FEEDBACK', (t) => {
  const { events } = newQueue();
  events.subscribe({ type: 'CTRL', id: 'gain' });
  events.push('CTRL', 'gain', 1, true);
  t.false(events.pending);
  events.unsubscribe({ type: 'CTRL', id: 'gain' });
  events.subscribe({ type: 'CTRL', id: 'gain', flags: ['ALLOW_FEEDBACK'] });
  events.push('CTRL', 'gain', 1, true);
  t.true(events.pending);
});

test('unsubscribing throws away what waits; ALL ends everything', (t) => {
  const { events } = newQueue();
  events.subscribe({ type: 'EOS' });
  events.subscribe({ type: 'FRAME_SYNC' });
  events.push('EOS', '', 1);
  events.push('FRAME_SYNC', '', 1);
  events.unsubscribe({ type: 'EOS' });
  t.true(events.pending);
  events.unsubscribe({ type: 'ALL' });
  t.false(events.pending);
  events.push('FRAME_SYNC', '', 2);
  t.false(events.pending);
});

test('DQEVENT sleeps until there is one', async (t) => {
  const { sched, events } = newQueue();
  events.subscribe({ type: 'EOS' });
  await sched.run('test', async (task) => {
    sched.spawn('later', async (own) => {
      await sched.clock.sleep(own, 1000);
      events.push('EOS', '', 7);
    });
    t.like(await events.dequeue(task, false), { type: 'EOS', value: 7, timestampNs: 1000 });
  });
});
