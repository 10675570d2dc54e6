// Goal: every tracepoint is found under its own name.

import test from 'ava';
import { tracepointNames, tracepoints } from '../../lib/trace/index.js';

test('the table is sorted, and each tracepoint bears the name of its row', (t) => {
  t.deepEqual(tracepointNames, [...tracepointNames].sort());
  for (const name of tracepointNames) t.is(tracepoints[name].name, name);
});
