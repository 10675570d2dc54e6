// Goal: blocks come to a file whole or not at all, and watchers hear of each once.

import test from 'ava';
import { fillAsMuch, fillHoles } from '../../lib/fs/block-map.js';
import { isErrno } from '../../lib/errno.js';
import { bytesOf, FsMachine, PAGES } from './fs-fixture.js';

test('every block that comes and goes is told once, with its place in the file', async (t) => {
  const seen: string[] = [];
  const m = new FsMachine({
    events: {
      blockAlloc: (e) => seen.push(`+${e.owner.pgoff}`),
      blockFree: (e) => seen.push(`-${e.owner.pgoff} ${e.fate}`),
      evict: (e) => seen.push(`evict ${e.ino}`),
    },
  });
  const fs = await m.make('ext4', { dax: true });
  const app = m.process();
  const file = await app.open(fs, '/f');
  await app.write(file, PAGES(1), bytesOf('a', PAGES(2)));
  await app.write(file, 0, bytesOf('b', PAGES(4)));
  await app.call((c) => file.fallocate(c, 'punch', PAGES(1), PAGES(1)));
  await app.close(file);
  await app.call((c) => fs.unlink(c, '/f'));
  t.deepEqual(seen, [
    ...['+1', '+2', '+0', '+3', '-1 free'],
    ...['-0 free', '-2 free', '-3 free', 'evict 2'],
  ]);
  await m.end(t);
});

test('fillHoles is all or nothing, fillAsMuch takes the last block there is', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4', { dax: true });
  const app = m.process();
  const { inode } = await app.open(fs, '/f');
  const { free } = fs.statfs();
  await app.call(async ({ task }) => {
    const all = fillHoles(task, inode, 0, free + 10, 'zeroed');
    t.true(isErrno(await t.throwsAsync(all), 'ENOSPC'));
    t.is(fs.statfs().free, free);
    t.is(inode.extents.length, 0);
    const end = await fillAsMuch(task, inode, 0, free + 10, 'zeroed');
    t.is(end, inode.extents.nrBlocks);
    t.true(fs.statfs().free < 5);
    t.true(isErrno(await t.throwsAsync(fillAsMuch(task, inode, end, end + 1, 'zeroed')), 'ENOSPC'));
  });
  await m.end(t);
});
