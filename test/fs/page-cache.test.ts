// Goal: a page-cache file lives in RAM, reaches the device by writeback, and never waits for a pin.

import test from 'ava';
import { bytesOf, FsMachine, MiB, outcome, PAGES, runs } from './fs-fixture.js';

test('bytes are in RAM until fsync, and then on the device', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4');
  const app = m.process();
  const file = await app.open(fs, '/f');
  await app.write(file, 0, bytesOf('w', PAGES(2)));
  const { partition } = fs.mount.disk!;
  const block = file.inode.extents.blockOf(1)!;
  t.true(
    file.inode.extents.all.every((e) => e.unwritten),
    'not written: a crash shows zeros',
  );
  t.is(file.inode.mapping.dirtyPages().length, 2);
  await app.call((c) => file.fsync(c));
  t.is(runs(partition.read(block, 0, 4096)), '77*4096');
  t.true(file.inode.extents.all.every((e) => !e.unwritten));
  t.deepEqual(file.inode.mapping.dirtyPages(), []);
  await m.end(t);
});

test('a store after writeback makes the page dirty again', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('xfs');
  const app = m.process();
  const file = await app.open(fs, '/f');
  await app.truncate(file, PAGES(2));
  const addr = await app.mmap(file, PAGES(2));
  await app.store(addr, bytesOf('1', 8));
  await app.call((c) => file.fsync(c));
  t.deepEqual(file.inode.mapping.dirtyPages(), []);
  await app.store(addr, bytesOf('2', 4));
  t.deepEqual(file.inode.mapping.dirtyPages(), [0]);
  await app.call((c) => file.fsync(c));
  const block = file.inode.extents.blockOf(0)!;
  t.is(runs(fs.mount.disk!.partition.read(block, 0, 9)), '32*4,31*4,00*1');
  await m.end(t);
});

test('truncate and punch leave a pinned page to its holder until the unpin', async (t) => {
  for (const how of ['truncate', 'punch'] as const) {
    const m = new FsMachine({ kernel: '6.12' });
    const fs = await m.make('ext4');
    const app = m.process();
    const file = await app.open(fs, '/f');
    await app.write(file, 0, bytesOf('Z', PAGES(4)));
    const addr = await app.mmap(file, PAGES(4));
    const { pipe } = await app.pin(addr, PAGES(2));
    const ram = m.mm.allocator.nrFree;
    const disk = fs.statfs().free;
    if (how === 'truncate') await app.truncate(file, 0);
    else await app.call((c) => file.fallocate(c, 'punch', 0, PAGES(4)));
    t.is(m.mm.allocator.nrFree, ram + 2);
    t.is(m.mm.pages.nrOrphans, 2);
    t.is(fs.statfs().free, disk + 4, 'blocks wait for nobody');
    t.is(runs(await app.unpin(pipe)), `5a*${PAGES(2)}`);
    t.is(m.mm.allocator.nrFree, ram + 4);
    await m.end(t);
  }
});

test('on a full device a write is short and then ENOSPC, and a store SIGBUS', async (t) => {
  for (const dax of [false, true]) {
    const m = new FsMachine({ ramPages: 1024, deviceLen: MiB });
    const fs = await m.make('ext4', { dax });
    const app = m.process();
    const big = await app.open(fs, '/big');
    const { free } = fs.statfs();
    const got = await app.write(big, 0, bytesOf('b', 2 * MiB));
    t.true(got > PAGES(free - 20) && got < PAGES(free + 1));
    while ((await outcome(app.write(big, big.stat().size, bytesOf('b', PAGES(1))))) === 'ok');
    t.is(await outcome(app.write(big, big.stat().size, 'x')), 'ENOSPC');
    const other = await app.open(fs, '/other');
    await app.truncate(other, PAGES(1));
    const addr = await app.mmap(other, PAGES(1));
    t.is(await outcome(app.store(addr, bytesOf(1, 1))), 'SIGBUS');
    await app.truncate(big, 0);
    t.is(await outcome(app.store(addr, bytesOf(1, 1))), 'ok');
    t.is(fs.statfs().free, free - 1);
    await m.end(t);
  }
});

test('a private mapping shows the file until it stores, and then its own', async (t) => {
  for (const dax of [false, true]) {
    const m = new FsMachine();
    const fs = await m.make('ext4', { dax });
    const app = m.process();
    const file = await app.open(fs, '/f');
    await app.write(file, 0, bytesOf('f', PAGES(2)));
    const own = await app.mmap(file, PAGES(2), { share: 'private' });
    t.is(runs(await app.load(own, 8)), '66*8');
    await app.store(own, bytesOf('p', 4));
    await app.write(file, 0, bytesOf('g', PAGES(2)));
    t.is(runs(await app.load(own, 8)), '70*4,66*4');
    t.is(runs(await app.load(own + PAGES(1), 8)), '67*8', 'a page not stored to follows the file');
    t.is(runs(await app.read(file, 0, 8)), '67*8');
    await m.end(t);
  }
});
