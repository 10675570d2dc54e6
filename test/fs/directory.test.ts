// Goal: a directory of any size is the same after a mount, and grows only when it must.

import test from 'ava';
import { Directory } from '../../lib/fs/directory.js';
import { DiskStore } from '../../lib/fs/disk-store.js';
import { mkfs } from '../../lib/fs/mkfs.js';
import { bytesOf, FsMachine, PAGES } from './fs-fixture.js';
import { memoryPartition } from './memory-partition.js';

test('a directory of several blocks is read back whole; gaps are filled first', async (t) => {
  const partition = memoryPartition(128);
  await mkfs(partition, { flavor: 'ext4' });
  const store = DiskStore.open(partition);
  const root = store.read(1);
  const dir = new Directory(root, store);
  const names = Array.from({ length: 60 }, (_, i) => `${i}-${'n'.repeat(200)}`);
  const run = (fn: (h: Parameters<Directory['add']>[0]) => void) =>
    store.journal.transaction(null, fn);
  for (const name of names) await run((h) => dir.add(h, { name, ino: 1, kind: 'file' }));
  t.true(root.extents.nrBlocks > 2);
  t.is(root.size, PAGES(root.extents.nrBlocks));
  store.journal.commit();
  const reread = new Directory(DiskStore.open(partition).read(1), DiskStore.open(partition));
  t.deepEqual(
    reread
      .list()
      .map((e) => e.name)
      .sort(),
    [...names].sort(),
  );
  const { nrBlocks } = root.extents;
  for (const name of names.slice(0, 20)) await run((h) => dir.remove(h, name));
  for (const name of names.slice(0, 20)) {
    t.is(dir.blocksFor(name), 0);
    await run((h) => dir.add(h, { name, ino: 1, kind: 'file' }));
  }
  t.is(root.extents.nrBlocks, nrBlocks);
  await run((h) => dir.retarget(h, { name: names[5]!, ino: 9, kind: 'link' }));
  store.journal.commit();
  t.like(
    new Directory(DiskStore.open(partition).read(1), DiskStore.open(partition)).lookup(names[5]!),
    {
      ino: 9,
      kind: 'link',
    },
  );
});

test('names survive a remount: files, directories, links, and what is in them', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('xfs');
  const app = m.process();
  await app.call((c) => fs.mkdir(c, '/d'));
  await app.call((c) => fs.mkdir(c, '/d/e'));
  await app.write(await app.open(fs, '/d/e/файл'), 0, bytesOf('c', 10));
  await app.call((c) => fs.symlink(c, 'd/e', '/short'));
  const far = `${'./'.repeat(150)}d/e/файл`;
  await app.call((c) => fs.symlink(c, far, '/long'));
  await app.exit();
  const again = await m.remount(fs);
  const b = m.process('B');
  await b.call(async (c) => {
    t.deepEqual(
      again.readdir(c, '/').map((e) => `${e.kind} ${e.name}`),
      ['dir d', 'link short', 'link long'],
    );
    t.is(again.stat(c, '/long').size, 10);
    t.is(again.stat(c, '/short/файл').size, 10);
    t.is(again.stat(c, '/d').nlink, 3);
    t.is(again.readlink(c, '/long'), far);
  });
  await m.end(t);
});
