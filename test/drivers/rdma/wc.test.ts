// Goal: statuses have the numbers and texts that programs know.

import test from 'ava';
import { wcStatusNumbers, wcStatusText } from '../../../drivers/rdma/wc.js';

test('numbers count from 0 in the order of the standard, and each has a text', (t) => {
  t.deepEqual(
    Object.values(wcStatusNumbers),
    Object.values(wcStatusNumbers).map((_, i) => i),
  );
  t.is(wcStatusNumbers.RNR_RETRY_EXC_ERR, 13);
  t.deepEqual(Object.keys(wcStatusText), Object.keys(wcStatusNumbers));
});
