// Goal: every row of the rdma suite measures something, under a name of its own. How fast it is,
// the bench says: tests hold nobody to a time.

import test from 'ava';
import { rdmaRows } from '../../lib/bench/rdma-rows.js';
import { rowText } from '../../lib/bench/row.js';

test('the rdma rows are figures, each with a name of its own; 1 MiB has a bound', async (t) => {
  const rows = await rdmaRows(0.02);
  t.is(new Set(rows.map((row) => row.name)).size, 4);
  for (const row of rows) t.true(Number.isFinite(row.value) && row.value > 0, rowText(row));
  t.is(rows.find(({ name }) => name.endsWith('1 MiB'))?.bound, 70);
});
