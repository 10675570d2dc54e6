// Goal: one run is told truly, whichever way it ends; the body and the closing are not explored.

import test from 'ava';
import assert from 'node:assert/strict';
import { ReplaySearch, scenario, type Race } from '../../lib/explore/index.js';
import { runOnce } from '../../lib/explore/run-once.js';
import { WaitQueue } from '../../lib/sched/index.js';

const run = (body: (race: Race) => void | Promise<void>, choices: readonly number[] = []) => {
  const search = new ReplaySearch(choices);
  search.begin();
  return runOnce(scenario('one', 'one run', body, { maxPoints: 200 }), search);
};

test('an invariant is judged after each step that writes, and stops the run there', async (t) => {
  const record = await run((race) => {
    const cell = race.object('cell');
    let value = 0;
    race.invariant('the value stays below 2', () => assert(value < 2, `it is ${value}`));
    race.task('t', async () => {
      for (let i = 0; i < 5; i++) {
        await race.at(cell);
        value++;
      }
    });
  });
  t.is(record.end, 'failed');
  t.is(record.failures[0]!.kind, 'invariant');
  t.is(record.failures[0]!.message, 'the value stays below 2: it is 2');
  t.is(record.failures[0]!.task, 't');
  t.is(record.nrPoints, 3);
});

test('an invariant over given objects is judged when one of them is written', async (t) => {
  let judged = 0;
  await run((race) => {
    const [watched, other] = [race.object('watched'), race.object('other')];
    race.invariant('counts', () => void judged++, { over: [watched] });
    race.task('t', async () => {
      for (const id of [other, watched, other, watched]) await race.at(id);
      await race.at(other);
    });
  });
  t.is(judged, 2);
});

test('deadlock, livelock, leak and stray code are told apart', async (t) => {
  const stuck = await run((race) => {
    race.task('t', async (task) => {
      await new WaitQueue(race.sched, 'never').wait(task, { why: 'Godot' });
    });
  });
  t.is(stuck.failures[0]!.kind, 'deadlock');
  t.regex(stuck.failures[0]!.message, /t waits for Godot/);
  const spin = await run((race) => {
    const cell = race.object('cell');
    race.task('t', async () => {
      for (;;) await race.at(cell);
    });
  });
  t.is(spin.failures[0]!.kind, 'livelock');
  const leak = await run((race) => race.finish('all is given back', () => assert.fail('1 page')));
  t.is(leak.failures[0]!.kind, 'leak');
  const stray = await run((race) => {
    race.task('t', async () => {
      await new Promise((resolve) => setImmediate(resolve));
    });
  });
  t.is(stray.failures[0]!.kind, 'stray');
});

test('a step that takes back what is due may be the finish check itself', async (t) => {
  const record = await run((race) => {
    const cell = race.object('cell');
    race.finish('tasks may be used', async (task) => {
      await race.at(cell);
      t.is(task.name, 'finish tasks may be used');
    });
  });
  t.is(record.end, 'complete');
});

test('the body is not explored: choices begin with the tasks', async (t) => {
  const record = await run(async (race) => {
    const cell = race.object('cell');
    const helper = race.sched.spawn('helper', async () => race.at(cell));
    await race.at(cell);
    await helper.join(race.sched.current!);
    race.task('only', async () => race.at(cell));
  });
  t.deepEqual(record.choices, []);
  t.is(record.end, 'complete');
});

test.serial('runs that overlap have no stacks, and leave errors with theirs', async (t) => {
  const before = Error.stackTraceLimit;
  t.true(before > 0);
  const limits: number[] = [];
  const steps = (nr: number) =>
    run((race) => {
      const cell = race.object('cell');
      race.task('t', async () => {
        for (let i = 0; i < nr; i++) await race.at(cell);
        limits.push(Error.stackTraceLimit);
      });
    });
  await Promise.all([steps(1), steps(20)]);
  t.deepEqual(limits, [0, 0]);
  t.is(Error.stackTraceLimit, before);
});
