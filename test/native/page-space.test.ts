// Goal: the fast path takes exactly the pages that the entries allow; bytes land where the lists
// say.
// Method: entries and lists by table; every copy is compared with the same copy done by hand.

import test from 'ava';

import { native } from '../../lib/native.js';
import { Child } from './threads.js';

const PRESENT = 1;
const WRITE = 2;
const DIRTY = 4;
const NOGUP = 4; // without WRITE

// Two regions, at 0 and at 1000, with a gap between.
function newSpace(nrPages = 64) {
  const space = new native.PageSpace();
  const regions = [0, 1000].map((basePfn) => {
    const buffer = new SharedArrayBuffer((nrPages + 2) * 4096);
    space.addRegion({ buffer, basePfn, nrPages, countersPos: 0, summaryPos: 4096, dataPos: 8192 });
    return new Uint8Array(buffer, 8192, nrPages * 4096);
  });
  return { space, regions, nrPages };
}

const entry = (pfn: number, flags: number) => (pfn << 3) | flags;

function ptesOf(...entries: number[]): Int32Array {
  const ptes = new Int32Array(new SharedArrayBuffer(4 * (entries.length + 1)));
  ptes.set(entries, 1);
  return ptes;
}

const fastPath: { name: string; entries: number[]; write: boolean; taken: number[] }[] = [
  {
    name: 'present entries',
    entries: [entry(1, 1), 1, entry(2, 1)],
    write: false,
    taken: [1, 0, 2],
  },
  {
    name: 'writable entries over two regions',
    entries: [entry(1003, PRESENT | WRITE), entry(4, PRESENT | WRITE | DIRTY)],
    write: true,
    taken: [1003, 4],
  },
  {
    name: 'up to one not present',
    entries: [entry(1, 1), entry(5, WRITE), entry(2, 1)],
    write: false,
    taken: [1],
  },
  { name: 'up to one not writable', entries: [entry(1, 3), entry(1, 1)], write: true, taken: [1] },
  {
    name: 'up to one marked NOGUP',
    entries: [entry(1, 3), entry(2, PRESENT | NOGUP)],
    write: false,
    taken: [1],
  },
  {
    name: 'up to a page of no region',
    entries: [entry(1, 1), entry(500, 3)],
    write: false,
    taken: [1],
  },
  { name: 'nothing of an empty table', entries: [0, 0], write: false, taken: [] },
];

for (const { name, entries, write, taken } of fastPath) {
  test(`the fast path takes ${name}, whole and in three steps`, (t) => {
    const { space } = newSpace();
    const ptes = ptesOf(...entries);
    const out = new Uint32Array(entries.length + 2);
    const n = space.gupFast(ptes, 1, entries.length, write, true, out, 2);
    t.deepEqual([...out.subarray(2, 2 + n)], taken);
    for (const pfn of taken) t.is(space.pincount(pfn), 1);
    space.unpinList(out, 2, n);

    const copies = new Uint32Array(entries.length);
    const read = space.gupRead(ptes, 1, entries.length, write, copies, 0);
    t.is(space.gupRaise(copies, 0, read, false), read);
    t.is(space.gupRecheck(ptes, 1, read, copies, 0, false, out, 0), taken.length);
    t.deepEqual([...out.subarray(0, taken.length)], taken);
    for (const pfn of taken) t.deepEqual([space.refcount(pfn), space.pincount(pfn)], [1, 0]);
    space.putList(out, 0, taken.length);
    t.is(space.firstBusy(0, 64), -1);
    t.is(space.firstBusy(1000, 64), -1);
  });
}

test('an entry that changed between raise and recheck gives its page and those after it back', (t) => {
  const { space } = newSpace();
  const ptes = ptesOf(entry(1, 3), entry(2, 3), entry(3, 3));
  const entries = new Uint32Array(3);
  const out = new Uint32Array(3);
  t.is(space.gupRead(ptes, 1, 3, true, entries, 0), 3);
  t.is(space.gupRaise(entries, 0, 3, true), 3);
  t.is(space.firstBusy(0, 64), 1); // truncate, scanning here, sees the pages busy
  Atomics.store(ptes, 2, 0); // or it clears the entry first
  t.is(space.gupRecheck(ptes, 1, 3, entries, 0, true, out, 0), 1);
  t.deepEqual([space.pincount(1), space.pincount(2), space.pincount(3)], [1, 0, 0]);
  space.unpinRange(1, 1);
});

