// Goal: a report counts every difference once, in the words of the command's contract.

import test from 'ava';
import type { CaseResult } from '../../lib/conformance/replay.js';
import { replayAll, reportOf, reportText, selectCases } from '../../lib/conformance/report.js';
import { caseOf } from './scene.js';

const agreed: CaseResult = {
  id: 'reg/a',
  area: 'reg',
  steps: 3,
  stepsAgree: 3,
  differ: [],
  unsupported: [],
};
const differing: CaseResult = {
  id: 'lease/b',
  area: 'lease',
  steps: 2,
  stepsAgree: 0,
  differ: [
    { id: 'lease/b', step: 0, op: 'open', linux: 'EAGAIN', ours: 'ok' },
    { id: 'lease/b', step: 1, op: 'teleport', linux: 'ok', ours: 'unsupported' },
  ],
  unsupported: ['teleport'],
};

test('the object has these fields and no others', (t) => {
  t.deepEqual(reportOf('6.12', [agreed, differing]), {
    kernel: '6.12',
    cases: 2,
    agree: 1,
    steps: 5,
    stepsAgree: 3,
    differ: [...differing.differ],
    unsupported: [{ id: 'lease/b', op: 'teleport' }],
  });
});

test('the page has a line per area, the sum, then every difference', (t) => {
  t.deepEqual(reportText('6.12', [agreed, differing]).split('\n'), [
    'reg            1/1 cases        3/3 steps',
    'lease          0/1 cases        0/2 steps',
    '6.12           1/2 cases        3/5 steps',
    'lease/b step 0 open: Linux EAGAIN, Leasehold ok',
    'lease/b step 1 teleport: Linux ok, Leasehold unsupported',
    'lease/b: teleport is not built',
  ]);
});

const some = [
  { ...caseOf([]), id: 'a', area: 'reg' },
  { ...caseOf([]), id: 'b', area: 'reg' },
  { ...caseOf([]), id: 'c', area: 'lease' },
];

const selections = [
  ['nothing said: all', { areas: [], ids: [] }, 'a b c'],
  ['areas', { areas: ['reg'], ids: [] }, 'a b'],
  ['ids', { areas: [], ids: ['c', 'a'] }, 'a c'],
  ['both: what is in both', { areas: ['reg'], ids: ['b', 'c'] }, 'b'],
  ['names of nothing', { areas: ['bogus'], ids: [] }, ''],
] as const;

for (const [what, selection, expected] of selections) {
  test(`selected by ${what}`, (t) => {
    const ids = selectCases(some, selection).map(({ id }) => id);
    t.is(ids.join(' '), expected);
  });
}

test('cases are replayed in order, each reported as it ends', async (t) => {
  const seen: string[] = [];
  const results = await replayAll(some, '6.1', ({ id }) => seen.push(id));
  t.deepEqual(seen, ['a', 'b', 'c']);
  t.deepEqual(
    results.map(({ id }) => id),
    seen,
  );
});
