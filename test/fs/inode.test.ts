// Goal: an inode shows its leases, pins and counts as the rooms below ask for them.

import test from 'ava';
import { pinUserPages } from '../../lib/mm/gup.js';
import { policies } from '../../lib/policy/index.js';
import { bytesOf, FsMachine, PAGES } from './fs-fixture.js';

test('its kind says what its pages are, and whether stores must be noticed', async (t) => {
  const m = new FsMachine();
  const rows = [
    ['ext4', true, 'fsdax', true],
    ['xfs', false, 'pagecache', true],
    ['tmpfs', false, 'shmem', false],
  ] as const;
  for (const [i, [flavor, dax, kind, tracked]] of rows.entries()) {
    const fs = await m.make(flavor, { dax, startPos: i * 1024 * 1024 });
    const { inode } = await m.process().open(fs, '/f');
    t.is(inode.mapping.host.kind, kind);
    t.is(inode.mapping.host.dirtyTracked, tracked);
    t.true(inode.isRegular && inode.supportsLeases);
  }
  await m.end(t);
});

test('opens for reading and writing are counted apart; O_PATH is a reference only', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4');
  const app = m.process();
  const rw = await app.open(fs, '/f');
  const ro = await app.open(fs, '/f', ['rdonly']);
  const path = await app.open(fs, '/f', ['path']);
  const { inode } = rw;
  t.deepEqual([inode.openForWrite(), inode.openCount(), inode.refs], [1, 2, 3]);
  for (const file of [rw, ro, path]) await app.close(file);
  t.deepEqual([inode.openForWrite(), inode.openCount(), inode.refs], [0, 0, 0]);
  await m.end(t);
});

test('a long-term pin is among its pins until it goes, a short one never', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4', { dax: true, policy: policies.wait });
  const app = m.process();
  const file = await app.open(fs, '/f');
  await app.write(file, 0, bytesOf('a', PAGES(2)));
  const addr = await app.mmap(file, PAGES(2));
  const origin = { process: app, device: 'dev0', deviceFile: '/dev/dev0', dataFile: '/f' };
  const base = { mm: app.mm, addr, len: PAGES(1), access: 'read', origin } as const;
  const short = await app.call(({ task }) =>
    pinUserPages(task, m.mm, { ...base, longterm: false }),
  );
  t.deepEqual(file.inode.pins(), []);
  const long = await app.call(({ task }) =>
    pinUserPages(task, m.mm, { ...base, longterm: true, irrevocable: true }),
  );
  t.deepEqual(file.inode.pins(), [long]);
  await app.call(async () => {
    short.unpin();
    long.unpin();
  });
  t.deepEqual(file.inode.pins(), []);
  await m.end(t);
});
