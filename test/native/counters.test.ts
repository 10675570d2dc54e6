// Goal: counts are exact, refusals change nothing, and no page that is held ever reads as idle.
// Method: one region in plain shared memory; the sums of words, summary and tally are compared by
// hand.

import test from 'ava';

import { native, type NativePageSpace, type PageCountError } from '../../lib/native.js';
import { inWorker } from './threads.js';

const nrPages = 2048;
const nrSlots = 2;
const nrGroups = nrPages / 512;
const countersPos = 0;
const summaryPos = nrPages * 8;
const talliesPos = summaryPos + nrGroups * 8;
const dataPos = 65536;

function newRegion(basePfn = 0) {
  const buffer = new SharedArrayBuffer(dataPos + nrPages * 4096);
  return { buffer, basePfn, nrPages, countersPos, summaryPos, talliesPos, nrSlots, dataPos };
}

function newSpace(region = newRegion(), slot = 0): { space: NativePageSpace; all: BigUint64Array } {
  const space = new native.PageSpace();
  space.setOpener(space.addRegion(region), slot);
  return { space, all: new BigUint64Array(region.buffer, 0, dataPos / 8) };
}

const word = (all: BigUint64Array, page: number) => all[page] ?? -1n;
const summary = (all: BigUint64Array, group: number) => all[summaryPos / 8 + group] ?? -1n;
const tally = (all: BigUint64Array, slot: number, group: number) =>
  all[talliesPos / 8 + slot * nrGroups + group] ?? -1n;
const isZero = (all: BigUint64Array) => all.every((value) => value === 0n);

test('a pin is a reference and a pin, a get is a reference', (t) => {
  const { space, all } = newSpace();
  space.pinRange(7, 1);
  space.getRange(7, 1);
  t.is(space.refcount(7), 2);
  t.is(space.pincount(7), 1);
  t.is(word(all, 7), (1n << 32n) | 2n);
  space.putRange(7, 1);
  space.unpinRange(7, 1);
  t.true(isZero(all));
});

test('summary and tally hold the sums of their group', (t) => {
  const { space, all } = newSpace(newRegion(), 1);
  space.pinRange(500, 30); // 12 pages in group 0, 18 in group 1
  space.getList(Uint32Array.of(0, 511, 512, 2047), 0, 4);
  t.is(summary(all, 0), 14n);
  t.is(summary(all, 1), 19n);
  t.is(summary(all, 3), 1n);
  t.is(tally(all, 1, 0), (12n << 32n) | 14n);
  t.is(tally(all, 1, 1), (18n << 32n) | 19n);
  t.is(tally(all, 0, 0), 0n);
  space.unpinRange(500, 30);
  space.putList(Uint32Array.of(0, 511, 512, 2047), 0, 4);
  t.true(isZero(all));
});

test('the first busy page is found in any group, and idle groups are passed over', (t) => {
  const { space } = newSpace(newRegion(1000));
  t.is(space.firstBusy(1000, nrPages), -1);
  for (const page of [0, 1, 7, 8, 511, 512, 1023, 1025, 2047]) {
    space.getRange(1000 + page, 1);
    t.is(space.firstBusy(1000, nrPages), page);
    t.is(space.firstBusy(1000 + page, 1), 0);
    t.is(space.firstBusy(1000, page), -1);
    t.is(space.firstBusyList(Uint32Array.of(1002, 1000 + page), 0, 2), 1);
    space.putRange(1000 + page, 1);
  }
});

