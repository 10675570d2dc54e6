// Goal: every row of the explore suite measures something, under a name of its own. How fast it is,
// the bench says: tests hold nobody to a time.

import test from 'ava';
import { exploreRows } from '../../lib/bench/explore-rows.js';
import { rowText } from '../../lib/bench/row.js';

test('the explore rows are figures, each with a name of its own', async (t) => {
  const rows = await exploreRows(0.02);
  t.true(rows.length >= 5);
  t.is(new Set(rows.map((row) => row.name)).size, rows.length);
  for (const row of rows) t.true(Number.isFinite(row.value) && row.value >= 0, rowText(row));
});
