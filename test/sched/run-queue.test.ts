// Goal: the queue keeps its order, so that the number of a choice means the same in every replay.

import test from 'ava';
import { Scheduler, type Strategy, Task } from '../../lib/sched/index.js';
import { RunQueue } from '../../lib/sched/run-queue.js';

const sched = new Scheduler({ mode: 'simulated' });
const task = (name: string, id: number) => new Task(sched, id, name, false);
const [a, b, c] = [task('a', 1), task('b', 2), task('c', 3)];

function queueOf(answers: number[], canAdvance = false) {
  const offered: string[] = [];
  let advances = 0;
  const strategy: Strategy = {
    name: 'scripted',
    choose(runnable, current) {
      offered.push(`${current?.name ?? '-'} of ${runnable.map((r) => r.name).join('')}`);
      return answers.shift() ?? 0;
    },
  };
  const queue = new RunQueue(
    strategy,
    () => canAdvance,
    () => void advances++,
  );
  return { queue, offered, advances: () => advances };
}

test('the holder is first, a preempted one goes to the end', (t) => {
  const { queue, offered } = queueOf([0, 1, 2]);
  for (const each of [a, b, c]) queue.add(each);
  t.is(queue.pick(null), a);
  t.is(queue.pick(a), b);
  t.is(queue.pick(b), a);
  t.deepEqual(offered, ['- of abc', 'a of abc', 'b of bca']);
  t.deepEqual(queue.choices, [0, 1, 2]);
});

test('a task alone is no choice', (t) => {
  const { queue, offered } = queueOf([]);
  t.is(queue.pick(null), null);
  queue.add(a);
  t.true(queue.isAlone);
  t.is(queue.pick(null), a);
  t.is(queue.pick(a), a);
  t.deepEqual(offered, []);
});

test('fresh tasks are begun one by one, and then it is the turn of whom it was before', (t) => {
  const { queue, offered } = queueOf([0]);
  queue.add(a);
  queue.pick(null);
  queue.addFresh(b);
  queue.addFresh(c);
  t.is(queue.pick(a), b);
  t.is(queue.pick(b), c);
  t.is(queue.pick(c), a);
  t.deepEqual(offered, ['a of abc']);
});

test('a fresh task that ends at once leaves no trace', (t) => {
  const { queue, offered } = queueOf([0]);
  queue.add(a);
  queue.pick(null);
  queue.addFresh(b);
  t.is(queue.pick(a), b);
  queue.removeFirst(b);
  t.is(queue.pick(null), a);
  t.true(queue.isAlone);
  t.deepEqual(offered, []);
});

test('the answer after the last task turns the clock, and then is asked again', (t) => {
  const { queue, offered, advances } = queueOf([2, 1], true);
  queue.add(a);
  queue.add(b);
  t.is(queue.pick(null), b);
  t.is(advances(), 1);
  t.deepEqual(offered, ['- of ab', '- of ab']);
});

test('an answer that is no choice is a mistake of the strategy', (t) => {
  const { queue } = queueOf([2]);
  queue.add(a);
  queue.add(b);
  t.throws(() => queue.pick(null), { message: /scripted chose 2 of 2/ });
});
