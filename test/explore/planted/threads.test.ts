// Goal: what is shipped for threads is named once, and each defect has its twin.

import test from 'ava';
import {
  scenarioNamed,
  threadScenarioNamed,
  threadScenarios,
  twinOf,
} from '../../../lib/explore/index.js';

test('every scenario of threads has a name of its own, and one for the explorer', (t) => {
  t.is(new Set(threadScenarios.map(({ name }) => name)).size, threadScenarios.length);
  for (const { name, title } of threadScenarios) {
    t.is(threadScenarioNamed(name).name, name);
    t.is(scenarioNamed(name).title, title);
  }
});

test('what is broken is broken in one way, and has a repaired twin', (t) => {
  const broken = threadScenarios.filter(({ defect }) => defect !== null);
  t.is(broken.length, 2);
  for (const { name, title } of broken) {
    const twin = threadScenarioNamed(twinOf(name));
    t.is(twin.defect, null);
    t.is(twin.title, title);
  }
});
