// Goal: numbers and generations are given out once, and the orphan list on the device is what is on
// it, in whatever order inodes come and go.

import test from 'ava';
import fc from 'fast-check';
import { isErrno } from '../../lib/errno.js';
import { DiskStore } from '../../lib/fs/disk-store.js';
import { STATE_LEN } from '../../lib/fs/format.js';
import { readState } from '../../lib/fs/inode-map.js';
import type { InodeRecord } from '../../lib/fs/inode-record.js';
import { mkfs } from '../../lib/fs/mkfs.js';
import { memoryPartition } from './memory-partition.js';

const spec = { kind: 'file', perm: 0o600, uid: 0, gid: 0, parent: 0, nowNs: 1 } as const;

async function made() {
  const partition = memoryPartition(64);
  await mkfs(partition, { flavor: 'ext4' });
  return { partition, store: DiskStore.open(partition) };
}

test('the orphan list survives a mount, whoever leaves it', async (t) => {
  const choices = fc.array(fc.nat(7), { maxLength: 24 });
  await fc.assert(
    fc.asyncProperty(choices, async (picks) => {
      const { partition, store } = await made();
      const records: InodeRecord[] = [];
      for (let i = 0; i < 8; i++) {
        records.push(await store.journal.transaction(null, (h) => store.create(h, spec)));
      }
      const nameless = new Set<number>();
      for (const i of picks) {
        const record = records[i]!;
        record.nlink = record.nlink === 0 ? 1 : 0;
        if (record.nlink === 0) nameless.add(record.ino);
        else nameless.delete(record.ino);
        await store.journal.transaction(null, (h) => store.write(h, record));
      }
      store.journal.commit();
      const found = DiskStore.open(partition).inodeMap.orphans();
      t.deepEqual([...found].sort(), [...nameless].sort());
    }),
    { numRuns: 30 },
  );
});

test('a list that leads to an inode with damage, or in a circle, is EUCLEAN', async (t) => {
  const { partition, store } = await made();
  const record = await store.journal.transaction(null, (h) => store.create(h, spec));
  record.nlink = 0;
  await store.journal.transaction(null, (h) => store.write(h, record));
  store.journal.checkpoint();
  partition.bytes[store.superblock.inodeTableStart * 4096 + 256 + 9]! ^= 1;
  t.true(
    isErrno(
      t.throws(() => DiskStore.open(partition)),
      'EUCLEAN',
    ),
  );
});

test('the lowest free number is taken, with a new generation each time', async (t) => {
  const { store } = await made();
  const make = () => store.journal.transaction(null, (h) => store.create(h, spec));
  const [a, b] = [await make(), await make()];
  await store.journal.transaction(null, (h) => store.remove(h, a));
  const c = await make();
  t.is(c.ino, a.ino);
  t.true(c.generation > b.generation);
  t.deepEqual([...store.inodes()], [1, 2, 3]);
});

test('every changed byte of the state is EUCLEAN', async (t) => {
  const { partition, store } = await made();
  const sb = store.superblock;
  for (let at = 0; at < STATE_LEN; at++) {
    partition.bytes[sb.stateBlock * 4096 + at]! ^= 0x10;
    const e = t.throws(() => readState({ read: (b, o, n) => partition.read(b, o, n) }, sb));
    t.true(isErrno(e, 'EUCLEAN'), `byte ${at}`);
    partition.bytes[sb.stateBlock * 4096 + at]! ^= 0x10;
  }
});
