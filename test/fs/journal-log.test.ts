// Goal: the log gives back the records that were appended, in order, from the oldest still needed.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { JournalLog, recordLen } from '../../lib/fs/journal-log.js';
import { noPersistence } from '../../lib/fs/persistence.js';
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
