// Goal: the explorer finds what is planted in the steps of threads; what only the order of memory
// breaks is none of it. test/explore/stress.test.ts runs the same on threads.

import test from 'ava';
import { explore, scenarioNamed } from '../../../lib/explore/index.js';
import { threadBugs, threadOnly } from '../../../lib/explore/planted/thread-steps.js';
import { testPlanted } from '../planted-suite.js';

testPlanted(threadBugs);

for (const { name } of threadOnly) {
  test(`${name}: nothing is found, one step at a time`, async (t) => {
    const { complete, failures } = await explore(scenarioNamed(name), { preemptions: 3 });
    t.deepEqual(failures, []);
    t.true(complete);
  });
}
