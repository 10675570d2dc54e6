// Goal: the machine of the bench is what it is meant to be: a scenario of two tasks that can be put
// back, without a failure in any schedule.

import test from 'ava';
import { explore, type Scenario } from '../../../lib/explore/index.js';
import { Stage } from '../../../lib/explore/stage.js';
import { registerAgainstTruncate } from '../../../lib/explore/world/small-machine.js';

const scenario = registerAgainstTruncate as Scenario;

test('its stage can be put back', async (t) => {
  const stage = await Stage.make(scenario);
  t.deepEqual(stage.unsound, []);
  t.true(stage.reusable);
  await stage.end();
});

test('no schedule up to two preemptions fails', async (t) => {
  const { failures, complete, schedules, cut } = await explore(scenario, { preemptions: 2 });
  t.deepEqual(failures, []);
  t.true(complete);
  t.true(schedules + cut > 20);
});

test('a schedule has about 30 points', async (t) => {
  const { pointsPerSchedule } = await explore(scenario, { strategy: 'random', seed: 1, runs: 200 });
  t.true(pointsPerSchedule > 27 && pointsPerSchedule < 33, String(pointsPerSchedule));
});
