// Goal: the figures of the three forms say what the debate said: only the bias errs, only off-lru
// hides pages from reclaim and moves them; memory is as before.

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { comparePinTracking, type PinWorkload } from '../../lib/mm/pin-tracking-trial.js';
import { memoryMachine } from '../support/mm-fixture.js';

test('under the usual workload', (t) => {
  const { env } = memoryMachine();
  const nrFree = env.allocator.nrFree;
  const [bias, own, off] = comparePinTracking(env);
  t.is(env.allocator.nrFree, nrFree);
  t.is(env.pages.lru.nrInactive, 0);
  const passes = Math.floor(1024 / 60);
  const laps = 1024 / 64;
  t.deepEqual(
    [bias, own, off].map((f) => [f!.form, f!.looks, f!.counterWrites]),
    ['bias', 'own-count', 'off-lru'].map((form) => [form, passes * 64, 2 * (1024 + 8)]),
  );
  // The last page has 1025 references; one pass falls on its own short pin.
  t.is(bias!.falsePositives, passes - 1);
  t.is(own!.falsePositives, 0);
  t.is(off!.falsePositives, 0);
  t.is(own!.lostToReclaim, 0);
  t.is(own!.listMoves, 0);
  t.is(bias!.listMoves, 0);
  t.is(bias!.lostToReclaim, 0);
  t.true(off!.lostToReclaim >= passes * 8, 'at least the long-term pins, at each pass');
  t.true(off!.lostToReclaim <= passes * (8 + 4), 'and those in flight');
  t.is(off!.rejuvenated, 1024 - laps * 8 + 8, 'every pinned page came back young');
  t.is(off!.listMoves, 2 * off!.rejuvenated);
});

const workloads = fc.record({
  nrPages: fc.integer({ min: 8, max: 32 }),
  nrLongterm: fc.nat(4),
  nrShortPins: fc.nat(100),
  depth: fc.nat(4),
  nrGets: fc.constantFrom(0, 1, 1023, 1024, 3000),
  passEvery: fc.integer({ min: 1, max: 20 }),
});

testProp('under any workload', [workloads], (t, workload: PinWorkload) => {
  const { env } = memoryMachine();
  const [bias, own, off] = comparePinTracking(env, workload);
  t.is(own!.falsePositives + off!.falsePositives, 0);
  t.is(own!.lostToReclaim + bias!.lostToReclaim, 0);
  if (workload.nrGets < 1024) t.is(bias!.falsePositives, 0);
  t.true(bias!.falsePositives <= Math.floor(workload.nrShortPins / workload.passEvery));
  t.is(off!.listMoves, 2 * off!.rejuvenated);
  t.is(env.pages.lru.nrInactive, 0);
});
