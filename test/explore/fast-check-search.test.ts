// Goal: a fast-check scheduler drives the very scenario that explore() runs.

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { explore, FastCheckSearch, plantedBugs, replayToken } from '../../lib/explore/index.js';

const bug = plantedBugs.find(({ name }) => name === 'lost-charge')!;

testProp(
  'the repaired twin holds under every schedule that fast-check picks',
  [fc.scheduler()],
  async (t, s) => {
    const found = await explore(bug.make(false), { strategy: new FastCheckSearch(s) });
    t.is(found.schedules, 1);
    t.deepEqual(found.failures, []);
  },
);

test('fast-check finds the planted bug, and its schedule has a token', async (t) => {
  const tokens: string[] = [];
  const property = fc.asyncProperty(fc.scheduler(), async (s) => {
    const found = await explore(bug.make(true), { strategy: new FastCheckSearch(s) });
    tokens.push(...found.failures.map(({ token }) => token));
    return found.failures.length === 0;
  });
  const checked = await fc.check(property, { seed: 5, numRuns: 500 });
  t.true(checked.failed);
  const replayed = await replayToken(bug.make(true), tokens[0]!);
  t.is(replayed.failure?.kind, 'leak');
});

test('another seed picks other schedules', async (t) => {
  const outcome = async (seed: number): Promise<string> => {
    const tokens: string[] = [];
    const property = fc.asyncProperty(fc.scheduler(), async (s) => {
      const strategy = new FastCheckSearch(s);
      const found = await explore(bug.make(true), { strategy, shrink: false });
      tokens.push(found.failures[0]?.token ?? '-');
    });
    await fc.assert(property, { seed, numRuns: 40 });
    return tokens.join();
  };
  t.is(await outcome(1), await outcome(1));
  t.not(await outcome(1), await outcome(2));
});