// Each row: what is done to pages 510..513 first, the call that must fail, and the index it must
// name.
const refusals: {
  name: string;
  before: (space: NativePageSpace, all: BigUint64Array) => void;
  call: (space: NativePageSpace) => void;
  index: number;
  code: PageCountError['code'];
}[] = [
  {
    name: 'a put that is not held',
    before: (space) => space.getRange(510, 3),
    call: (space) => space.putRange(510, 4),
    index: 3,
    code: 'ERR_PAGE_UNDERFLOW',
  },
  {
    name: 'a put of the reference that a pin holds',
    before: (space) => space.pinRange(510, 1),
    call: (space) => space.putRange(510, 1),
    index: 0,
    code: 'ERR_PAGE_UNDERFLOW',
  },
  {
    name: 'an unpin of what was got',
    before: (space) => {
      space.pinRange(510, 2);
      space.getRange(512, 2);
    },
    call: (space) => space.unpinRange(510, 4),
    index: 2,
    code: 'ERR_PAGE_UNDERFLOW',
  },
  {
    name: 'an unpin by a list',
    before: (space) => space.pinList(Uint32Array.of(513, 5, 510), 0, 3),
    call: (space) => space.unpinList(Uint32Array.of(0, 513, 5, 510, 511), 1, 4),
    index: 3,
    code: 'ERR_PAGE_UNDERFLOW',
  },
  {
    name: 'a pin past the limit of a page',
    before: (_, all) => {
      all[512] = 0x7fffffffn;
    },
    call: (space) => space.pinRange(510, 4),
    index: 2,
    code: 'ENOMEM',
  },
  {
    name: 'a get past the limit of a page, in a list',
    before: (_, all) => {
      all[512] = 0x7fffffffn;
    },
    call: (space) => space.getList(Uint32Array.of(1, 2, 3, 2047, 512, 4), 0, 6),
    index: 4,
    code: 'ENOMEM',
  },
  {
    name: 'a pin past the limit of pins, references being fewer than they should',
    before: (_, all) => {
      all[511] = (0x7fffffffn << 32n) | 5n;
    },
    call: (space) => space.pinRange(510, 4),
    index: 1,
    code: 'ENOMEM',
  },
  {
    name: 'a pin past the limit of this opener in the group',
    before: (_, all) => {
      all[talliesPos / 8 + 1] = 0x7ffffffen;
    },
    call: (space) => space.pinRange(510, 4),
    index: 2,
    code: 'ENOMEM',
  },
];

for (const { name, before, call, index, code } of refusals) {
  test(`${name} is refused, names its page and changes nothing`, (t) => {
    const { space, all } = newSpace();
    before(space, all);
    const was = all.slice();
    const error = t.throws(() => call(space)) as PageCountError;
    t.is(error.code, code);
    t.is(error.index, index);
    t.deepEqual(all, was);
  });
}

test('what one opener pinned another cannot unpin', (t) => {
  const region = newRegion();
  const { space: mine, all } = newSpace(region, 0);
  const { space: yours } = newSpace(region, 1);
  mine.pinRange(3, 2);
  const was = all.slice();
  t.throws(() => yours.unpinRange(3, 2), { message: /another opener/ });
  t.deepEqual(all, was);
  mine.unpinRange(3, 2);
  t.true(isZero(all));
});

test('counts of several threads are exact and no held page is seen idle', async (t) => {
  const region = newRegion();
  const body = `
    const { native } = await load('lib/native.ts');
    const space = new native.PageSpace();
    space.setOpener(space.addRegion(data.region), data.slot);
    const list = Uint32Array.from({ length: 64 }, (_, i) => (i * 37 + data.slot) % 2048);
    let missed = 0;
    for (let round = 0; round < 3000; round++) {
      const start = (round * 13 + data.slot * 7) % 1500;
      space.pinRange(start, 40);
      space.getList(list, 0, 64);
      const inRange = space.firstBusy(start, 40);
      if (inRange !== 0 || space.firstBusyList(list, round % 64, 1) !== 0) missed++;
      space.putList(list, 0, 64);
      space.unpinRange(start, 40);
    }
    return missed;`;
  const missed = await Promise.all([0, 1, 0].map((slot) => inWorker(body, { region, slot })));
  t.deepEqual(missed, [0, 0, 0]);
  t.true(isZero(new BigUint64Array(region.buffer, 0, dataPos / 8)));
});
