// Goal: a thread finds its scenario by name, shipped or in a module of the user's.

import test from 'ava';
import { threadScenarios } from '../../lib/explore/index.js';
import { scenarioOf } from '../../lib/explore/stress-thread.js';
import { own } from './own-stress.js';

const order = { seed: 1, threads: 1 };

test('shipped ones are found by name', async (t) => {
  for (const scenario of threadScenarios) {
    t.is(await scenarioOf({ ...order, name: scenario.name, url: null }), scenario);
  }
  const none = scenarioOf({ ...order, name: 'no-such', url: null });
  await t.throwsAsync(none, { code: 'ENOENT' });
});

test('others are exports of their module', async (t) => {
  t.is(await scenarioOf({ ...order, name: 'own', url: own.url }), own);
  const none = scenarioOf({ ...order, name: 'no-such', url: own.url });
  await t.throwsAsync(none, { code: 'ENOENT', message: /own-stress.*no-such/ });
});
