// Goal: every strategy can be had by its name.

import test from 'ava';
import { makeSearch, strategyNames } from '../../lib/explore/index.js';

test('a search has the name it was asked for, and the bound where it has one', (t) => {
  for (const name of strategyNames) {
    const search = makeSearch(name, { preemptions: 4 });
    t.is(search.name, name);
    t.is(search.bound, name === 'exhaustive' || name === 'depth-first' ? 4 : null);
    t.is(search.samples, name === 'pct' || name === 'random');
  }
});