test('the fast path stops at a page whose count is at its limit', (t) => {
  const { space, regions } = newSpace();
  const words = new BigUint64Array((regions[0] as Uint8Array).buffer, 0, 64);
  words[2] = 0x7fffffffn;
  const out = new Uint32Array(3);
  t.is(space.gupFast(ptesOf(entry(1, 3), entry(2, 3), entry(3, 3)), 1, 3, false, true, out, 0), 1);
  t.is(words[2], 0x7fffffffn);
  t.is(words[3], 0n);
  space.unpinRange(1, 1);
  const entries = Uint32Array.of(entry(1, 3), entry(2, 3), entry(3, 3));
  t.is(space.gupRaise(entries, 0, 3, true), 1);
  space.unpinRange(1, 1);
});

test('ranges of 1500 scattered pages go through the fast path in batches', (t) => {
  const { space } = newSpace(2000 - 1000);
  const pfns = Array.from({ length: 1500 }, (_, i) => ((i * 7) % 1000) + (i % 2 === 0 ? 0 : 1000));
  const ptes = ptesOf(...pfns.map((pfn) => entry(pfn, PRESENT)));
  const out = new Uint32Array(1500);
  t.is(space.gupFast(ptes, 1, 1500, false, true, out, 0), 1500);
  t.deepEqual([...out], pfns);
  space.unpinList(out, 0, 1500);
  t.is(space.firstBusy(0, 1000), -1);
  t.is(space.firstBusy(1000, 1000), -1);
});

const pattern = (len: number, seed: number) =>
  Uint8Array.from({ length: len }, (_, i) => (i * 31 + seed * 17 + (i >> 8)) & 255);

// The bytes of a list of pages as one array.
function gather(regions: Uint8Array[], pfns: number[]): Uint8Array {
  const all = new Uint8Array(pfns.length * 4096);
  pfns.forEach((pfn, i) => {
    const region = regions[pfn >= 1000 ? 1 : 0] as Uint8Array;
    const page = pfn % 1000;
    all.set(region.slice(page * 4096, (page + 1) * 4096), i * 4096);
  });
  return all;
}

const copies: { pfns: number[]; offset: number; len: number }[] = [
  { pfns: [3], offset: 0, len: 4096 },
  { pfns: [3], offset: 5, len: 0 },
  { pfns: [3, 4, 5], offset: 4000, len: 8000 },
  { pfns: [5, 4, 3], offset: 1, len: 12287 },
  { pfns: [63, 1000, 1001, 7], offset: 4097, len: 9000 },
  { pfns: [0, 1, 9, 10, 1063], offset: 8192, len: 12288 },
];

for (const { pfns, offset, len } of copies) {
  test(`${len} bytes at ${offset} of pages ${pfns.join(' ')} are copied in and out`, async (t) => {
    const { space, regions } = newSpace();
    const list = Uint32Array.from(pfns);
    const source = pattern(len + 9, 1);
    const expected = gather(regions, pfns);
    expected.set(source.subarray(9), offset);
    space.copyTo(list, offset, source, 9, len);
    t.deepEqual(gather(regions, pfns), expected);
    const target = new Uint8Array(len + 3);
    space.copyFrom(list, offset, target, 3, len);
    t.deepEqual(target.subarray(3), source.subarray(9));
    t.is(space.compareBytes(list, offset, source, 9, len), -1);
    const later = new Uint8Array(len);
    await space.copyFromAsync(list, offset, later, 0, len);
    t.deepEqual(later, source.slice(9));
    await space.copyToAsync(list, offset, pattern(len, 2), 0, len);
    expected.set(pattern(len, 2), offset);
    t.deepEqual(gather(regions, pfns), expected);
    space.fillPages(list, offset, len, 0xab);
    expected.fill(0xab, offset, offset + len);
    t.deepEqual(gather(regions, pfns), expected);
    await space.fillPagesAsync(list, offset, len, 0);
    expected.fill(0, offset, offset + len);
    t.deepEqual(gather(regions, pfns), expected);
  });
}

