// Goal: inodes without a name are freed, and files without one get one.

import test from 'ava';
import { Directory } from '../../lib/fs/directory.js';
import { DiskStore } from '../../lib/fs/disk-store.js';
import { fsckPartition } from '../../lib/fs/fsck.js';
import { mkfs } from '../../lib/fs/mkfs.js';
import { memoryPartition } from './memory-partition.js';

const spec = { perm: 0o644, uid: 0, gid: 0, nowNs: 1, parent: 0 } as const;

test('a directory without a name is attached with what is in it', async (t) => {
  const partition = memoryPartition(64);
  await mkfs(partition, { flavor: 'ext4' });
  const store = DiskStore.open(partition);
  await store.journal.transaction(null, (h) => {
    const d = store.create(h, { ...spec, kind: 'dir' });
    const f = store.create(h, { ...spec, kind: 'file' });
    new Directory(d, store).add(h, { name: 'f', ino: f.ino, kind: 'file' });
  });
  store.setMounted(false);
  t.true((await fsckPartition(partition, true)).repaired);
  t.deepEqual((await fsckPartition(partition, false)).findings, []);
  const after = DiskStore.open(partition);
  const lost = new Directory(after.read(1), after).lookup('lost+found')!;
  const attached = new Directory(after.read(lost.ino), after).list();
  t.deepEqual(
    attached.map((e) => e.name),
    ['#2'],
  );
  t.deepEqual(new Directory(after.read(2), after).list()[0]?.name, 'f');
});
