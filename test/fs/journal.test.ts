// Goal: a transaction reaches the partition whole and in order, or not at all.

import test from 'ava';
import { directJournal, ramJournal, type JournalHandle } from '../../lib/fs/journal.js';
import { memoryPartition } from './memory-partition.js';

const of = (...values: number[]) => Uint8Array.from(values);

test('writes reach the partition at commit, the later over the earlier', async (t) => {
  const partition = memoryPartition(4);
  await directJournal(partition).transaction(null, (h) => {
    h.write(1, 0, of(1, 1, 1));
    h.write(1, 1, of(2));
    t.deepEqual(partition.read(1, 0, 3), of(0, 0, 0));
    t.deepEqual(h.read(1, 0, 4), of(1, 2, 1, 0));
  });
  t.deepEqual(partition.read(1, 0, 4), of(1, 2, 1, 0));
});

test('a change that throws writes nothing, and its error comes out', async (t) => {
  const partition = memoryPartition(4);
  const boom = new Error('boom');
  const failed = directJournal(partition).transaction(null, (h) => {
    h.write(2, 0, of(9));
    throw boom;
  });
  t.is(await t.throwsAsync(failed), boom);
  t.deepEqual(partition.read(2, 0, 1), of(0));
});

test('the bytes of a write are those at the call, not at the commit', async (t) => {
  const partition = memoryPartition(4);
  const bytes = of(5);
  await directJournal(partition).transaction(null, (h) => {
    h.write(0, 0, bytes);
    bytes[0] = 6;
  });
  t.deepEqual(partition.read(0, 0, 1), of(5));
});

test('a handle is good for its own transaction only', async (t) => {
  let kept: JournalHandle | null = null;
  await directJournal(memoryPartition(4)).transaction(null, (h) => {
    kept = h;
  });
  t.throws(() => kept!.write(0, 0, of(1)));
});

test('a file system in memory has transactions and no partition', async (t) => {
  t.is(await ramJournal.transaction(null, () => 7), 7);
  await t.throwsAsync(ramJournal.transaction(null, (h) => h.read(0, 0, 1)));
});
