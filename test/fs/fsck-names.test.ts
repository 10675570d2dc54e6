// Goal: names that mean nothing go, and those that mean something stay.

import test from 'ava';
import { Directory } from '../../lib/fs/directory.js';
import { DiskStore } from '../../lib/fs/disk-store.js';
import { fsckPartition } from '../../lib/fs/fsck.js';
import { mkfs } from '../../lib/fs/mkfs.js';
import { memoryPartition } from './memory-partition.js';

const spec = { perm: 0o644, uid: 0, gid: 0, nowNs: 1, parent: 0 } as const;

test('a name of an inode that is not there, and of the wrong kind', async (t) => {
  const partition = memoryPartition(64);
  await mkfs(partition, { flavor: 'xfs' });
  const store = DiskStore.open(partition);
  const names = new Directory(store.read(1), store);
  await store.journal.transaction(null, (h) => {
    const f = store.create(h, { ...spec, kind: 'file' });
    names.add(h, { name: 'kind', ino: f.ino, kind: 'link' });
    names.add(h, { name: 'gone', ino: 9, kind: 'file' });
    names.add(h, { name: 'again', ino: 1, kind: 'dir' });
  });
  store.setMounted(false);
  const { findings } = await fsckPartition(partition, true);
  t.deepEqual(
    findings.map((f) => f.check),
    ['name', 'name', 'name'],
  );
  const after = DiskStore.open(partition);
  t.deepEqual(new Directory(after.read(1), after).list(), [{ name: 'kind', ino: 2, kind: 'file' }]);
});
