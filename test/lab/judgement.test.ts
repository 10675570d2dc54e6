// Goal: every broken promise is said. Method: a verdict as promised, changed in one place.

import test from 'ava';
import type { CellVerdict } from '../../lib/lab/cell.js';
import { breaches } from '../../lib/lab/judgement.js';
import { promisesOf } from '../../lib/lease/define-policy.js';

const good: CellVerdict = {
  policy: 'wait',
  driver: 'rdma',
  pin: 'granted',
  truncate: { end: 'ok', tookNs: 0 },
  holder: 'running',
  transfers: { done: 1, failed: 0 },
  stray: [],
  corruptedBytes: 0,
  free: { before: 1, afterTruncate: 1, atEnd: 1 },
  orphanedPeak: 0,
  leaked: 0,
};

const safe = promisesOf();

test('a verdict as promised breaks nothing', (t) => {
  t.deepEqual(breaches(good, safe, true), []);
});

const broken: readonly [string, Partial<CellVerdict>, RegExp][] = [
  ['bytes in another file', { corruptedBytes: 1 }, /another file/],
  ['a refused pin', { pin: 'EPERM' }, /refused: EPERM/],
  ['a failed truncate', { truncate: { end: 'EBUSY', tookNs: 0 } }, /failed: EBUSY/],
  ['a hung truncate', { truncate: { end: 'hung', tookNs: 0 } }, /never ended/],
  ['a killed holder', { holder: 'SIGKILL' }, /untouched, but: SIGKILL/],
  ['leaked blocks', { leaked: 3 }, /3 blocks/],
];

for (const [what, change, says] of broken) {
  test(`${what} is said`, (t) => {
    const found = breaches({ ...good, ...change }, safe, true);
    t.is(found.length, 1);
    t.regex(found[0] ?? '', says);
  });
}

test('a policy that prevents nothing must be caught at it', (t) => {
  t.deepEqual(breaches(good, promisesOf({ stray: 'expected' }), true), [
    'no stray DMA was found where nothing prevents it',
  ]);
});

test('only long-term pins are refused by a policy that forbids them', (t) => {
  const forbids = promisesOf({ longtermPin: 'refused' });
  t.deepEqual(breaches(good, forbids, false), []);
  t.deepEqual(breaches(good, forbids, true), ['a long-term pin was granted']);
});
