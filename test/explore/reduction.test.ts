// Goal: reduction loses no failure and no outcome. Method: every search against plain depth-first,
// which knows nothing of footprints, on random programs and on every planted bug that is small.

import test from 'ava';
import { explore, plantedBugs, type Exploration, type Scenario } from '../../lib/explore/index.js';
import { machineProgram } from './machine-programs.js';
import { randomProgram } from './programs.js';

/** Schedules of a plain search: a program that has more is too large for it. */
const PLAIN_MOST = 5_000;
const REDUCED_MOST = 60_000;

const ends = ({ outcomes, failures }: Exploration): string[] => [
  ...outcomes,
  ...failures.map(({ kind, name }) => `${kind} ${name}`).sort(),
];

const all = (
  scenario: Scenario,
  strategy: 'depth-first' | 'exhaustive' | 'dpor',
  bound = Infinity,
) =>
  explore(scenario, {
    strategy,
    preemptions: bound,
    keepGoing: true,
    shrink: false,
    budget: { schedules: strategy === 'depth-first' ? PLAIN_MOST : REDUCED_MOST },
  });

test('on random programs every search that is complete meets the same ends', async (t) => {
  let compared = 0;
  for (let seed = 1; seed <= 68; seed++) {
    const plain = await all(randomProgram(seed), 'depth-first');
    const [cached, dpor] = [
      await all(randomProgram(seed), 'exhaustive'),
      await all(randomProgram(seed), 'dpor'),
    ];
    t.true(cached.complete && dpor.complete, `program ${seed}`);
    t.deepEqual(ends(dpor), ends(cached), `the two reductions on program ${seed}`);
    if (!plain.complete) continue;
    compared++;
    for (const reduced of [cached, dpor]) {
      t.deepEqual(ends(reduced), ends(plain), `${reduced.strategy} on program ${seed}`);
      t.true(reduced.schedules <= plain.schedules, `${reduced.strategy} on program ${seed}`);
    }
  }
  t.true(compared >= 56, `${compared} programs were small enough`);
});

test('with a bound the cache meets the ends that plain search meets with that bound', async (t) => {
  let compared = 0;
  for (let seed = 1; seed <= 42; seed++) {
    for (const bound of [0, 1, 2]) {
      const plain = await all(randomProgram(seed), 'depth-first', bound);
      if (!plain.complete) continue;
      compared++;
      const cached = await all(randomProgram(seed), 'exhaustive', bound);
      t.true(cached.complete, `bound ${bound} on program ${seed}`);
      t.deepEqual(ends(cached), ends(plain), `bound ${bound} on program ${seed}`);
    }
  }
  t.true(compared >= 120, `${compared} searches were small enough`);
});

test('on random system calls the cache and dpor meet all ends that plain search meets', async (t) => {
  for (let seed = 1; seed <= 12; seed++) {
    const program = machineProgram(seed) as Scenario;
    const plain = await all(program, 'depth-first', 2);
    const cached = await all(program, 'exhaustive', 2);
    const classes = await all(program, 'dpor');
    t.true(plain.complete && cached.complete && classes.complete, program.title);
    t.deepEqual(ends(cached), ends(plain), program.title);
    const missed = ends(plain).filter((end) => !ends(classes).includes(end));
    t.deepEqual(missed, [], program.title);
    t.true(cached.schedules <= plain.schedules, program.title);
  }
});

for (const bug of plantedBugs.filter(({ finds }) => finds !== 'livelock')) {
  test(`${bug.name}: the cache at bound 2 finds what plain depth-first finds`, async (t) => {
    const plain = await all(bug.make(true), 'depth-first', 2);
    t.true(plain.complete);
    const cached = await all(bug.make(true), 'exhaustive', 2);
    t.true(cached.complete);
    t.deepEqual(ends(cached), ends(plain));
  });
}
