// Goal: what a task owes is paid when it leaves the kernel, last added first, and never lost.

import test from 'ava';
import { Scheduler } from '../../lib/sched/scheduler.js';
import {
  addTaskWork,
  claimTaskWork,
  closeTaskWork,
  pendingTaskWork,
  runTaskWork,
} from '../../lib/sched/task-work.js';

const simulated = () => new Scheduler({ mode: 'simulated' });

test('task work runs last added first, and what it adds comes after', async (t) => {
  const sched = simulated();
  const ran: string[] = [];
  await sched.run('syscall', async (task) => {
    claimTaskWork(task);
    addTaskWork(task, 'a', () => void ran.push('a'));
    addTaskWork(task, 'b', (own) => {
      t.is(own, task);
      ran.push('b');
      addTaskWork(task, 'late', () => void ran.push('late'));
    });
    addTaskWork(task, 'c', () => void ran.push('c'));
    t.is(pendingTaskWork(task), 3);
    t.deepEqual(ran, []);
    await runTaskWork(task);
    closeTaskWork(task);
  });
  t.deepEqual(ran, ['c', 'b', 'a', 'late']);
});

test('work for a task that has no list, or closed it, gets a task of its own', async (t) => {
  const sched = simulated();
  const ran: string[] = [];
  await sched.run('kernel thread', async (task) => {
    addTaskWork(task, 'delayed', async (own) => {
      t.not(own, task);
      ran.push(own.name);
    });
    claimTaskWork(task);
    await runTaskWork(task);
    closeTaskWork(task);
    addTaskWork(task, 'after exit', async (own) => void ran.push(own.name));
  });
  t.deepEqual(ran.sort(), ['after exit', 'delayed']);
});

test('work that fails does not keep the rest from running', async (t) => {
  const sched = simulated();
  const ran: string[] = [];
  await t.throwsAsync(
    sched.run('syscall', async (task) => {
      claimTaskWork(task);
      addTaskWork(task, 'first', () => void ran.push('first'));
      addTaskWork(task, 'broken', () => {
        throw new Error('release failed');
      });
      await runTaskWork(task).finally(() => closeTaskWork(task));
    }),
    { message: 'release failed' },
  );
  t.deepEqual(ran, ['first']);
});

test('a list that is closed twice, claimed twice or left with work on it is a BUG', async (t) => {
  await simulated().run('syscall', async (task) => {
    t.throws(() => closeTaskWork(task), { message: /no work list/ });
    claimTaskWork(task);
    t.throws(() => claimTaskWork(task), { message: /already has a work list/ });
    addTaskWork(task, 'a', () => {});
    t.throws(() => closeTaskWork(task), { message: /work undone/ });
    await runTaskWork(task);
    closeTaskWork(task);
    t.throws(() => closeTaskWork(task), { message: /no work list/ });
    await t.throwsAsync(runTaskWork(task), { message: /no work list/ });
  });
});
