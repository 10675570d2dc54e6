// Goal: the table knows who is alive, daemons apart, and tells everybody of a failure.

import test from 'ava';
import { Scheduler, Task, TaskHandle } from '../../lib/sched/index.js';
import { TaskTable } from '../../lib/sched/task-table.js';

const sched = new Scheduler({ mode: 'simulated' });
const handle = (id: number, daemon: boolean) =>
  new TaskHandle<void>(sched, new Task(sched, id, `t${id}`, daemon));

test('daemons do not count as alive', (t) => {
  const table = new TaskTable();
  const worker = handle(1, false);
  const daemon = handle(2, true);
  table.add(worker, () => {});
  table.add(daemon, () => {});
  t.is(table.nrAlive, 1);
  table.delete(daemon.task);
  t.is(table.nrAlive, 1);
  table.delete(worker.task);
  t.is(table.nrAlive, 0);
});

test('rejecting all says whether anybody heard', async (t) => {
  const table = new TaskTable();
  table.add(handle(1, false), () => {});
  t.false(table.rejectAll(new Error('unheard')));
  const observed = handle(2, false);
  table.add(observed, () => {});
  const { promise } = observed;
  t.true(table.rejectAll(new Error('heard')));
  await t.throwsAsync(promise, { message: 'heard' });
});
