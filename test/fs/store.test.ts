// Goal: an inode begins as POSIX wants it.

import test from 'ava';
import { newRecord } from '../../lib/fs/store.js';

test('a new file has one name, a new directory two links, and both the time of now', (t) => {
  const spec = { perm: 0o640, uid: 1, gid: 2, parent: 7, nowNs: 99 };
  const file = newRecord(5, 3, { ...spec, kind: 'file' });
  t.like(file, { ino: 5, generation: 3, nlink: 1, size: 0, mtimeNs: 99, orphan: false });
  t.is(newRecord(6, 4, { ...spec, kind: 'dir' }).nlink, 2);
});
