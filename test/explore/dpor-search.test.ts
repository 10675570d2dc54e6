// Goal: one schedule of each class, and of each class one. Method: programs whose classes can be
// counted by hand.

import test from 'ava';
import { explore, scenario, type Race, type Scenario } from '../../lib/explore/index.js';
import { Mutex } from '../../lib/sched/index.js';

const dpor = (body: (race: Race) => void, timers: 'idle' | 'any' = 'idle') => {
  const made: Scenario = scenario('counted', 'classes', body, { timers });
  return explore(made, { strategy: 'dpor', keepGoing: true });
};

/** Tasks of which each makes one access to one cell. */
const accesses =
  (...kinds: readonly ('read' | 'write')[]) =>
  (race: Race): void => {
    const cell = race.object('cell');
    const order: number[] = [];
    kinds.forEach((kind, nr) => {
      race.task(`t${nr}`, async () => {
        await race.at(cell, kind);
        order.push(nr);
      });
    });
  };

const table: readonly [string, readonly ('read' | 'write')[], number][] = [
  ['two readers', ['read', 'read'], 1],
  ['a reader and a writer', ['read', 'write'], 2],
  ['two writers', ['write', 'write'], 2],
  ['three writers', ['write', 'write', 'write'], 6],
  ['a writer and two readers', ['write', 'read', 'read'], 4],
  ['four writers', ['write', 'write', 'write', 'write'], 24],
];

for (const [what, kinds, classes] of table) {
  test(`${what} of one cell have ${classes} classes`, async (t) => {
    const found = await dpor(accesses(...kinds));
    t.is(found.schedules, classes);
    t.true(found.complete);
    t.regex(found.coverage, /all schedules, no bound on preemptions/);
  });
}

test('tasks that share nothing have one class', async (t) => {
  const found = await dpor((race) => {
    for (let nr = 0; nr < 4; nr++) {
      const own = race.object(`own ${nr}`);
      race.task(`t${nr}`, async () => {
        for (let i = 0; i < 5; i++) await race.at(own);
      });
    }
  });
  t.is(found.schedules, 1);
});

test('a lock taken by n tasks has a class for each order of them', async (t) => {
  const found = await dpor((race) => {
    const lock = new Mutex(race.sched, 'lock');
    const order: number[] = [];
    for (let nr = 0; nr < 3; nr++) {
      race.task(`t${nr}`, async (task) => {
        await lock.lock(task);
        order.push(nr);
        lock.unlock(task);
      });
    }
    race.outcome(() => order.join());
  });
  t.is(found.outcomes.length, 6);
});

test('with timers any the clock is a task: before, between and after', async (t) => {
  const found = await dpor((race) => {
    const cell = race.object('cell');
    let fired = 'late';
    race.task('t', async () => {
      race.sched.clock.timer(5, () => (fired = `at ${step}`));
      let step = 0;
      for (; step < 2;) {
        await race.at(cell);
        step++;
      }
    });
    race.outcome(() => fired);
  }, 'any');
  t.deepEqual(found.outcomes, ['at 0', 'at 1', 'late']);
});
