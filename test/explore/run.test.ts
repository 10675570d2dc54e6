// Goal: invariants are judged when what they look at was written, and choices are the search's.

import test from 'ava';
import assert from 'node:assert/strict';
import { ReplaySearch, scenario, type Race, type Scenario } from '../../lib/explore/index.js';
import { Run } from '../../lib/explore/run.js';
import { runOnce, Stages } from '../../lib/explore/stage.js';
import type { Search } from '../../lib/explore/search.js';
import { Scheduler } from '../../lib/sched/index.js';
import { Task } from '../../lib/sched/task.js';

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

test('a record has the answers of the search, of this run alone and of no other part of it', async (t) => {
  const told: number[] = [];
  const search: Search = {
    ...{ name: 'by turns', wantsSteps: false, samples: false, bound: null },
    begin: () => true,
    choose(runnable) {
      told.push((told.length + 1) % runnable.length);
      return told.at(-1)!;
    },
    step() {},
    end() {},
    coverage: () => '',
  };
  let inOtherParts = 0;
  const points = async (sched: Scheduler): Promise<void> => {
    for (let i = 0; i < 4; i++) await sched.at(1, 'write');
  };
  /** Choices that are nobody's but the scheduler's. */
  const twoMore = async (sched: Scheduler): Promise<void> => {
    const before = sched.choices.length;
    const tasks = ['x', 'y'].map((name) => sched.spawn(name, () => points(sched)));
    for (const task of tasks) await task.join(sched.current!);
    inOtherParts += sched.choices.length - before;
  };
  const two: Scenario<Scheduler> = {
    ...{ name: 'two', title: 'two tasks, between two others before and after them' },
    world: {
      async make(options) {
        const sched = new Scheduler(options);
        return { sched, world: sched, end: () => {} };
      },
    },
    async body(race, sched) {
      await twoMore(sched);
      race.task('a', () => points(sched));
      race.task('b', () => points(sched));
      race.finish('two more', () => twoMore(sched));
    },
  };
  for (const reset of ['restore', 'rebuild'] as const) {
    const stages = new Stages({ ...(two as Scenario), reset });
    for (let i = 0; i < 3; i++) {
      told.length = 0;
      const { choices, keys } = await stages.run(search);
      t.true(choices.length > 2);
      t.deepEqual([choices, keys.length], [told, told.length]);
      t.true(inOtherParts > 2);
      inOtherParts = 0;
    }
    await stages.end();
  }
});

test('a choice is asked of the search between start() and the closing, and of nobody else', (t) => {
  const asked: string[] = [];
  const search: Search = {
    ...{ name: 'the second', wantsSteps: false, samples: false, bound: null },
    begin: () => true,
    choose(runnable) {
      asked.push(runnable.map(({ name }) => name).join());
      return 1;
    },
    step() {},
    end() {},
    coverage: () => '',
  };
  const run = new Run('one');
  run.sched = new Scheduler({ mode: 'simulated', strategy: run });
  run.begin(search, {});
  const a = new Task(run.sched, 1, 'a', false);
  const b = new Task(run.sched, 2, 'b', false);
  t.is(run.choose([a, b], null, false), 0);
  run.start();
  t.is(run.choose([b, a], b, false), 1);
  run.close();
  t.is(run.choose([a, b], a, false), 0);
  t.deepEqual(asked, ['b,a']);
  const { preemptions, width } = run.record('complete');
  t.deepEqual([preemptions, width], [1, 2]);
});
