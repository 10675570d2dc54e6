// Goal: work runs once, at its time; what has not begun can be cancelled, what has is waited for.

import test from 'ava';
import { WorkQueue } from '../../lib/driver/workqueue.js';
import { Scheduler } from '../../lib/sched/index.js';
import { ms } from '../../lib/units.js';

const simulated = () => new Scheduler({ mode: 'simulated', seed: 1 });

test('work runs at its time and not before, each as a task of its own', async (t) => {
  const sched = simulated();
  const queue = new WorkQueue(sched, 'dev0');
  const ran: [string, number][] = [];
  await sched.run('test', async (task) => {
    queue.queue(ms(2), 'late', () => void ran.push(['late', sched.clock.nowNs]));
    queue.queue(ms(1), 'early', () => void ran.push(['early', sched.clock.nowNs]));
    t.deepEqual(
      queue.items.map(({ label, state }) => [label, state]),
      [
        ['late', 'PENDING'],
        ['early', 'PENDING'],
      ],
    );
    await sched.clock.sleep(task, ms(5));
  });
  t.deepEqual(ran, [
    ['early', ms(1)],
    ['late', ms(2)],
  ]);
  t.deepEqual(queue.items, []);
});

test('cancel stops work that has not begun, and says whether it did', async (t) => {
  const sched = simulated();
  const queue = new WorkQueue(sched, 'dev0');
  let ran = 0;
  await sched.run('test', async (task) => {
    const cancel = queue.queue(ms(1), 'never', () => void ran++);
    t.true(cancel());
    t.false(cancel());
    await sched.clock.sleep(task, ms(2));
  });
  t.is(ran, 0);
});

test('drain cancels what is pending and waits for what runs', async (t) => {
  const sched = simulated();
  const queue = new WorkQueue(sched, 'dev0');
  const ended: string[] = [];
  await sched.run('test', async (task) => {
    queue.queue(0, 'slow', async (own) => {
      await sched.clock.sleep(own, ms(10));
      ended.push('slow');
    });
    queue.queue(ms(5), 'pending', () => void ended.push('pending'));
    await sched.clock.sleep(task, ms(1));
    await queue.drain(task);
    t.is(sched.clock.nowNs, ms(10));
  });
  t.deepEqual(ended, ['slow']);
});
