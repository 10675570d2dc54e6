// Goal: the registry names every scenario once, and there are as many as were asked for.

import test from 'ava';
import {
  plantedBugs,
  scenarioNamed,
  scenarios,
  threadOnly,
  twinOf,
} from '../../../lib/explore/index.js';

test('at least twenty bugs are planted, and some run on whole machines', (t) => {
  t.true(plantedBugs.length >= 20, String(plantedBugs.length));
  t.true(plantedBugs.filter(({ ground }) => ground === 'machine').length >= 3);
  t.true(plantedBugs.every(({ preemptions }) => preemptions <= 3));
});

test('every scenario has its own name, and its twin has that of the bug', (t) => {
  t.is(scenarios.size, 2 * plantedBugs.length + threadOnly.length);
  for (const { name } of plantedBugs) {
    t.is(scenarioNamed(name).name, name);
    t.is(scenarioNamed(twinOf(name)).name, twinOf(name));
    t.regex(name, /^[a-z0-9-]+$/);
  }
  t.throws(() => scenarioNamed('no-such'), { code: 'ENOENT' });
});