test('pages are copied to pages as if by way of a third place, also when the lists overlap', (t) => {
  const tables = [
    { to: [10, 11, 12], toOffset: 100, from: [20, 1021, 22], fromOffset: 4000, len: 8000 },
    { to: [3, 4, 5], toOffset: 10, from: [3, 4, 5], fromOffset: 0, len: 12000 },
    { to: [5, 4, 3], toOffset: 0, from: [3, 4, 5], fromOffset: 7, len: 9000 },
    { to: [30, 32], toOffset: 0, from: [31, 30], fromOffset: 0, len: 8192 },
  ];
  for (const { to, toOffset, from, fromOffset, len } of tables) {
    const { space, regions } = newSpace();
    regions.forEach((region, i) => region.set(pattern(region.length, i)));
    const bytes = gather(regions, from).slice(fromOffset, fromOffset + len);
    const [toList, fromList] = [Uint32Array.from(to), Uint32Array.from(from)];
    space.copyPages(toList, toOffset, fromList, fromOffset, len);
    t.deepEqual(gather(regions, to).slice(toOffset, toOffset + len), bytes);
  }
});

test('comparing pages says where they first differ', (t) => {
  const { space, regions } = newSpace();
  const [a, b] = [Uint32Array.of(1, 3, 1005), Uint32Array.of(10, 11, 12)];
  t.is(space.comparePages(a, 0, b, 0, 12288), -1);
  (regions[1] as Uint8Array)[5 * 4096 + 40] = 1;
  t.is(space.comparePages(a, 0, b, 0, 12288), 8192 + 40);
  t.is(space.comparePages(a, 8000, b, 8000, 200), -1);
  t.is(space.compareBytes(a, 8192, new Uint8Array(100), 0, 100), 40);
  space.zeroPage(1005);
  t.is(space.comparePages(a, 0, b, 0, 12288), -1);
});

test('64-bit atomics return what was there and wrap', (t) => {
  const { space, regions } = newSpace();
  t.is(space.fetchAdd(1001, 4088, 5n), 0n);
  t.is(space.fetchAdd(1001, 4088, -6n), 5n);
  t.is(space.compareSwap(1001, 4088, 1n, 9n), 2n ** 64n - 1n);
  t.is(space.compareSwap(1001, 4088, 2n ** 64n - 1n, 9n), 2n ** 64n - 1n);
  t.is(new DataView((regions[1] as Uint8Array).buffer).getBigUint64(8192 + 4096 + 4088, true), 9n);
});

test('a method taken off its object counts in it, and not once the object is gone', async (t) => {
  const { space } = newSpace();
  const { pinRange, pincount } = space;
  pinRange(3, 1);
  t.is(Reflect.apply(pincount, undefined, [3]), 1);
  const child = new Child(`
    const { native } = await import(root + 'lib/native.ts');
    const v8 = await import('node:v8');
    const vm = await import('node:vm');
    v8.setFlagsFromString('--expose-gc');
    const gc = vm.runInNewContext('gc');
    const { refcount } = new native.PageSpace();
    for (let i = 0; i < 200; i++) {
      gc();
      await new Promise((resolve) => setImmediate(resolve));
      try { refcount(0); } catch (e) { if (/gone/.test(e.message)) { console.log(e.name); break; } }
    }`);
  t.is(await child.line(), 'TypeError');
  t.is(await child.ended, 0);
});

type Space = ReturnType<typeof newSpace>['space'];
const list = Uint32Array.of(1, 2);
const bytes = new Uint8Array(64);
const ptes = new Int32Array(4);
const buffer = new SharedArrayBuffer(65536);
const region = { buffer, basePfn: 5000, nrPages: 4, countersPos: 0, summaryPos: 64, dataPos: 4096 };
const wrong = (value: unknown) => value as never;

