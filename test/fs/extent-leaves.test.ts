// Goal: the leaves of an extent list always hold it whole, and a change in one place touches few of
// them, however long the list is. Method: random changes of a list, each planned on the leaves that
// the one before left.

import test from 'ava';
import fc from 'fast-check';
import { ExtentList, type Extent } from '../../lib/fs/extent.js';
import { denseLeaves, planLeaves } from '../../lib/fs/extent-leaves.js';
import { INLINE_EXTENTS, OVERFLOW_EXTENTS } from '../../lib/fs/format.js';

/** Every other page has a block, far from the others. */
const scattered = (nr: number): ExtentList =>
  new ExtentList(
    Array.from({ length: nr }, (_, i) => ({
      ...{ pgoff: 2 * i, nrPages: 1, block: 100_000 - 2 * i, unwritten: false },
    })),
  );

interface Chain {
  stored: readonly Extent[];
  leaves: number[];
}

/** The list as the leaves have it: cut into them. */
function partsOf({ stored, leaves }: Chain): (readonly Extent[])[] {
  let at = Math.min(stored.length, INLINE_EXTENTS);
  return leaves.map((nr) => stored.slice(at, (at += nr)));
}

/** Carry out the plan; how many leaves are not the ones that were there. */
function apply(chain: Chain, now: readonly Extent[]): number {
  const { before, after, between } = planLeaves(chain.stored, chain.leaves, now);
  const old = partsOf(chain);
  const kept = [...old.slice(0, before), ...old.slice(old.length - after)];
  chain.leaves.splice(before, chain.leaves.length - before - after, ...between);
  chain.stored = [...now];
  const parts = partsOf(chain);
  const stay = [...parts.slice(0, before), ...parts.slice(parts.length - after)];
  if (JSON.stringify(stay) !== JSON.stringify(kept)) throw new Error('a leaf that stays differs');
  return between.length;
}

function isSound({ stored, leaves }: Chain): boolean {
  const inLeaves = leaves.reduce((sum, nr) => sum + nr, 0);
  return (
    inLeaves === Math.max(0, stored.length - INLINE_EXTENTS) &&
    leaves.every((nr) => nr >= 1 && nr <= OVERFLOW_EXTENTS)
  );
}

test('a list that is written whole is cut into full leaves', (t) => {
  t.deepEqual(denseLeaves(INLINE_EXTENTS), []);
  t.deepEqual(denseLeaves(INLINE_EXTENTS + 1), [1]);
  t.deepEqual(denseLeaves(INLINE_EXTENTS + OVERFLOW_EXTENTS + 1), [OVERFLOW_EXTENTS, 1]);
});

test('after any changes the leaves hold the list, and those that stay are as they were', (t) => {
  const change = fc.record({
    at: fc.nat(4000),
    nr: fc.integer({ min: 1, max: 900 }),
    op: fc.constantFrom('punch', 'fill', 'cut'),
  });
  const law = fc.property(fc.nat(2000), fc.array(change, { maxLength: 12 }), (nr, changes) => {
    const list = scattered(nr);
    const chain: Chain = { stored: [...list.all], leaves: denseLeaves(nr) };
    for (const { op, at, nr: len } of changes) {
      if (op === 'punch') list.remove(at, at + len);
      else if (op === 'cut') list.remove(at, Infinity);
      else {
        for (const { block, pgoff } of list.segments(at, at + Math.min(len, 40))) {
          if (block !== null) continue;
          list.insert({ pgoff, nrPages: 1, block: 500_000 - 2 * pgoff, unwritten: true });
        }
      }
      apply(chain, list.all);
      if (!isSound(chain)) return false;
    }
    return true;
  });
  t.notThrows(() => fc.assert(law, { seed: 1, numRuns: 300 }));
});

test('one extent more or less writes three leaves at most, in a list of 50,000', (t) => {
  const nr = 50_000;
  const list = scattered(nr);
  const chain: Chain = { stored: [...list.all], leaves: denseLeaves(nr) };
  for (const at of [1, 21, 23, 25_001, 25_003, 2 * nr - 1]) {
    list.insert({ pgoff: at, nrPages: 1, block: 900_000 - 2 * at, unwritten: false });
    t.true(apply(chain, list.all) <= 3, `a page at ${at}`);
    list.remove(at - 1, at);
    t.true(apply(chain, list.all) <= 3, `a hole at ${at - 1}`);
    t.true(isSound(chain));
  }
});

test('a list that is written at its end fills its leaves', (t) => {
  const list = new ExtentList();
  const chain: Chain = { stored: [], leaves: [] };
  for (let i = 0; i < 2000; i++) {
    list.insert({ pgoff: 2 * i, nrPages: 1, block: 90_000 - 2 * i, unwritten: false });
    apply(chain, list.all);
  }
  t.deepEqual(chain.leaves, denseLeaves(2000));
});

test('leaves that have become thin are joined', (t) => {
  const list = scattered(3000);
  const chain: Chain = { stored: [...list.all], leaves: denseLeaves(3000) };
  for (let i = 20; i < 3000; i++) {
    if (i % 100 !== 0) list.remove(2 * i, 2 * i + 1);
    apply(chain, list.all);
  }
  t.true(isSound(chain));
  t.true(chain.leaves.length <= 2, `${chain.leaves.length} leaves`);
});
