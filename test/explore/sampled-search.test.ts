// Goal: samples are repeatable, and PCT keeps the bound that it states. Method: a bug of depth 2,
// many runs, and a count of how many of them hit it.

import test from 'ava';
import { explore, PCTSearch, RandomSearch, scenario } from '../../lib/explore/index.js';
import { runOnce } from '../../lib/explore/stage.js';
import type { Search } from '../../lib/explore/index.js';

/** Fails only if the second task runs between two given points of the first. */
const narrow = scenario('narrow', 'a window of one point', (race) => {
  const cell = race.object('cell');
  let open = false;
  race.task('opener', async () => {
    for (let i = 0; i < 8; i++) {
      await race.at(cell);
      open = i === 4;
    }
  });
  race.task('passer', async () => {
    await race.at(cell);
    if (open) throw new Error('passed');
  });
});

async function hits(search: Search): Promise<{ runs: number; hits: number; schedules: string[] }> {
  const schedules: string[] = [];
  let nrHits = 0;
  while (search.begin()) {
    const record = await runOnce(narrow, search);
    search.end(record);
    schedules.push(record.choices.join(''));
    if (record.failures.length > 0) nrHits++;
  }
  return { runs: schedules.length, hits: nrHits, schedules };
}

test('the same seed gives the same runs, another one gives others', async (t) => {
  for (const make of [
    (seed: number) => new RandomSearch(seed, 50),
    (seed: number) => new PCTSearch(3, seed, 50),
  ]) {
    const first = await hits(make(7));
    t.deepEqual(first, await hits(make(7)));
    t.notDeepEqual(first.schedules, (await hits(make(8))).schedules);
  }
});

test('PCT of depth 2 hits a bug of depth 2 at least as often as its bound says', async (t) => {
  const search = new PCTSearch(2, 3, 4_000);
  const found = await hits(search);
  const bound = 1 - search.missedAtMost(1);
  t.true(bound > 0.03 && bound < 0.1, String(bound));
  // Three standard deviations below the bound would be a broken bound.
  const slack = 3 * Math.sqrt((bound * (1 - bound)) / found.runs);
  t.true(found.hits / found.runs >= bound - slack, `${found.hits} of ${found.runs}`);
});

test('the coverage of a sample claims no more than a probability', async (t) => {
  const pct = await explore(narrow, { strategy: 'pct', depth: 1, runs: 100 });
  t.false(pct.complete);
  t.regex(pct.coverage, /^PCT, depth 1, seed 1, 100 runs .* with probability at most [\d.e-]+$/);
  const random = await explore(
    scenario('none', 'nothing', () => {}),
    { strategy: 'random', runs: 5 },
  );
  t.regex(random.coverage, /no bound on what is missed/);
});

test('PCT with a clock that can always go on still ends', async (t) => {
  const ticking = scenario(
    'ticking',
    'a timer that sets itself again',
    (race) => {
      const cell = race.object('cell');
      race.task('t', async () => {
        const again = (): void => void race.sched.clock.timer(race.sched.clock.nowNs + 1, again);
        again();
        for (let i = 0; i < 3; i++) await race.at(cell);
      });
    },
    { timers: 'any' },
  );
  const found = await explore(ticking, { strategy: 'pct', runs: 50 });
  t.is(found.schedules, 50);
});
