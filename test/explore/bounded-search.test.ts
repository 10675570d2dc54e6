// Goal: a bounded search makes every schedule within its bound once, those with fewer preemptions
// first. Method: count them where the number is known.

import test from 'ava';
import { BoundedSearch, explore, scenario, type Scenario } from '../../lib/explore/index.js';
import { runOnce } from '../../lib/explore/stage.js';

/** Tasks that do nothing but pass so many points at objects of their own. */
const idlers = (...points: readonly number[]): Scenario =>
  scenario('idlers', 'nothing happens', (race) => {
    points.forEach((nrPoints, nr) => {
      const own = race.object(`own ${nr}`);
      race.task(`t${nr}`, async () => {
        for (let i = 0; i < nrPoints; i++) await race.at(own);
      });
    });
  });

const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k);

test('without a bound two tasks of n and m points have (n + m) over n schedules', async (t) => {
  for (const [n, m] of [
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 4],
  ] as const) {
    const found = await explore(idlers(n, m), { strategy: 'depth-first', preemptions: Infinity });
    // The first point of a task is passed by its start: from there on each point is a move.
    t.is(found.schedules, choose(n + m, n));
    t.true(found.complete);
    t.regex(found.coverage, /there are no others/);
  }
});

test('fewer preemptions come first, and no schedule comes twice', async (t) => {
  const search = new BoundedSearch({ preemptions: 3, cache: false });
  const seen = new Set<string>();
  let before = 0;
  while (search.begin()) {
    const record = await runOnce(idlers(3, 3, 2), search);
    search.end(record);
    t.true(record.preemptions >= before);
    before = record.preemptions;
    const text = record.choices.join();
    t.false(seen.has(text), text);
    seen.add(text);
  }
  t.is(before, 3);
});

test('the runs that are known to be left are run, and lead to others', async (t) => {
  const search = new BoundedSearch({ preemptions: 1, cache: false });
  t.is(search.nrPlanned, 1);
  let runs = 0;
  let known = 0;
  while (search.begin()) {
    search.end(await runOnce(idlers(3, 3), search));
    runs++;
    known = Math.max(known, runs + search.nrPlanned);
  }
  t.is(search.nrPlanned, 0);
  t.is(known, runs);
});

test('what was left out is told: at most n preemptions, or no others', async (t) => {
  const few = await explore(idlers(3, 3), { strategy: 'depth-first', preemptions: 1 });
  t.regex(few.coverage, /^all [\d,]+ schedules with at most 1 preemption$/);
  const budget = { schedules: 3 };
  const stopped = await explore(idlers(3, 3), { strategy: 'depth-first', preemptions: 1, budget });
  t.false(stopped.complete);
  t.regex(stopped.coverage, /stopped by the budget, not complete/);
});

test('with the cache independent steps need one schedule each order does not matter', async (t) => {
  const plain = await explore(idlers(4, 4), { strategy: 'depth-first', preemptions: Infinity });
  const cached = await explore(idlers(4, 4), { strategy: 'exhaustive', preemptions: Infinity });
  t.is(plain.schedules, 70);
  t.true(cached.schedules * 3 <= plain.schedules, `${cached.schedules} of ${plain.schedules}`);
});

test('a scenario that differs on the same choices is an error that names the step', async (t) => {
  let runs = 0;
  const fickle = scenario('fickle', 'depends on how often it ran', (race) => {
    const cell = race.object('cell');
    const nrTasks = ++runs > 2 ? 3 : 2;
    for (let nr = 0; nr < nrTasks; nr++) {
      race.task(`t${nr}`, async () => {
        await race.at(cell);
        await race.at(cell);
      });
    }
  });
  await t.throwsAsync(explore(fickle), { name: 'NondeterminismError', message: /choice \d+ .*t2/ });
});
