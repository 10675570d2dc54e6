// Goal: what the store gives out it knows again after a mount, and a damaged device is refused with
// the name of what is damaged.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { DiskStore } from '../../lib/fs/disk-store.js';
import { INODE_LEN } from '../../lib/fs/format.js';
import { mkfs } from '../../lib/fs/mkfs.js';
import { memoryPartition } from './memory-partition.js';

async function made() {
  const partition = memoryPartition(128);
  await mkfs(partition, { flavor: 'ext4' });
  return { partition, store: DiskStore.open(partition) };
}

const spec = { kind: 'file', perm: 0o600, uid: 1, gid: 2, parent: 0, nowNs: 5 } as const;

test('the next mount reads what was made, and never uses a generation again', async (t) => {
  const { partition, store } = await made();
  const first = await store.journal.transaction(null, (h) => store.create(h, spec));
  store.journal.commit();
  const again = DiskStore.open(partition);
  t.deepEqual([...again.inodes()], [1, first.ino]);
  t.is(again.read(first.ino).perm, 0o600);
  await again.journal.transaction(null, (h) => again.remove(h, again.read(first.ino)));
  again.setMounted(false);
  const third = DiskStore.open(partition);
  t.deepEqual([...third.inodes()], [1]);
  const next = await third.journal.transaction(null, (h) => third.create(h, spec));
  t.is(next.ino, first.ino);
  t.true(next.generation > first.generation);
});

test('all inodes can be taken, and one more is ENOSPC', async (t) => {
  const { store } = await made();
  const { freeInodes } = store.usage();
  for (let i = 0; i < freeInodes; i++) {
    store.checkInode();
    await store.journal.transaction(null, (h) => store.create(h, spec));
  }
  t.true(
    isErrno(
      t.throws(() => store.checkInode()),
      'ENOSPC',
    ),
  );
  t.is(store.usage().freeInodes, 0);
});

test('a list that grows and shrinks takes and gives back overflow blocks', async (t) => {
  const { partition, store } = await made();
  const record = await store.journal.transaction(null, (h) => store.create(h, spec));
  const { free } = store.usage();
  const base = store.superblock.dataStart + 20;
  const unwritten = false;
  for (let i = 0; i < 12; i++)
    record.extents.insert({ pgoff: i * 2, nrPages: 1, block: base + i, unwritten });
  await store.journal.transaction(null, (h) => {
    store.allocator.alloc(h, 40, 'data', base);
    store.write(h, record);
  });
  t.is(record.overflow.length, 1);
  t.is(store.usage().free, free - 41);
  store.journal.commit();
  t.deepEqual(DiskStore.open(partition).read(record.ino).extents.all, record.extents.all);
  record.extents.remove(0, 4);
  await store.journal.transaction(null, (h) => store.write(h, record));
  t.is(record.overflow.length, 0);
  t.is(store.usage().free, free - 40);
});

test('an inode whose blocks are marked free is refused when it is read', async (t) => {
  const { partition, store } = await made();
  const record = await store.journal.transaction(null, (h) => store.create(h, spec));
  const block = store.superblock.dataStart + 5;
  record.extents.insert({ pgoff: 0, nrPages: 1, block, unwritten: false });
  await store.journal.transaction(null, (h) => store.write(h, record));
  store.journal.commit();
  const e = t.throws(() => DiskStore.open(partition).read(2));
  t.true(isErrno(e, 'EUCLEAN'));
  t.regex(e!.message, /inode 2: blocks .* are marked free/);
});

test('a damaged root directory is refused at mount, and so is none', async (t) => {
  const { partition, store } = await made();
  const { inodeTableStart } = store.superblock;
  const root = partition.read(inodeTableStart, 0, INODE_LEN);
  partition.write(inodeTableStart, 9, Uint8Array.of(0xee));
  t.regex(t.throws(() => DiskStore.open(partition))!.message, /EUCLEAN: inode 1/);
  partition.write(inodeTableStart, 0, new Uint8Array(INODE_LEN));
  t.regex(t.throws(() => DiskStore.open(partition))!.message, /EUCLEAN: inode 1: nothing is there/);
  partition.write(inodeTableStart, 0, root);
  t.deepEqual([...DiskStore.open(partition).inodes()], [1]);
});

test('a read of an inode that is not there is EUCLEAN', async (t) => {
  const { store } = await made();
  for (const ino of [0, 2, 9999])
    t.true(
      isErrno(
        t.throws(() => store.read(ino)),
        'EUCLEAN',
      ),
    );
});
