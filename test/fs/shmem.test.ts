// Goal: tmpfs counts the pages its files hold, pinned or not, and a pinned page outlives its file.

import test from 'ava';
import { bytesOf, FsMachine, KiB, outcome, PAGES, runs } from './fs-fixture.js';

test('pages are charged when a file takes them and come back when it lets go', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('tmpfs');
  const app = m.process();
  const file = await app.open(fs, '/f');
  const { free } = fs.statfs();
  await app.write(file, PAGES(1), bytesOf('a', PAGES(3)));
  t.is(fs.statfs().free, free - 3);
  const addr = await app.mmap(file, PAGES(4));
  t.is(runs(await app.load(addr, 4)), '00*4', 'a load of a hole takes a page on tmpfs');
  t.is(fs.statfs().free, free - 4);
  t.is(file.stat().blocks, 32);
  const { pipe } = await app.pin(addr + PAGES(1), PAGES(2));
  await app.truncate(file, 0);
  t.is(fs.statfs().free, free);
  t.is(m.mm.pages.nrOrphans, 2);
  await app.truncate(file, PAGES(4));
  t.is(runs(await app.load(addr + PAGES(1), 4)), '00*4');
  t.is(runs(await app.unpin(pipe)), `61*${PAGES(2)}`, 'the holder keeps the old page');
  t.is(m.mm.pages.nrOrphans, 0);
  await m.end(t);
});

test('a full tmpfs cuts writes short, refuses allocation, and faults with SIGBUS', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('tmpfs', { len: 64 * KiB });
  const app = m.process();
  const file = await app.open(fs, '/f');
  t.is(await app.write(file, 0, bytesOf('a', PAGES(20))), PAGES(16));
  t.is(await outcome(app.write(file, PAGES(16), 'x')), 'ENOSPC');
  await app.truncate(file, PAGES(12));
  t.is(await outcome(app.call((c) => file.fallocate(c, 'alloc', PAGES(12), PAGES(5)))), 'ENOSPC');
  t.is(fs.statfs().free, 4, 'nothing of it stayed');
  await app.write(file, PAGES(12), bytesOf('b', PAGES(4)));
  const other = await app.open(fs, '/g');
  await app.truncate(other, PAGES(1));
  const addr = await app.mmap(other, PAGES(1));
  t.is(await outcome(app.load(addr, 1)), 'SIGBUS');
  await m.end(t);
});

test('MADV_REMOVE punches the file', async (t) => {
  for (const [flavor, dax] of [
    ['tmpfs', false],
    ['ext4', true],
    ['ext4', false],
  ] as const) {
    const m = new FsMachine();
    const fs = await m.make(flavor, { dax });
    const app = m.process();
    const file = await app.open(fs, '/f');
    await app.write(file, 0, bytesOf('a', PAGES(4)));
    const { free } = fs.statfs();
    const addr = await app.mmap(file, PAGES(4));
    await app.call(({ task }) => app.mm.madvise(task, addr + PAGES(1), PAGES(2), 'remove'));
    t.is(runs(await app.read(file, 0, PAGES(4))), `61*4096,00*8192,61*4096`);
    t.is(fs.statfs().free, free + 2);
    await m.end(t);
  }
});
