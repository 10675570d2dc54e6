// Goal: what is said of a policy comes from its verdicts.

import test from 'ava';
import { answered } from '../../lib/lab/objections.js';
import { policyIds } from '../../lib/policy/index.js';
import { verdict } from './verdict-fixture.js';

test('every policy has an objection besides the summary', (t) => {
  for (const policy of policyIds)
    t.true(answered(policy, [verdict({ policy })]).length >= 2, policy);
});

test('numbers change with the cells', (t) => {
  const hung = verdict({ verdict: 'hung', outcome: { end: 'hung', tookNs: 1, steps: 0 } });
  t.regex(answered('wait', [verdict({})])[0]!.shown, /^0 of 1 cells hung/);
  t.regex(answered('wait', [verdict({}), hung])[0]!.shown, /^1 of 2 cells hung \(rdma-pinned/);
});

test('a policy without measured cells says nothing', (t) => {
  t.deepEqual(answered('wait', [verdict({ na: 'no' })]), []);
});

test('what fsync left on the device is told of cells of fsync alone', (t) => {
  const synced = verdict({ operation: 'fsync', tornPages: 1, latePages: 2 });
  const [, hubbard] = answered('linux', [verdict({ tornPages: 1 }), synced]);
  t.regex(hubbard!.shown, /^1 of 1 cells of fsync had a mixture on the device \(.*fsync\)/);
  t.regex(hubbard!.shown, /1 of 1 cells of fsync left late stores/);
  t.is(answered('linux', [verdict({})])[1]!.shown, '');
});

test('what reclaim did is summed', (t) => {
  const reclaim = { scanned: 9, reclaimed: 1, activated: 2, written: 1, kept: 5 };
  const cells = [verdict({ operation: 'reclaim', reclaim }), verdict({ reclaim })];
  const [kara] = answered('hold-unmap', cells);
  t.regex(kara!.shown, /Reclaim left 10 pages alone, and unmapped 4 in vain/);
});
