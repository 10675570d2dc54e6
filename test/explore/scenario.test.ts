// Goal: a scenario is plain data, and says of its runs what it was given.

import test from 'ava';
import { explore, scenario } from '../../lib/explore/index.js';

test('options of a scenario reach its runs', async (t) => {
  const body = (): void => {};
  const made = scenario('name', 'title', body, { timers: 'any', maxPoints: 5 });
  t.deepEqual(made, { name: 'name', title: 'title', body, timers: 'any', maxPoints: 5 });
  const spinning = scenario('spin', 'spins', (race) => {
    race.task('t', async () => {
      for (;;) await race.at(race.object('new each time'));
    });
  });
  const found = await explore({ ...spinning, maxPoints: 5 }, { shrink: false });
  t.is(found.failures[0]!.kind, 'livelock');
  t.is(found.failures[0]!.nrPoints, 6);
});
