// Goal: nothing in shared memory is made or changed from an argument that is none. Method: every
// public call of the room, every argument, with the words of the memory compared before and after.

import test from 'ava';
import { SharedBitmap } from '../../lib/shared/bitmap.js';
import { SharedCounters } from '../../lib/shared/counters.js';
import { RecordQueue } from '../../lib/shared/record-queue.js';
import { RingBuffer } from '../../lib/shared/ring-buffer.js';
import { WaitWord } from '../../lib/shared/wait-word.js';
import {
  assertEveryCall,
  badDirectCalls,
  methodsOf,
  noBytes,
  noCounts,
  noObjects,
  staticsOf,
  type DirectRow,
} from '../support/direct-calls.js';

const noSizes = [0, undefined, ...noCounts];
const noBuffers = [...noObjects, {}, new ArrayBuffer(4096), new Uint8Array(4096)];
const noTimeouts = [-1, NaN, '5', null, {}, 5n];
const memory = new SharedArrayBuffer(4096);
/** A place where no 32-bit word is, or where there is no room. */
const noPlaces = [...noCounts, undefined, 1, 2, 4096, 2 ** 40];

/** The rows of a constructor (buffer, pos, ...): a buffer, a place in it. */
const placed = (make: (buffer: never, pos: never) => unknown): DirectRow[] => [
  { call: 'constructor', arg: 'buffer', values: noBuffers, make: (v) => make(v, 0 as never) },
  { call: 'constructor', arg: 'pos', values: noPlaces, make: (v) => make(memory as never, v) },
];

const ring = RingBuffer.create(64);
ring.push(Uint8Array.of(1, 2, 3));
const ringRows: DirectRow[] = [
  ...placed((buffer, pos) => new RingBuffer(buffer, pos, 64)),
  {
    call: 'constructor',
    arg: 'capacity',
    values: [...noSizes, 4, 24, 2 ** 31],
    make: (v) => new RingBuffer(memory, 0, v),
  },
  {
    call: 'create',
    arg: 'capacity',
    values: [...noSizes, 4, 24, 2 ** 31],
    make: (v) => RingBuffer.create(v),
  },
  { call: 'byteLength', arg: 'capacity', values: noSizes, make: (v) => RingBuffer.byteLength(v) },
  {
    call: 'push',
    arg: 'record',
    values: [...noBytes, new Uint8Array(100)],
    make: (v) => ring.push(v),
  },
  { call: 'pushWait', arg: 'record', values: noBytes, make: (v) => ring.pushWait(v) },
  {
    call: 'pushWait',
    arg: 'timeoutMs',
    values: noTimeouts,
    make: (v) => ring.pushWait(new Uint8Array(60), v),
  },
  { call: 'shiftWait', arg: 'timeoutMs', values: noTimeouts, make: (v) => ring.shiftWait(v) },
];

const queue = RecordQueue.create(8, 4);
queue.push(Uint8Array.of(1, 2, 3, 4));
type Shape = readonly [capacity: number, recordSize: number];
const placesFor = (
  arg: string,
  values: readonly unknown[],
  shape: (v: never) => Shape,
): DirectRow[] => [
  { call: 'create', arg, values, make: (v) => RecordQueue.create(...shape(v)) },
  { call: 'byteLength', arg, values, make: (v) => RecordQueue.byteLength(...shape(v)) },
  { call: 'constructor', arg, values, make: (v) => new RecordQueue(memory, 0, ...shape(v)) },
];
const queueRows: DirectRow[] = [
  ...placed((buffer, pos) => new RecordQueue(buffer, pos, 8, 4)),
  ...placesFor('capacity', [...noSizes, 4, 24], (v) => [v, 4]),
  ...placesFor('recordSize', [...noSizes, 65537], (v) => [8, v]),
  {
    call: 'push',
    arg: 'record',
    values: [...noBytes, new Uint8Array(3), new Uint8Array(5)],
    make: (v) => queue.push(v),
  },
  { call: 'shiftWait', arg: 'timeoutMs', values: noTimeouts, make: (v) => queue.shiftWait(v) },
];

