// Goal: a task's state is what it does, and interrupts add up but never weaken.

import test from 'ava';
import { Scheduler, type Task, type TaskState } from '../../lib/sched/index.js';

test('a task goes from runnable through running and blocked to done', async (t) => {
  const sched = new Scheduler({ mode: 'simulated' });
  const seen: TaskState[] = [];
  const handle = sched.spawn('worker', async (task) => {
    seen.push(task.state);
    await task.park({ why: 'the test', mode: 'uninterruptible' });
    seen.push(task.state);
  });
  const { task } = handle;
  seen.push(task.state);
  await sched.settle();
  seen.push(task.state);
  t.is(task.waitingFor, 'the test');
  task.unpark();
  seen.push(task.state);
  t.is(task.waitingFor, '');
  await handle.promise;
  seen.push(task.state);
  await task.done;
  t.deepEqual(seen, ['runnable', 'running', 'blocked', 'runnable', 'running', 'done']);
});

test('done resolves for whoever asked before the end, also when the task fails', async (t) => {
  const sched = new Scheduler({ mode: 'live' });
  const handle = sched.spawn('worker', () => Promise.reject(new Error('broke')));
  const done = handle.task.done;
  await t.throwsAsync(handle.promise, { message: 'broke' });
  t.is(await done, undefined);
});

test('a kill overrides a signal, and a signal never replaces a kill', async (t) => {
  const sched = new Scheduler({ mode: 'live' });
  await sched.enter('worker', async (task: Task) => {
    task.interrupt('signal');
    t.is(task.pending, 'signal');
    task.interrupt('kill');
    task.interrupt('signal');
    t.is(task.pending, 'kill');
    t.deepEqual(
      (['interruptible', 'killable', 'uninterruptible'] as const).map((m) => task.interruptedIn(m)),
      [true, true, false],
    );
    task.clearInterrupt();
    t.false(task.interruptedIn('interruptible'));
  });
});

test('unparking a task that is not blocked is a mistake', async (t) => {
  const sched = new Scheduler({ mode: 'live' });
  await sched.enter('worker', async (task) => {
    t.throws(() => task.unpark(), { message: /not blocked/ });
  });
});
