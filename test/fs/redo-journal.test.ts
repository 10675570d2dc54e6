// Goal: after a stop at any store, the partition holds the transactions up to one of them, whole,
// and every one that commit() returned for. Method: the stores are cut off one after the other.

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { JournalLog } from '../../lib/fs/journal-log.js';
import type { JournalHandle } from '../../lib/fs/journal.js';
import type { Partition } from '../../lib/fs/partition.js';
import { noPersistence } from '../../lib/fs/persistence.js';
import { changesOf, RedoJournal } from '../../lib/fs/redo-journal.js';
import { planSuperblock } from '../../lib/fs/superblock.js';
import { memoryPartition, type MemoryPartition } from './memory-partition.js';

const NR_BLOCKS = 64;
const sb = planSuperblock('ext4', { nrBlocks: NR_BLOCKS });
const A = sb.dataStart;
const of = (...values: number[]) => Uint8Array.from(values);

function open(partition: Partition) {
  const journal = new RedoJournal(
    partition,
    new JournalLog(partition, sb, noPersistence),
    noPersistence,
  );
  return { journal, replayed: journal.recover() };
}

function made(): MemoryPartition {
  const partition = memoryPartition(NR_BLOCKS);
  new JournalLog(partition, sb, noPersistence).format();
  return partition;
}

const run = (journal: RedoJournal, change: (h: JournalHandle) => void) =>
  journal.transaction(null, change);

test('what is done is seen at once, and is on the partition after a commit', async (t) => {
  const partition = made();
  const { journal } = open(partition);
  await run(journal, (h) => h.write(A, 5, of(1, 2)));
  t.deepEqual(journal.read(A, 5, 2), of(1, 2));
  t.deepEqual(partition.read(A, 5, 2), of(0, 0));
  journal.commit();
  t.deepEqual(partition.read(A, 5, 2), of(1, 2));
});

test('a change that throws is never seen', async (t) => {
  const { journal } = open(made());
  await t.throwsAsync(
    run(journal, (h) => {
      h.write(A, 0, of(9));
      throw new Error('no');
    }),
  );
  t.deepEqual(journal.read(A, 0, 1), of(0));
});

test('a record is replayed until the checkpoint, and a damaged one never is', async (t) => {
  const partition = made();
  const { journal } = open(partition);
  await run(journal, (h) => h.write(A, 0, of(7)));
  journal.commit();
  partition.write(A, 0, of(0)); // the store in place did not arrive
  const crashed = Uint8Array.from(partition.bytes);
  t.is(open(partition).replayed, 1);
  t.deepEqual(partition.read(A, 0, 1), of(7));
  t.is(open(partition).replayed, 0, 'recovery empties the log');
  const area = (sb.journalStart + 1) * 4096;
  const damagedAt = (at: number): void => {
    partition.bytes.set(crashed);
    partition.bytes[area + at]! ^= 1;
  };
  damagedAt(72);
  t.is(open(partition).replayed, 1, 'its commit mark is damaged, but all of it is there');
  for (const at of [0, 33, 47]) {
    damagedAt(at);
    const refused = t.throws(() => open(partition));
    t.true(isErrno(refused, 'EUCLEAN'), `byte ${at}: it was committed, so this is damage`);
  }
});

test('damage before the last record is EUCLEAN, not the end of the log', async (t) => {
  const partition = made();
  const { journal } = open(partition);
  for (const value of [1, 2]) {
    await run(journal, (h) => h.write(A, 0, of(value)));
    journal.commit();
  }
  partition.bytes[(sb.journalStart + 1) * 4096 + 41]! ^= 1;
  t.true(
    isErrno(
      t.throws(() => open(partition)),
      'EUCLEAN',
    ),
  );
});

test('cut off at any store, a pair of blocks always has one value', async (t) => {
  const ends: number[] = [];
  for (let cut = 0; cut < 80; cut++) {
    const partition = made();
    let stores = 0;
    const dying: Partition = {
      ...partition,
      write: (block, offset, bytes) => {
        if (stores++ < cut) partition.write(block, offset, bytes);
      },
    };
    const { journal } = open(dying);
    let promised = 0;
    for (let value = 1; value <= 6; value++) {
      await run(journal, (h) => {
        h.write(A, 0, of(value));
        h.write(A + 1, 0, of(value));
      });
      if (value % 2 === 0) journal.commit();
      if (stores < cut) promised = value - (value % 2);
    }
    open(partition);
    const [a, b] = [partition.read(A, 0, 1)[0]!, partition.read(A + 1, 0, 1)[0]!];
    t.is(a, b, `cut at store ${cut}`);
    t.true(a >= promised, `cut at store ${cut}: ${a} of ${promised}`);
    ends.push(a);
  }
  t.is(Math.min(...ends), 0);
  t.is(Math.max(...ends), 6);
});