const badCalls: { call: (space: Space) => void; says: RegExp; type?: 'TypeError' }[] = [
  { call: (s) => s.pinRange(NaN, 1), says: /^pfn / },
  { call: (s) => s.pinRange(-1, 1), says: /^pfn / },
  { call: (s) => s.pinRange(1.5, 1), says: /^pfn / },
  { call: (s) => s.pinRange(2 ** 53, 1), says: /^pfn / },
  { call: (s) => s.pinRange(Infinity, 1), says: /^pfn / },
  { call: (s) => s.pinRange(0, 65), says: /^pfn: .*no region/ },
  { call: (s) => s.pinRange(500, 1), says: /^pfn: .*no region/ },
  { call: (s) => s.pinRange(0, -1), says: /^nrPages / },
  { call: (s) => s.pinRange(wrong('1'), 1), says: /^pfn /, type: 'TypeError' },
  { call: (s) => s.pinRange(wrong(undefined), 1), says: /^pfn /, type: 'TypeError' },
  { call: (s) => s.pinRange(wrong(1n), 1), says: /^pfn /, type: 'TypeError' },
  { call: (s) => s.pinList(wrong([1]), 0, 1), says: /^pfns /, type: 'TypeError' },
  { call: (s) => s.pinList(wrong(new Float64Array(2)), 0, 1), says: /^pfns /, type: 'TypeError' },
  { call: (s) => s.pinList(list, 1, 2), says: /^pos: / },
  { call: (s) => s.pinList(list, 2 ** 52, 1), says: /^pos: / },
  { call: (s) => s.pinList(Uint32Array.of(1, 999), 0, 2), says: /^pfns: page 999 at 1/ },
  { call: (s) => s.firstBusyList(list, 0, 3), says: /^pos: / },
  { call: (s) => s.refcount(64), says: /^pfn: / },
  { call: (s) => s.gupFast(ptes, 3, 2, true, true, new Uint32Array(9), 0), says: /^index: / },
  { call: (s) => s.gupFast(ptes, 0, 2, true, true, new Uint32Array(1), 0), says: /^outPos: / },
  {
    call: (s) => s.gupFast(ptes, 0, 2, wrong(1), true, new Uint32Array(2), 0),
    says: /^write /,
    type: 'TypeError',
  },
  { call: (s) => s.gupRead(ptes, 0, 5, true, new Uint32Array(9), 0), says: /^index: / },
  { call: (s) => s.copyFrom(list, 0, bytes, 60, 5), says: /^targetPos: / },
  { call: (s) => s.copyFrom(list, 8190, bytes, 0, 3), says: /^byteOffset: / },
  { call: (s) => s.copyFrom(Uint32Array.of(1, 70), 4096, bytes, 0, 3), says: /^pfns: page 70/ },
  { call: (s) => s.copyTo(list, 0, wrong(ptes), 0, 3), says: /^source /, type: 'TypeError' },
  { call: (s) => s.copyPages(list, 0, list, 8000, 500), says: /^sourceOffset: / },
  { call: (s) => s.fillPages(list, 0, 10, 256), says: /^byte / },
  { call: (s) => s.zeroPage(900), says: /^pfn: / },
  { call: (s) => s.fetchAdd(1, 4, 1n), says: /^byteOffset / },
  { call: (s) => s.fetchAdd(1, 4096, 1n), says: /^byteOffset / },
  { call: (s) => s.fetchAdd(1, 8, wrong(1)), says: /^value /, type: 'TypeError' },
  { call: (s) => s.addRegion({ ...region, basePfn: 1010 }), says: /^basePfn: / },
  { call: (s) => s.addRegion({ ...region, basePfn: 2 ** 29 - 3 }), says: /^nrPages: / },
  { call: (s) => s.addRegion({ ...region, nrPages: 0 }), says: /^nrPages: / },
  { call: (s) => s.addRegion({ ...region, nrPages: 16 }), says: /^dataPos: / },
  { call: (s) => s.addRegion({ ...region, countersPos: 65528 }), says: /^countersPos: / },
  { call: (s) => s.addRegion({ ...region, countersPos: 4 }), says: /^countersPos / },
  { call: (s) => s.addRegion({ ...region, nrSlots: 2 }), says: /^talliesPos / },
  {
    call: (s) => s.addRegion({ ...region, buffer: wrong(new ArrayBuffer(65536)) }),
    says: /^buffer /,
    type: 'TypeError',
  },
  { call: (s) => s.setOpener(0, 0), says: /^slot: / },
  { call: (s) => s.setOpener(9, 0), says: /^regionIndex / },
];

for (const { call, says, type } of badCalls) {
  test(`${String(call).replace(/\s+/g, ' ')} is refused and changes nothing`, (t) => {
    const { space } = newSpace();
    const error = t.throws(() => call(space));
    t.is(error?.name, type ?? 'RangeError');
    t.regex(error?.message ?? '', says);
    t.is(space.firstBusy(0, 64), -1);
  });
}
