// Goal: mkfs leaves an empty file system whatever was on the partition before.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { Directory } from '../../lib/fs/directory.js';
import { DiskStore } from '../../lib/fs/disk-store.js';
import { mkfs } from '../../lib/fs/mkfs.js';
import { flavorOf } from '../../lib/fs/superblock.js';
import { memoryPartition } from './memory-partition.js';

test('on garbage mkfs makes an empty file system of the flavor asked for', async (t) => {
  for (const flavor of ['ext4', 'xfs'] as const) {
    const partition = memoryPartition(64);
    partition.bytes.fill(0xff);
    await mkfs(partition, { flavor, nrInodes: 16, journalBlocks: 8, nowNs: 77, rootPerm: 0o755 });
    const store = DiskStore.open(partition);
    t.is(flavorOf(store.superblock), flavor);
    t.deepEqual([...store.inodes()], [1]);
    const root = store.read(1);
    t.like(root, { kind: 'dir', perm: 0o755, nlink: 2, parent: 1, ctimeNs: 77, size: 4096 });
    t.true(new Directory(root, store).isEmpty);
    t.is(store.usage().free, store.usage().blocks - 1, 'all but the root directory');
  }
});

test('a partition that cannot hold one is refused and left alone', async (t) => {
  const partition = memoryPartition(8);
  partition.bytes.fill(0x5a);
  t.true(isErrno(await t.throwsAsync(mkfs(partition, { flavor: 'ext4' })), 'EINVAL'));
  t.true(partition.bytes.every((b) => b === 0x5a));
});
