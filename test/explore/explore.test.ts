// Goal: an exploration says what it did: what it found, how far it went, what it did not do.

import test from 'ava';
import assert from 'node:assert/strict';
import { explore, makeSearch, scenario, strategyNames } from '../../lib/explore/index.js';
import { Mutex } from '../../lib/sched/index.js';

const twoWriters = (fail: (order: string) => void) =>
  scenario('two-writers', 'writers of one cell', (race) => {
    const cell = race.object('cell');
    let order = '';
    for (const name of ['a', 'b']) {
      race.task(name, async () => {
        await race.at(cell);
        order += name;
        fail(order);
      });
    }
    race.outcome(() => order);
  });

test('every strategy finds an error of a task, with a token that names the scenario', async (t) => {
  const broken = twoWriters((order) => assert(order !== 'ba', 'b before a'));
  for (const strategy of strategyNames) {
    const found = await explore(broken, { strategy, runs: 200 });
    t.is(found.strategy, strategy);
    t.is(found.failures.length, 1, strategy);
    t.is(found.failures[0]!.kind, 'error');
    t.regex(found.failures[0]!.token, /^two-writers\./);
    t.regex(found.failures[0]!.message, /^(a|b): b before a/);
  }
});

test('what is not kept going stops at the first failure; what is collects all ends', async (t) => {
  const broken = twoWriters((order) => assert(order.length < 2, `no second: ${order}`));
  const first = await explore(broken, {});
  t.is(first.schedules, 1);
  t.false(first.complete);
  t.regex(first.coverage, /stopped at the first failure/);
  const all = await explore(
    twoWriters(() => {}),
    { keepGoing: true },
  );
  t.deepEqual(all.outcomes, ['ab', 'ba']);
  t.true(all.complete);
});

test('figures: schedules, points, depth, time', async (t) => {
  const found = await explore(
    twoWriters(() => {}),
    { strategy: 'depth-first', preemptions: 9 },
  );
  t.is(found.schedules, 2);
  t.is(found.pointsPerSchedule, 2);
  t.is(found.depth, 1);
  t.is(found.preemptions, 9);
  t.true(found.seconds > 0 && found.schedulesPerSecond > 0);
});

test('a budget of schedules is kept', async (t) => {
  const found = await explore(
    twoWriters(() => {}),
    { strategy: 'random', budget: { schedules: 7 } },
  );
  t.is(found.schedules, 7);
  t.regex(found.coverage, /7 runs/);
});

test('a deadlock is told as a circle of who waits for whom', async (t) => {
  const philosophers = scenario('forks', 'two locks in two orders', (race) => {
    const locks = [0, 1].map(
      (n) => new Mutex(race.sched, `fork ${n}`, { lockClass: { name: `f${n}` } }),
    );
    const dine = (first: Mutex, second: Mutex) => async (task: typeof race.sched.current) => {
      await first.lock(task!);
      try {
        await second.lock(task!);
        second.unlock(task!);
      } finally {
        first.unlock(task!);
      }
    };
    race.task('left', dine(locks[0]!, locks[1]!));
    race.task('right', dine(locks[1]!, locks[0]!));
  });
  const found = await explore(philosophers);
  // Lock order is checked too: whichever is seen first, the mistake is the same.
  t.true(['deadlock', 'error'].includes(found.failures[0]!.kind));
});

test('what the body throws is thrown, as it is no matter of the schedule', async (t) => {
  const bad = scenario('bad', 'throws at once', () => {
    throw new TypeError('set the stage first');
  });
  await t.throwsAsync(explore(bad), { instanceOf: TypeError });
});

test('options that make no sense are EINVAL', (t) => {
  t.throws(() => makeSearch('exhaustive', { preemptions: -1 }), { code: 'EINVAL' });
  t.throws(() => makeSearch('pct', { depth: 0 }), { code: 'EINVAL' });
  t.throws(() => makeSearch('random', { seed: NaN }), { code: 'EINVAL' });
  t.throws(() => makeSearch('lucky' as 'pct'), { code: 'EINVAL' });
});
