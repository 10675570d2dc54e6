// Goal: maps and counts are what the inodes say.

import test from 'ava';
import { Directory } from '../../lib/fs/directory.js';
import { DiskStore } from '../../lib/fs/disk-store.js';
import { fsckPartition } from '../../lib/fs/fsck.js';
import { mkfs } from '../../lib/fs/mkfs.js';
import { memoryPartition } from './memory-partition.js';

const spec = { perm: 0o644, uid: 0, gid: 0, nowNs: 1, parent: 0 } as const;

test('a block in use without an owner comes back', async (t) => {
  const partition = memoryPartition(64);
  await mkfs(partition, { flavor: 'ext4' });
  const store = DiskStore.open(partition);
  const { free } = store.usage();
  await store.journal.transaction(null, (h) => {
    store.allocator.alloc(h, 3, 'data');
    store.create(h, { ...spec, kind: 'file' });
  });
  store.setMounted(false);
  const report = await fsckPartition(partition, true);
  t.regex(report.findings.map((f) => f.what).join(), /3 in use without an owner, 0 owned/);
  const after = DiskStore.open(partition);
  const lost = new Directory(after.read(1), after).lookup('lost+found')!;
  t.is(after.usage().free, free - new Directory(after.read(lost.ino), after).list().length);
});
