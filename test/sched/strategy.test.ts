// Goal: a strategy is a pure function of its seed or its token, and a wrong token is noticed.

import test from 'ava';
import {
  choiceKey,
  firstStrategy,
  ReplayError,
  replayStrategy,
  Scheduler,
  seededStrategy,
  type Strategy,
  Task,
} from '../../lib/sched/index.js';

const sched = new Scheduler({ mode: 'simulated' });
const tasks = [1, 2, 3].map((id) => new Task(sched, id, `t${id}`, false));
const ask = (strategy: Strategy, n: number, canAdvance = false) =>
  Array.from({ length: n }, () => strategy.choose(tasks, tasks[0] ?? null, canAdvance));

test('the first strategy never preempts and never lets time pass', (t) => {
  t.deepEqual([...new Set(ask(firstStrategy(), 10, true))], [0]);
});

test('a seed gives its choices again, and reaches every task and the clock', (t) => {
  const choices = ask(seededStrategy(9), 300, true);
  t.deepEqual(choices, ask(seededStrategy(9), 300, true));
  t.deepEqual([...new Set(choices)].sort(), [0, 1, 2, 3]);
  t.deepEqual([...new Set(ask(seededStrategy(9), 300))].sort(), [0, 1, 2]);
});

test('a replay gives the recorded choices and then the first task', (t) => {
  t.deepEqual(ask(replayStrategy([2, 1]), 4), [2, 1, 0, 0]);
});

test('a replay that meets other tasks names the choice and the tasks', (t) => {
  const key = choiceKey(tasks, false);
  t.not(key, choiceKey(tasks, true));
  t.not(key, choiceKey([...tasks].reverse(), false));
  t.deepEqual(ask(replayStrategy([1], [key]), 1), [1]);
  t.throws(() => ask(replayStrategy([0, 1], [key, key + 1]), 2), {
    instanceOf: ReplayError,
    message: /choice 1 .*t1, t2, t3/,
  });
  t.throws(() => ask(replayStrategy([3]), 1), { instanceOf: ReplayError });
});

test('a replay error stops the run', async (t) => {
  const replay = new Scheduler({ mode: 'simulated', strategy: replayStrategy([0], [12345]) });
  const ran = replay.run('main', async () => {
    replay.spawn('other', async () => replay.at(1));
    await replay.at(1);
  });
  await t.throwsAsync(ran, { instanceOf: ReplayError });
});
