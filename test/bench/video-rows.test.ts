// Goal: every row of the video suite measures something, under a name of its own. How fast it is,
// the bench says: tests hold nobody to a time.

import test from 'ava';
import { rowText } from '../../lib/bench/row.js';
import { videoRows } from '../../lib/bench/video-rows.js';

test('the video rows are figures, each with a name of its own', async (t) => {
  const rows = await videoRows(0.02);
  t.is(new Set(rows.map((row) => row.name)).size, 3);
  for (const row of rows) t.true(Number.isFinite(row.value) && row.value > 0, rowText(row));
});
