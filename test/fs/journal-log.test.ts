// Goal: the log gives back the records that were appended, in order, from the oldest still needed.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { JOURNAL_ALIGN } from '../../lib/fs/format.js';
import { JournalLog, recordLen } from '../../lib/fs/journal-log.js';
import { noPersistence, type Persistence } from '../../lib/fs/persistence.js';
import { planSuperblock } from '../../lib/fs/superblock.js';
import { memoryPartition } from './memory-partition.js';

const sb = planSuperblock('ext4', { nrBlocks: 64 });
const write = (value: number, len = 10) => [
  { block: 40, offset: 1, bytes: new Uint8Array(len).fill(value) },
];

function made() {
  const partition = memoryPartition(64);
  const log = new JournalLog(partition, sb, noPersistence);
  log.format();
  const reopen = () => new JournalLog(partition, sb, noPersistence).recover();
  return { partition, log, reopen };
}

test('records come back in order, also where they go round the end', (t) => {
  const { log, reopen } = made();
  log.recover();
  for (let i = 0; i < 40; i++) {
    if (recordLen(write(i, 3000)) > log.free) log.release();
    log.append(write(i, 3000));
  }
  const values = reopen().map(([w]) => w!.bytes[0]!);
  t.true(values.length > 1);
  t.deepEqual(
    values,
    values.map((_, i) => 40 - values.length + i),
  );
});

test('nothing comes back after a release, or a new format', (t) => {
  const { log, reopen } = made();
  log.append(write(1));
  t.is(reopen().length, 1);
  log.release();
  t.is(reopen().length, 0);
  log.append(write(2));
  log.format();
  t.is(reopen().length, 0);
});

test('one damaged header slot is survived, two are EUCLEAN', (t) => {
  const { partition, log, reopen } = made();
  log.append(write(1));
  log.release();
  partition.bytes[sb.journalStart * 4096]! ^= 1;
  t.notThrows(reopen);
  partition.bytes[sb.journalStart * 4096 + 2048]! ^= 1;
  t.true(isErrno(t.throws(reopen), 'EUCLEAN'));
});

test('body and commit are each flushed, in this order', (t) => {
  const partition = memoryPartition(64);
  const seen: number[] = [];
  const log = new JournalLog(partition, sb, { flush: (_pos, len) => seen.push(len) });
  log.append(write(1, 24));
  t.deepEqual(seen, [64, 32]);
});

type Part = 'begin' | 'body' | 'commit';
interface Case {
  /** Parts of the last of two records that are damaged, and that never arrived. */
  readonly damaged?: readonly Part[];
  readonly missing?: readonly Part[];
  /** The records that are replayed. */
  readonly replayed: number | 'EUCLEAN';
}
// What journal-log.ts says about the end of the log, row by row.
const ends: readonly Case[] = [
  { replayed: 2 },
  { damaged: ['commit'], replayed: 2 },
  { missing: ['commit'], replayed: 2 },
  { damaged: ['begin'], replayed: 'EUCLEAN' },
  { damaged: ['body'], replayed: 'EUCLEAN' },
  { missing: ['begin'], replayed: 'EUCLEAN' },
  { missing: ['body'], replayed: 'EUCLEAN' },
  { missing: ['begin', 'commit'], replayed: 1 },
  { missing: ['body', 'commit'], replayed: 1 },
  { damaged: ['body', 'commit'], replayed: 1 },
  { damaged: ['begin', 'commit'], replayed: 1 },
  { missing: ['begin', 'body', 'commit'], replayed: 1 },
];
const len = recordLen(write(1));
const area = (sb.journalStart + 1) * 4096;
const places: Record<Part, readonly [pos: number, len: number]> = {
  begin: [0, JOURNAL_ALIGN],
  body: [JOURNAL_ALIGN, len - 2 * JOURNAL_ALIGN],
  commit: [len - JOURNAL_ALIGN, JOURNAL_ALIGN],
};

