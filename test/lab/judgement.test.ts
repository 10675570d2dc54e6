// Goal: a verdict that is not as promised is called so, and one that is, is not. Method: one good
// ending, changed in one thing at a time.

import test from 'ava';
import type { Cell, Ending } from '../../lib/lab/cell.js';
import { breaches, mustStray } from '../../lib/lab/judgement.js';
import { definePolicy, promisesOf } from '../../lib/lease/define-policy.js';
import type { LayoutPolicy, Promises } from '../../lib/lease/layout.js';

const promising = (said: Partial<Promises> = {}): LayoutPolicy =>
  definePolicy({
    name: 'test',
    rules: {},
    promises: promisesOf(said),
    scope: 'file',
    onBusy: () => ({ do: 'wait' }),
  });

const cell: Cell = {
  policy: 'test',
  driver: 'rdma-revocable',
  behaviour: 'ignores',
  operation: 'truncate',
};

const good: Ending = {
  pin: 'granted',
  outcome: { end: 'ok', tookNs: 0, steps: 3 },
  holder: 'running',
  holderStuck: [],
  transfers: { done: 1, failed: 0 },
  stray: [],
  corruptedBytes: 0,
  unpinnedNs: null,
  free: { before: 9, after: 11, held: 9, end: 9 },
  tornPages: 0,
  latePages: 0,
  lostPages: 0,
  reclaim: null,
  orphanedPeak: 0,
  leaked: 0,
  stuck: { reader: 0, writer: 0, stat: 0 },
  first: 'pins',
};

test('what is as promised breaks nothing', (t) => {
  t.deepEqual(breaches(cell, promising(), good), []);
});

const broken: readonly [string, Partial<Ending>, RegExp][] = [
  ['bytes in another file', { corruptedBytes: 1 }, /another file/],
  ['a refused pin', { pin: 'EPERM' }, /refused: EPERM/],
  ['a failed truncate', { outcome: { end: 'EBUSY', tookNs: 0, steps: 1 } }, /failed: EBUSY/],
  ['a hung truncate', { outcome: { end: 'hung', tookNs: 0, steps: 1 } }, /never ended/],
  ['a killed holder', { holder: 'SIGKILL' }, /untouched, but: SIGKILL/],
  ['leaked blocks', { leaked: 3 }, /3 blocks/],
  ['an exit that hangs', { holderStuck: ['exit'] }, /could not exit/],
  ['a lease that cannot be given up', { holderStuck: ['F_UNLCK'] }, /give up its lease/],
];

for (const [what, change, says] of broken) {
  test(`${what} is said`, (t) => {
    const found = breaches(cell, promising(), { ...good, ...change });
    t.is(found.length, 1);
    t.regex(found[0] ?? '', says);
  });
}

test('where leases outlive pins, a lease that ended first is said', (t) => {
  const policy = promising({ leaseOutlivesPin: true });
  t.deepEqual(breaches(cell, policy, good), []);
  t.regex(breaches(cell, policy, { ...good, first: 'lease' })[0] ?? '', /before its pins/);
});

test('only long-term pins are refused by a policy that forbids them', (t) => {
  const forbids = promising({ longtermPin: 'refused' });
  t.deepEqual(breaches({ ...cell, driver: 'direct-io' }, forbids, good), []);
  t.deepEqual(breaches({ ...cell, driver: 'device-dax' }, forbids, good), []);
  t.deepEqual(breaches(cell, forbids, good), ['a long-term pin was granted']);
  t.deepEqual(breaches(cell, forbids, { ...good, pin: 'EOPNOTSUPP' }), []);
});

test('what cannot be taken back may be kept out', (t) => {
  const refused = { ...good, pin: 'EOPNOTSUPP' };
  t.deepEqual(breaches({ ...cell, driver: 'vfio' }, promising(), refused), []);
  t.is(breaches(cell, promising(), refused).length, 1);
});

test('the negative control must be caught where somebody keeps pins over a truncate', (t) => {
  const none = promising({ stray: 'expected' });
  t.true(mustStray(cell, none));
  t.false(mustStray({ ...cell, behaviour: 'cooperates' }, none));
  t.false(mustStray({ ...cell, driver: 'v4l2-dmabuf' }, none));
  t.false(mustStray({ ...cell, operation: 'fsync' }, none));
  t.false(mustStray(cell, promising()));
});
