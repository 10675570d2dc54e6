// Goal: records of several producers come out whole and once, those of each producer in its order.

import test from 'ava';

import { RecordQueue } from '../../lib/shared/record-queue.js';
import { inWorker } from '../native/threads.js';

const record = (value: number) => new Uint8Array(new Uint32Array([value, ~value]).buffer);
const valueOf = (bytes: Uint8Array | undefined) =>
  bytes === undefined ? undefined : new DataView(bytes.buffer).getUint32(0, true);

test('a queue is first in, first out, to its capacity, round after round', (t) => {
  const queue = RecordQueue.create(8, 8);
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 8; i++) t.true(queue.push(record(round * 8 + i)));
    t.false(queue.push(record(0)));
    t.is(queue.length, 8);
    for (let i = 0; i < 8; i++) t.is(valueOf(queue.shift()), round * 8 + i);
    t.is(queue.shift(), undefined);
    t.is(queue.length, 0);
  }
});

test('tickets wrap at 2^32', (t) => {
  const queue = RecordQueue.create(8, 5);
  const words = new Uint32Array(queue.buffer);
  const start = 2 ** 32 - 8; // as after 2^32 - 8 records
  words[0] = start;
  words[16] = start;
  for (let cell = 0; cell < 8; cell++) words[48 + cell * 3] = start;
  for (let i = 0; i < 40; i++) {
    t.true(queue.push(Uint8Array.of(i, 1, 2, 3, 4)));
    t.is(queue.shift()?.[0], i);
  }
});

test('three workers produce for one consumer', async (t) => {
  const queue = RecordQueue.create(64, 8);
  const data = { buffer: queue.buffer, pos: queue.pos };
  const producers = [0, 1, 2].map((id) =>
    inWorker(
      `const { RecordQueue } = await load('lib/shared/record-queue.ts');
       const queue = new RecordQueue(data.buffer, data.pos, 64, 8);
       for (let i = 0; i < 5000; i++) {
         const bytes = new Uint8Array(Uint32Array.of(data.id, i).buffer);
         while (!queue.push(bytes));
       }
       return 'sent';`,
      { ...data, id },
    ),
  );
  const consumer = inWorker(
    `const { RecordQueue } = await load('lib/shared/record-queue.ts');
     const queue = new RecordQueue(data.buffer, data.pos, 64, 8);
     const next = [0, 0, 0];
     for (let n = 0; n < 15000; n++) {
       const [id, i] = new Uint32Array(queue.shiftWait(30000).buffer);
       if (next[id]++ !== i) return 'out of order';
     }
     return next.join();`,
    data,
  );
  t.deepEqual(await Promise.all(producers), ['sent', 'sent', 'sent']);
  t.is(await consumer, '5000,5000,5000');
  t.is(queue.length, 0);
});

test('a producer that died with a ticket is seen', (t) => {
  const queue = RecordQueue.create(8, 8);
  t.false(queue.stalled);
  Atomics.add(new Uint32Array(queue.buffer), 0, 1);
  queue.push(record(1));
  t.true(queue.stalled);
  t.is(queue.shift(), undefined);
  t.throws(() => queue.shiftWait(2), { code: 'ETIMEDOUT' });
});

test('records of another size, and what cannot be a queue, are refused', (t) => {
  const queue = RecordQueue.create(8, 8);
  t.throws(() => queue.push(new Uint8Array(7)), { code: 'EINVAL' });
  t.throws(() => RecordQueue.create(7, 8), { code: 'EINVAL' });
  for (const size of [0, -1, 1.5, NaN, 65537]) {
    t.throws(() => RecordQueue.create(8, size), { code: 'EINVAL' });
  }
});
