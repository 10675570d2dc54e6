// Goal: records come out whole, once and in order, whatever their lengths and wherever the ring
// wraps.

import test from 'ava';
import fc from 'fast-check';

import { RingBuffer } from '../../lib/shared/ring-buffer.js';
import { inWorker } from '../native/threads.js';

test('a ring behaves as a list with a limit', (t) => {
  const commands = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((record) => ({ push: record })),
      fc.constant({ push: undefined }),
    ),
    { maxLength: 200 },
  );
  t.notThrows(() =>
    fc.assert(
      fc.property(commands, fc.integer({ min: 0, max: 2 ** 32 - 4 }), (list, startHint) => {
        const ring = RingBuffer.create(64);
        const start = startHint - (startHint % 4); // positions near 2^32 wrap as well
        ring.tail.store(start);
        ring.head.store(start);
        const model: Uint8Array[] = [];
        let used = 0;
        const space = (record: Uint8Array) => 4 + Math.ceil(record.length / 4) * 4;
        for (const { push } of list) {
          if (push !== undefined) {
            const fits = used + space(push) <= 64;
            if (ring.push(push) !== fits) return false;
            if (fits) {
              model.push(push);
              used += space(push);
            }
          } else {
            const record = model.shift();
            if (record !== undefined) used -= space(record);
            const got = ring.shift();
            if ((got === undefined) !== (record === undefined)) return false;
            if (got !== undefined && Buffer.compare(got, record ?? got) !== 0) return false;
          }
          if (ring.used !== used) return false;
        }
        return true;
      }),
    ),
  );
});

test('20000 records of all lengths cross from one worker to another', async (t) => {
  const ring = RingBuffer.create(1024);
  const data = { buffer: ring.buffer, pos: ring.pos, capacity: ring.capacity };
  const producer = inWorker(
    `const { RingBuffer } = await load('lib/shared/ring-buffer.ts');
     const ring = new RingBuffer(data.buffer, data.pos, data.capacity);
     for (let i = 0; i < 20000; i++) ring.pushWait(new Uint8Array(i % 97).fill(i), 30000);
     return 'sent';`,
    data,
  );
  const consumer = inWorker(
    `const { RingBuffer } = await load('lib/shared/ring-buffer.ts');
     const ring = new RingBuffer(data.buffer, data.pos, data.capacity);
     for (let i = 0; i < 20000; i++) {
       const record = ring.shiftWait(30000);
       if (record.length !== i % 97 || !record.every((b) => b === (i & 255))) return 'bad ' + i;
     }
     return ring.used;`,
    data,
  );
  t.deepEqual(await Promise.all([producer, consumer]), ['sent', 0]);
});

test('waiting without end is not waiting for ever', (t) => {
  const ring = RingBuffer.create(8);
  t.throws(() => ring.shiftWait(2), { code: 'ETIMEDOUT' });
  t.true(ring.push(Uint8Array.of(1, 2, 3)));
  t.throws(() => ring.pushWait(Uint8Array.of(1), 2), { code: 'ETIMEDOUT' });
});

test('what can never fit, and what cannot be a ring, is refused', (t) => {
  const ring = RingBuffer.create(16);
  t.throws(() => ring.push(new Uint8Array(13)), { code: 'EINVAL' });
  t.true(ring.push(new Uint8Array(12)));
  for (const capacity of [0, 4, 12, -8, NaN, 2 ** 31, 8.5]) {
    t.throws(() => RingBuffer.create(capacity), { code: 'EINVAL' });
  }
});

test('a length that the other side never wrote is refused', (t) => {
  const ring = RingBuffer.create(16);
  ring.push(Uint8Array.of(1));
  new Uint32Array(ring.buffer, ring.pos + 128, 1)[0] = 0xffffffff;
  t.throws(() => ring.shift(), { code: 'EBADMSG' });
});
