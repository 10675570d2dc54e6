// Goal: a set of blocks counts each once and shows them as a bitmap has them; a flag that an inode
// cannot have is found, and cleared by a repair.

import test from 'ava';
import { BITMAP_BITS } from '../../lib/fs/format.js';
import { fsckPartition } from '../../lib/fs/fsck.js';
import { BlockSet } from '../../lib/fs/fsck-inodes.js';
import { FsMachine, MiB } from './fs-fixture.js';
import { devicePartition } from '../../lib/fs/partition.js';

test('blocks are in the set when they were added, in the part of their bitmap block', (t) => {
  const set = new BlockSet();
  for (const block of [0, 9, BITMAP_BITS, BITMAP_BITS + 7]) set.add(block);
  t.is(set.count, 4);
  t.true(set.has(9) && set.has(BITMAP_BITS + 7));
  t.false(set.has(8) || set.has(5 * BITMAP_BITS));
  t.deepEqual([...set.part(0).subarray(0, 2)], [1, 2]);
  t.deepEqual([...set.part(1).subarray(0, 2)], [0x81, 0]);
  t.true(set.part(4).every((b) => b === 0));
});

test('the DAX flag on a link is found, and a repair clears it and nothing else', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4');
  const app = m.process();
  await app.call((c) => fs.symlink(c, '/long'.repeat(60), '/link'));
  await app.call((c) => fs.symlink(c, '/f', '/short'));
  for (const path of ['/link', '/short']) {
    const stat = await app.call(async (c) => fs.stat(c, path, false));
    const inode = fs.mount.inode(stat.ino);
    inode.record.daxFlag = true;
    await app.call(({ task }) => fs.mount.writeInode(task, inode));
  }
  await m.unmount(fs);
  const partition = devicePartition(m.device, 0, MiB);
  const found = await fsckPartition(partition, false);
  t.is(found.findings.length, 2);
  t.regex(found.findings[0]!.what, /the DAX flag on a link/);
  await fsckPartition(partition, true);
  t.deepEqual((await fsckPartition(partition, false)).findings, []);
  const again = await m.mount('ext4');
  await app.call(async (c) => t.is(again.readlink(c, '/link'), '/long'.repeat(60)));
  await app.call(async (c) => t.is(again.readlink(c, '/short'), '/f'));
  await m.end(t);
});
