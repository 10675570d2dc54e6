// Goal: conversions are exact to 2^53 - 1, far beyond 32 bits. Method: identities over all of it.

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { isErrno } from '../lib/errno.js';
import {
  alignDown,
  alignUp,
  checkCount,
  checkLen,
  checkPos,
  checkRange,
  GiB,
  isAligned,
  KiB,
  MiB,
  ms,
  nsToMs,
  pageOffset,
  PAGE_SHIFT,
  PAGE_SIZE,
  pagesFor,
  pagesSpanned,
  pgoffOf,
  posOf,
  seconds,
  us,
} from '../lib/units.js';

const position = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 2 * PAGE_SIZE });

testProp('a position is its page and its place in it', [position], (t, pos) => {
  t.is(posOf(pgoffOf(pos)) + pageOffset(pos), pos);
  t.true(pageOffset(pos) >= 0 && pageOffset(pos) < PAGE_SIZE);
  t.is(BigInt(pgoffOf(pos)), BigInt(pos) >> BigInt(PAGE_SHIFT));
});

testProp('aligning goes to the nearest multiple on its side', [position], (t, pos) => {
  t.true(alignDown(pos) <= pos && pos - alignDown(pos) < PAGE_SIZE && isAligned(alignDown(pos)));
  t.true(alignUp(pos) >= pos && alignUp(pos) - pos < PAGE_SIZE && isAligned(alignUp(pos)));
  t.is(isAligned(pos), alignUp(pos) === alignDown(pos));
});

testProp(
  'a range spans the pages from its first byte to its last',
  [position, fc.integer({ min: 0, max: 2 * PAGE_SIZE })],
  (t, pos, len) => {
    const pages = new Set<number>();
    for (const at of [pos, pos + PAGE_SIZE, pos + len - 1]) {
      if (at >= pos && at < pos + len) pages.add(pgoffOf(at));
    }
    t.is(pagesSpanned(pos, len), pages.size);
  },
);

test('sizes and times have their usual meanings', (t) => {
  t.deepEqual([KiB, MiB, GiB, PAGE_SIZE], [1024, 2 ** 20, 2 ** 30, 2 ** PAGE_SHIFT]);
  t.deepEqual([us(2), ms(600), seconds(45)], [2_000, 600_000_000, 45_000_000_000]);
  t.is(nsToMs(ms(1.5)), 1.5);
  t.deepEqual([0, 1, PAGE_SIZE, PAGE_SIZE + 1].map(pagesFor), [0, 1, 1, 2]);
  t.is(pgoffOf(5 * GiB), (5 * GiB) / 4096);
});

const refused = [Number.NaN, -1, 0.5, 2 ** 53, Infinity, '4096' as unknown as number];

for (const v of refused) {
  test(`${typeof v} ${v} is no position and no length, and EINVAL says which`, (t) => {
    for (const check of [checkPos, checkLen, checkCount]) {
      const e = t.throws(() => check('offset', v));
      t.true(isErrno(e, 'EINVAL'));
      t.true(e?.message.includes('offset'));
    }
  });
}

test('what is exact passes the checks, to the last value', (t) => {
  for (const v of [0, 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    t.deepEqual([checkPos('p', v), checkLen('l', v), checkCount('n', v)], [v, v, v]);
  }
  t.notThrows(() => checkRange('io', 0, Number.MAX_SAFE_INTEGER));
  t.true(
    isErrno(
      t.throws(() => checkRange('io', 1, Number.MAX_SAFE_INTEGER)),
      'EINVAL',
    ),
  );
});