const bitmap = SharedBitmap.create(40);
bitmap.set(3);
const noBits = [40, ...noCounts];
const bitmapRows: DirectRow[] = [
  ...placed((buffer, pos) => new SharedBitmap(buffer, pos, 40)),
  {
    call: 'constructor',
    arg: 'nrBits',
    values: [...noSizes, 2 ** 31 + 1],
    make: (v) => new SharedBitmap(memory, 0, v),
  },
  { call: 'create', arg: 'nrBits', values: noSizes, make: (v) => SharedBitmap.create(v) },
  { call: 'byteLength', arg: 'nrBits', values: noSizes, make: (v) => SharedBitmap.byteLength(v) },
  ...(['test', 'set', 'clear'] as const).map((call): DirectRow => {
    return { call, arg: 'bit', values: [undefined, ...noBits], make: (v) => bitmap[call](v) };
  }),
  { call: 'allocate', arg: 'bit', values: noBits, make: (v) => bitmap.allocate(v) },
  ...(['firstSet', 'firstClear'] as const).flatMap((call): DirectRow[] => [
    { call, arg: 'start', values: noCounts, make: (v) => bitmap[call](v) },
    { call, arg: 'end', values: [41, ...noCounts], make: (v) => bitmap[call](0, v) },
  ]),
];

const counters = SharedCounters.create(['pins', 'unpins']);
const noNames = ['bogus', '', 'toString', '__proto__', undefined, null, 7, Symbol('bad')];
const noLists = [undefined, null, 7, 'abc', {}, [7], [null], ['a', 'a']];
const counterRows: DirectRow[] = [
  ...placed((buffer, pos) => new SharedCounters(buffer, pos, ['a'])),
  {
    call: 'constructor',
    arg: 'names',
    values: noLists,
    make: (v) => new SharedCounters(memory, 0, v),
  },
  { call: 'create', arg: 'names', values: noLists, make: (v) => SharedCounters.create(v) },
  {
    call: 'byteLength',
    arg: 'nrCounters',
    values: [undefined, ...noCounts],
    make: (v) => SharedCounters.byteLength(v),
  },
  ...(['add', 'get', 'take'] as const).map((call): DirectRow => {
    return { call, arg: 'counter', values: noNames, make: (v) => counters[call](v) };
  }),
  {
    call: 'add',
    arg: 'n',
    values: [1.5, NaN, Infinity, 2 ** 53, '1', null, {}, 1n],
    make: (v) => counters.add('pins', v),
  },
];

const word = new WaitWord(memory, 0);
const noValues = [undefined, 1.5, NaN, Infinity, 2 ** 53, '1', null, {}, 1n];
const wordRows: DirectRow[] = [
  ...placed((buffer, pos) => new WaitWord(buffer, pos)),
  { call: 'store', arg: 'value', values: noValues, make: (v) => word.store(v) },
  { call: 'add', arg: 'n', values: noValues, make: (v) => word.add(v) },
  { call: 'wake', arg: 'nr', values: noCounts, make: (v) => word.wake(v) },
  { call: 'wait', arg: 'expected', values: noValues, make: (v) => word.wait(v) },
  { call: 'wait', arg: 'timeoutMs', values: noTimeouts, make: (v) => word.wait(0, v) },
  { call: 'waitAsync', arg: 'expected', values: noValues, make: (v) => word.waitAsync(v) },
  {
    call: 'waitAsync',
    arg: 'timeoutMs',
    values: noTimeouts,
    make: (timeoutMs) => word.waitAsync(0, { timeoutMs }),
  },
  {
    call: 'waitAsync',
    arg: 'signal',
    values: [null, 7, {}, 'abort'],
    make: (signal) => word.waitAsync(0, { signal }),
  },
  { call: 'waitAsync', arg: 'options', values: [null, 7, 'x'], make: (v) => word.waitAsync(0, v) },
];

const kinds: readonly (readonly [
  owner: { readonly name: string; readonly prototype: object },
  rows: readonly DirectRow[],
  none: readonly string[],
])[] = [
  [RingBuffer, ringRows, ['shift']],
  [RecordQueue, queueRows, ['shift']],
  [SharedBitmap, bitmapRows, ['count']],
  [SharedCounters, counterRows, ['snapshot']],
  [WaitWord, wordRows, ['load']],
];

const words = (): unknown => [
  [...new Int32Array(memory)].filter((n) => n !== 0),
  [...new Int32Array(ring.buffer)],
  [...new Int32Array(queue.buffer)],
  [...new Int32Array(bitmap.buffer)],
  counters.snapshot(),
];

for (const [owner, rows, none] of kinds) {
  test(`${owner.name}: no call takes a bad argument, or changes a word for one`, async (t) => {
    const { problems, inputs } = await badDirectCalls(rows, words);
    t.deepEqual(problems, []);
    const calls = [...methodsOf(owner.prototype), ...staticsOf(owner), 'constructor'];
    assertEveryCall(t, calls, rows, none);
    t.log(`${calls.length} calls, ${inputs} bad inputs`);
  });
}
