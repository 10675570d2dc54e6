// Goal: a run is told truly, whichever way it ends; the body and the closing are not explored; a
// stage is used again where it can be put back, and only there.

import test from 'ava';
import assert from 'node:assert/strict';
import { RandomSearch, ReplaySearch, scenario, type Race } from '../../lib/explore/index.js';
import { runOnce, Stages } from '../../lib/explore/stage.js';
import { WaitQueue } from '../../lib/sched/index.js';

const run = (body: (race: Race) => void | Promise<void>, choices: readonly number[] = []) => {
  const search = new ReplaySearch(choices);
  search.begin();
  return runOnce(scenario('one', 'one run', body, { maxPoints: 200 }), search);
};

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

for (const [reset, bodies] of [
  ['restore', 1],
  ['rebuild', 5],
] as const) {
  test(`${reset}: five runs set ${bodies} stages, and each begins with what the body left`, async (t) => {
    let set = 0;
    const begunWith: number[] = [];
    const counted = scenario('counted', 'counts its runs', (race) => {
      set++;
      const kept = { runs: 10 };
      race.keep(kept);
      race.task('t', async () => void begunWith.push(kept.runs++));
    });
    const stages = new Stages({ ...counted, reset });
    const search = new RandomSearch(1, 5);
    while (search.begin()) search.end(await stages.run(search));
    await stages.end();
    t.is(set, bodies);
    t.deepEqual(begunWith, [10, 10, 10, 10, 10]);
  });
}
