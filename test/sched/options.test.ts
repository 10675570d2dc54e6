// Goal: what is not said has the documented default.

import test from 'ava';
import { planOf } from '../../lib/sched/options.js';
import { firstStrategy } from '../../lib/sched/index.js';
import { seconds } from '../../lib/units.js';

test('a simulation without options never preempts, and gives up after an hour', (t) => {
  const { strategy, timers, horizonNs, maxPoints } = planOf({ mode: 'simulated' });
  t.deepEqual(
    [strategy.name, timers, horizonNs, maxPoints],
    ['first', 'idle', seconds(3600), Infinity],
  );
});

test('a seed chooses at random, a strategy overrides it', (t) => {
  t.is(planOf({ mode: 'simulated', seed: 7 }).strategy.name, 'seed 7');
  t.is(planOf({ mode: 'simulated', seed: 7, strategy: firstStrategy() }).strategy.name, 'first');
});
