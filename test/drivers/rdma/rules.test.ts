// Goal: every kernel has every rule, and the whole device offers what no Soft-RoCE did.

import test from 'ava';
import { rdmaRules } from '../../../drivers/rdma/rules.js';
import { kernelNames } from '../../../lib/kernel-rules.js';

test('every kernel has the same rows', (t) => {
  const rows = Object.keys(rdmaRules['6.1']).sort();
  for (const kernel of kernelNames) t.deepEqual(Object.keys(rdmaRules[kernel]).sort(), rows);
});

test('what grew from kernel to kernel', (t) => {
  t.deepEqual(
    kernelNames.map((k) => rdmaRules[k].rereg),
    ['none', 'pd-access', 'pd-access', 'all'],
  );
  t.deepEqual(
    kernelNames.map((k) => rdmaRules[k].odp),
    [false, false, true, true],
  );
  t.deepEqual(
    kernelNames.map((k) => rdmaRules[k].implicitOdp),
    [false, false, false, true],
  );
});
