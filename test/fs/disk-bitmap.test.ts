// Goal: a bitmap on the device is what a set of numbers is, however long, and damage is noticed.

import test from 'ava';
import fc from 'fast-check';
import { isErrno } from '../../lib/errno.js';
import { DiskBitmap } from '../../lib/fs/disk-bitmap.js';
import { BITMAP_BITS } from '../../lib/fs/format.js';
import { directJournal } from '../../lib/fs/journal.js';
import { memoryPartition } from './memory-partition.js';

const NR_BITS = 2 * BITMAP_BITS + 77;

function made() {
  const partition = memoryPartition(8);
  const journal = directJournal(partition);
  return { partition, journal, map: new DiskBitmap(journal, 2, NR_BITS) };
}

test('ranges are set and cleared as in a set of numbers, also across blocks', async (t) => {
  const range = fc.record({
    from: fc.oneof(fc.nat(NR_BITS - 100), fc.constant(BITMAP_BITS - 20)),
    nr: fc.integer({ min: 1, max: 100 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(range, { maxLength: 12 }), async (ranges) => {
      const { journal, map } = made();
      const set = new Set<number>();
      for (const { from, nr } of ranges) {
        const value = map.all(from, nr, false);
        if (!value && !map.all(from, nr, true)) continue;
        await journal.transaction(null, (h) => map.set(h, from, nr, value));
        for (let bit = from; bit < from + nr; bit++) {
          if (value) set.add(bit);
          else set.delete(bit);
        }
      }
      const again = new DiskBitmap(journal, 2, NR_BITS);
      t.is(again.count(), set.size);
      t.is(again.next(0, true), set.size === 0 ? NR_BITS : Math.min(...set));
      for (const bit of set) t.true(again.get(bit));
    }),
    { numRuns: 40 },
  );
});

test('setting a bit twice is a bug', async (t) => {
  const { journal, map } = made();
  await journal.transaction(null, (h) => map.set(h, 5, 3, true));
  await t.throwsAsync(journal.transaction(null, (h) => map.set(h, 7, 1, true)));
});

test('a changed byte is EUCLEAN, in the bits and in the checksum; an empty block is not', async (t) => {
  const { journal, map, partition } = made();
  await journal.transaction(null, (h) => map.set(h, 0, 9, true));
  for (const at of [0, 1000, 4095]) {
    partition.bytes[2 * 4096 + at]! ^= 4;
    const e = t.throws(() => new DiskBitmap(journal, 2, NR_BITS).get(3));
    t.true(isErrno(e, 'EUCLEAN'), `byte ${at}`);
    partition.bytes[2 * 4096 + at]! ^= 4;
  }
  t.false(new DiskBitmap(journal, 2, NR_BITS).get(BITMAP_BITS + 1));
});
