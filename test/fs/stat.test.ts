// Goal: every block of a mount is counted once, at any moment.

import test from 'ava';
import { policies } from '../../lib/policy/index.js';
import { bytesOf, FsMachine, PAGES } from './fs-fixture.js';

test('free + used + unlinked + orphaned + busy are all blocks, whatever happens', async (t) => {
  for (const policy of [policies.orphan, policies['busy-extent'], policies.linux]) {
    const m = new FsMachine({ kernel: '6.12' });
    const fs = await m.make('ext4', { dax: true, policy });
    const app = m.process();
    const sum = (): void => {
      const s = fs.statfs();
      t.is(s.free + s.used + s.unlinkedOpen + s.orphaned + s.busy, s.blocks);
      for (const [key, n] of Object.entries(s)) t.true(n >= 0, key);
    };
    const file = await app.open(fs, '/f');
    await app.write(file, 0, bytesOf('a', PAGES(6)));
    sum();
    const addr = await app.mmap(file, PAGES(6));
    const { pipe } = await app.pin(addr, PAGES(2));
    await app.munmap(addr, PAGES(6));
    await app.truncate(file, PAGES(1));
    sum();
    await app.call((c) => fs.unlink(c, '/f'));
    sum();
    t.is(fs.statfs().unlinkedOpen, 1);
    await app.close(file);
    sum();
    await app.unpin(pipe);
    await m.sched.settle();
    sum();
    t.is(fs.statfs().orphaned + fs.statfs().busy + fs.statfs().unlinkedOpen, 0);
    await m.end(t);
  }
});

test('stat tells type, size, blocks of 512 bytes, and whether it is DAX', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('xfs', { dax: true });
  const app = m.process();
  const file = await app.open(fs, '/f', ['rdwr', 'creat'], 0o640);
  await app.write(file, PAGES(3), bytesOf('x', 1));
  t.like(file.stat(), { mode: 0o100640, size: PAGES(3) + 1, blocks: 8, nlink: 1, dax: true });
  await app.call(async (c) => t.like(fs.stat(c, '/'), { mode: 0o040777, nlink: 2, dax: false }));
  await m.end(t);
});