for (const { damaged = [], missing = [], replayed } of ends) {
  const what = [...damaged.map((p) => `${p} damaged`), ...missing.map((p) => `${p} missing`)];
  test(`the last record with ${what.join(', ') || 'nothing wrong'}: ${replayed}`, (t) => {
    for (let byte = 0; byte < len; byte++) {
      const { partition, log, reopen } = made();
      for (const value of [1, 2]) log.append(write(value));
      for (const part of missing) {
        const [pos, partLen] = places[part];
        partition.bytes.fill(0, area + len + pos, area + len + pos + partLen);
      }
      for (const part of damaged) {
        const [pos, partLen] = places[part];
        partition.bytes[area + len + pos + (byte % partLen)]! ^= 1 << (byte % 8);
      }
      if (replayed === 'EUCLEAN') t.true(isErrno(t.throws(reopen), replayed));
      else t.is(reopen().length, replayed);
    }
  });
}

test('a damaged commit mark does not end the log before a later record', (t) => {
  const { partition, log, reopen } = made();
  for (const value of [1, 2, 3]) log.append(write(value));
  partition.bytes[area + 2 * len - 1]! ^= 1;
  t.deepEqual(
    reopen().map(([w]) => w!.bytes[0]),
    [1, 2, 3],
  );
});

test('a record of an earlier lap is never the next one', (t) => {
  const { partition, log, reopen } = made();
  const even = recordLen(write(1, 50));
  const laps = log.capacity / even;
  t.is(laps % 1, 0, 'records of each lap begin where those of the lap before did');
  for (let i = 0; i < 3 * laps + 5; i++) {
    if (log.free < even) log.release();
    log.append(write(i % 251, 50));
  }
  t.is(reopen().length, 5);
  const torn = area + 4 * even;
  partition.bytes.fill(0, torn, torn + even);
  t.is(reopen().length, 4, 'what follows is sound, and old');
});

/** A log whose records are seen, and what of them was flushed after it was opened again. */
function reopened(partition: ReturnType<typeof memoryPartition>) {
  const flushed: (readonly [pos: number, len: number])[] = [];
  const persistence: Persistence = { flush: (pos, n) => void flushed.push([pos, n]) };
  const log = new JournalLog(partition, sb, persistence);
  return { log, records: log.recover(), flushed };
}

test('records are durable in the log before anybody stores what they say', (t) => {
  const { partition, log } = made();
  for (const value of [1, 2]) log.append(write(value));
  const { records, flushed } = reopened(partition);
  t.is(records.length, 2);
  t.deepEqual(flushed, [[area, 2 * len]]);
  t.deepEqual(reopened(made().partition).flushed, [], 'nothing to flush in an empty log');
});

test('what is released for good is not replayed with either slot of the header damaged', (t) => {
  for (const slot of [0, 2048]) {
    for (const forGood of [true, false]) {
      const { partition, log, reopen } = made();
      log.append(write(1));
      log.release(forGood);
      partition.bytes[sb.journalStart * 4096 + slot]! ^= 1;
      const replayed = reopen().length;
      if (forGood) t.is(replayed, 0, `slot at ${slot}`);
      else t.true(replayed <= 1);
    }
  }
});

test('a header of which one slot is damaged is made whole by the next release for good', (t) => {
  const { partition, log } = made();
  log.release(true);
  partition.bytes[sb.journalStart * 4096]! ^= 1;
  reopened(partition).log.release(true);
  partition.bytes[sb.journalStart * 4096 + 2048]! ^= 1;
  t.notThrows(() => reopened(partition));
});

test('the log of what was unmounted is not looked through, unless there is a record in it', (t) => {
  const { partition, log } = made();
  let nrRead = 0;
  const counting = {
    ...partition,
    read: (block: number, offset: number, len: number) => {
      nrRead += len;
      return partition.read(block, offset, len);
    },
  };
  const reopen = (wasUnmounted: boolean) => {
    nrRead = 0;
    return new JournalLog(counting, sb, noPersistence).recover(wasUnmounted).length;
  };
  const areaLen = (sb.journalBlocks - 1) * 4096;
  t.is(reopen(false), 0);
  t.true(nrRead >= areaLen, 'every byte, for a later record');
  t.is(reopen(true), 0);
  t.true(nrRead < 4096, `${nrRead} bytes: the header, and that no record is there`);
  log.append(write(1));
  t.is(reopen(true), 1);
  t.true(nrRead >= areaLen - recordLen(write(1)), 'then the rest is looked through as ever');
});
