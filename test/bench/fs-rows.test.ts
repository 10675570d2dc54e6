// Goal: the rows of the file system are measured, each with its unit.

import test from 'ava';
import { fsRows } from '../../lib/bench/fs-rows.js';

test('names, bytes, and a large image that costs next to nothing', async (t) => {
  const rows = await fsRows(0.001);
  t.deepEqual(
    rows.map((row) => row.unit),
    ['/s', '% of memcpy', '% of memcpy', '% of memcpy', 'ms', 'ms'],
  );
  for (const row of rows) t.true(Number.isFinite(row.value) && row.value > 0, row.name);
});