test('the log goes round many times and is never longer than its area', async (t) => {
  const partition = made();
  const { journal } = open(partition);
  for (let i = 0; i < 300; i++) {
    await run(journal, (h) => h.write(A + (i % 4), 0, new Uint8Array(3000).fill(i & 0xff)));
    if (i % 3 === 0) journal.commit();
  }
  journal.commit();
  const before = partition.read(A, 0, 4 * 4096);
  t.true(open(partition).replayed > 0);
  t.deepEqual(partition.read(A, 0, 4 * 4096), before);
});

test('a block that held metadata is given to data only when the log has forgotten it', async (t) => {
  const partition = made();
  const { journal } = open(partition);
  const run1 = { block: A, nrBlocks: 1 };
  await run(journal, (h) => {
    h.take(run1, 'metadata');
    h.write(A, 0, of(1));
  });
  await run(journal, (h) => h.give(run1, 'metadata'));
  journal.commit();
  await run(journal, (h) => {
    h.take(run1, 'data');
    partition.write(A, 0, of(42)); // data goes straight to its block
  });
  journal.commit();
  open(partition);
  t.deepEqual(partition.read(A, 0, 1), of(42), 'no replay wrote over it');
});

test('a block that an uncommitted transaction freed is not stored to before its commit', async (t) => {
  const partition = made();
  const { journal } = open(partition);
  await run(journal, (h) => {
    h.give({ block: A, nrBlocks: 1 }, 'data');
    h.write(A + 5, 0, of(1));
  });
  await run(journal, (h) => {
    h.take({ block: A, nrBlocks: 1 }, 'data');
    t.deepEqual(partition.read(A + 5, 0, 1), of(1), 'committed by now');
  });
});

const blocks = [A, A + 1, A + 2, A + 3];
const block = fc.constantFrom(...blocks);
const acts = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ act: fc.constant('write'), block, at: fc.nat(4000) }) },
    { weight: 2, arbitrary: fc.record({ act: fc.constantFrom('read', 'give', 'take'), block }) },
  ),
  { minLength: 1, maxLength: 6 },
);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constant('run'), acts }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('fail'), acts }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constantFrom('commit', 'checkpoint') }) },
);

/** What stands in each block; one that was given back holds nothing. */
type Contents = Map<number, Buffer>;

let value = 0;

/** One act of a transaction, on the contents too; a block is taken when it was given back. */
function perform(
  h: JournalHandle,
  contents: Contents,
  { act, block: at, at: pos = 0 }: { act: string; block: number; at?: number },
): void {
  const bytes = contents.get(at);
  const one = { block: at, nrBlocks: 1 };
  if (bytes === undefined) {
    if (act !== 'take') return;
    h.take(one, 'metadata');
    contents.set(at, Buffer.alloc(4096));
  } else if (act === 'give') {
    h.give(one, 'metadata');
    contents.delete(at);
  } else if (act === 'write') {
    const data = Buffer.alloc(1 + (pos % 90), ++value);
    h.write(at, pos, data);
    bytes.set(data, pos);
  }
}

testProp(
  'whatever is done and undone, every block reads as it was left, also after a stop',
  [fc.array(step, { minLength: 1, maxLength: 40 })],
  async (t, steps) => {
    const partition = made();
    const { journal } = open(partition);
    let contents: Contents = new Map(blocks.map((at) => [at, Buffer.alloc(4096)]));
    const compare = (read: JournalHandle['read'], wanted: Contents): void => {
      for (const [at, bytes] of wanted) t.deepEqual(Buffer.from(read(at, 0, 4096)), bytes);
    };
    for (const s of steps) {
      if ('acts' in s) {
        const next: Contents = new Map([...contents].map(([at, b]) => [at, Buffer.from(b)]));
        const done = run(journal, (h) => {
          for (const a of s.acts) perform(h, next, a);
          compare((...where) => h.read(...where), next);
          if (s.does === 'fail') throw new Error('no');
        });
        if (s.does === 'fail') await t.throwsAsync(done, { message: 'no' });
        else contents = await done.then(() => next);
      } else {
        journal[s.does as 'commit' | 'checkpoint']();
        const stopped = memoryPartition(NR_BLOCKS);
        stopped.bytes.set(partition.bytes);
        const { journal: after } = open(stopped);
        compare((...where) => after.read(...where), contents);
      }
      compare((...where) => journal.read(...where), contents);
    }
  },
);

test('only what differs is logged', (t) => {
  const before = new Uint8Array(4096);
  const after = before.slice();
  after[10] = 1;
  after[20] = 1;
  after[4095] = 1;
  t.deepEqual(
    changesOf(3, before, after).map((w) => [w.block, w.offset, w.bytes.length]),
    [
      [3, 10, 11],
      [3, 4095, 1],
    ],
  );
});
