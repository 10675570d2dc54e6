// Goal: a replay repeats answers, and with keys it notices other tasks.

import test from 'ava';
import { ReplaySearch } from '../../lib/explore/index.js';
import { choiceKey, Scheduler, Task } from '../../lib/sched/index.js';

const sched = new Scheduler({ mode: 'simulated' });
const tasks = [1, 2].map((id) => new Task(sched, id, `t${id}`, false));
const ask = (search: ReplaySearch) => search.choose(tasks, tasks[0]!, false);

test('answers are repeated, then 0; what no longer fits is 0', (t) => {
  const search = new ReplaySearch([1, 5]);
  t.true(search.begin());
  t.deepEqual([ask(search), ask(search), ask(search)], [1, 0, 0]);
  t.false(search.begin());
});

test('with keys a choice made from other tasks is an error that names them', (t) => {
  const key = choiceKey(tasks, false);
  const search = new ReplaySearch([1, 0], [key, key + 1]);
  t.is(ask(search), 1);
  t.throws(() => ask(search), { name: 'NondeterminismError', message: /choice 1 .*t1, t2/ });
});
