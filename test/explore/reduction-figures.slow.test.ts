// Goal: how much reduction saves on what ships. Method: every search of every scenario, counted;
// the table is in the test's log. Run by name: npx ava test/explore/reduction-figures.slow.test.ts
//
// A scenario whose plain search is this small has nothing worth reducing, and is only shown.

import test from 'ava';
import { explore, type Exploration, plantedBugs, twinOf } from '../../lib/explore/index.js';

const SMALL = 150;
const MOST = 200_000;
const SECONDS = 60;

const ends = ({ outcomes, failures }: Exploration): string[] => [
  ...outcomes,
  ...failures.map(({ kind, name }) => `${kind} ${name}`).sort(),
];

const shown = ({ complete, schedules }: Exploration): string =>
  `${complete ? '' : 'more than '}${schedules}`;

for (const bug of plantedBugs.filter(({ finds }) => finds !== 'livelock')) {
  for (const broken of [true, false]) {
    const name = broken ? bug.name : twinOf(bug.name);
    test.serial(
      `${name}: reduced five times without a bound, three times with three`,
      async (t) => {
        const run = (strategy: 'depth-first' | 'exhaustive' | 'dpor', preemptions: number) =>
          explore(bug.make(broken), {
            ...{ strategy, preemptions, keepGoing: true, shrink: false },
            budget: { schedules: MOST, seconds: SECONDS },
          });
        const plain = await run('depth-first', Infinity);
        const classes = await run('dpor', 0);
        const bounded = await run('depth-first', 3);
        const cached = await run('exhaustive', 3);
        t.log(`no bound: ${shown(plain)} schedules, dpor ${shown(classes)}`);
        t.log(`bound 3: ${shown(bounded)} schedules, cache ${shown(cached)}, ${cached.cut} cut`);
        t.true(classes.complete && bounded.complete && cached.complete);
        t.deepEqual(ends(cached), ends(bounded));
        if (plain.complete) t.deepEqual(ends(classes), ends(plain));
        if (plain.schedules > SMALL) t.true(plain.schedules >= 5 * classes.schedules);
        if (bounded.schedules > SMALL) t.true(bounded.schedules >= 3 * cached.schedules);
      },
    );
  }
}
