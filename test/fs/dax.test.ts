// Goal: on DAX a mapping is the device's own page; holes are the zero page until somebody stores.

import test from 'ava';
import { pageObject } from '../../lib/sched/index.js';
import { policies } from '../../lib/policy/index.js';
import { bytesOf, FsMachine, outcome, PAGES, runs } from './fs-fixture.js';

async function setup(policy = policies.linux) {
  const m = new FsMachine({ kernel: '7.2' });
  const fs = await m.make('ext4', { dax: true, policy });
  const app = m.process();
  const file = await app.open(fs, '/f');
  return { m, fs, app, file };
}

test('a store is on the device at once, and a write is seen by the mapping', async (t) => {
  const { m, fs, app, file } = await setup();
  await app.write(file, 0, bytesOf('a', PAGES(1)));
  const addr = await app.mmap(file, PAGES(1));
  await app.store(addr, bytesOf('s', 8));
  const block = file.inode.extents.blockOf(0)!;
  t.is(runs(fs.mount.disk!.partition.read(block, 0, 16)), '73*8,61*8');
  await app.write(file, 4, bytesOf('w', 8));
  t.is(runs(await app.load(addr, 16)), '73*4,77*8,61*4');
  t.true(pageObject(1) > 0);
  await m.end(t);
});

test('a page knows its file while it is given to one', async (t) => {
  const { m, fs, app, file } = await setup();
  await app.write(file, PAGES(3), bytesOf('a', PAGES(2)));
  const pfn = fs.mount.disk!.partition.pfnOf(file.inode.extents.blockOf(4)!);
  const { ino, generation } = file.inode;
  const owner = { mount: fs.mount.id, ino, generation };
  t.deepEqual(m.mm.pages.owner(pfn), { ...owner, pgoff: 4 });
  await app.call((c) => file.fallocate(c, 'collapse', 0, PAGES(2)));
  t.deepEqual(m.mm.pages.owner(pfn), { ...owner, pgoff: 2 });
  await app.call((c) => file.fallocate(c, 'insert', 0, PAGES(1)));
  t.deepEqual(m.mm.pages.owner(pfn), { ...owner, pgoff: 3 });
  await app.truncate(file, 0);
  t.is(m.mm.pages.owner(pfn), undefined);
  await m.end(t);
});

test('owners are there again after a remount', async (t) => {
  const { m, fs, app, file } = await setup();
  await app.write(file, 0, bytesOf('a', PAGES(1)));
  const pfn = fs.mount.disk!.partition.pfnOf(file.inode.extents.blockOf(0)!);
  await app.exit();
  const again = await m.remount(fs);
  const b = m.process('B');
  const reopened = await b.open(again, '/f', ['rdonly']);
  t.like(m.mm.pages.owner(pfn), { mount: again.mount.id, ino: reopened.inode.ino, pgoff: 0 });
  await m.end(t);
});

test('every reader of a hole sees the block that one of them stored to', async (t) => {
  const { m, app, file } = await setup();
  await app.truncate(file, PAGES(4));
  const a = await app.mmap(file, PAGES(4));
  const b = await app.mmap(file, PAGES(4));
  const own = await app.mmap(file, PAGES(4), { share: 'private' });
  for (const addr of [a, b, own]) t.is(runs(await app.load(addr, 4)), '00*4');
  t.is(file.inode.mapping.nrEntries, 0, 'the zero page is no entry');
  await app.store(a, bytesOf('x', 2));
  for (const addr of [a, b, own]) t.is(runs(await app.load(addr, 4)), '78*2,00*2');
  await app.write(file, PAGES(1), bytesOf('y', 2));
  await app.load(b + PAGES(1), 4);
  t.is(runs(await app.load(b + PAGES(1), 4)), '79*2,00*2');
  await m.end(t);
});

test('a block that another file left behind is zeros to its new file', async (t) => {
  const { m, fs, app, file } = await setup();
  await app.write(file, 0, bytesOf('secret'.slice(0, 1), PAGES(4)));
  await app.truncate(file, 0);
  const other = await app.open(fs, '/g');
  await app.truncate(other, PAGES(4));
  const addr = await app.mmap(other, PAGES(4));
  await app.store(addr + 100, bytesOf('x', 1));
  await app.write(other, PAGES(1) + 50, 'y');
  await app.call((c) => other.fallocate(c, 'alloc', PAGES(2), PAGES(2)));
  await app.store(addr + PAGES(2) + 7, bytesOf('z', 1));
  const expected = '00*100,78*1,00*4045,79*1,00*4052,7a*1,00*8184';
  t.is(runs(await app.read(other, 0, PAGES(4))), expected);
  await m.end(t);
});

test('onAccess of a policy turns an access into SIGBUS', async (t) => {
  const policy = { ...policies.linux, onAccess: () => 'SIGBUS' as const };
  const { m, app, file } = await setup(policy);
  await app.write(file, 0, bytesOf('a', PAGES(1)));
  const addr = await app.mmap(file, PAGES(1));
  t.is(await outcome(app.load(addr, 1)), 'SIGBUS');
  t.is(await outcome(app.pin(addr, PAGES(1))), 'EFAULT');
  await m.end(t);
});

test('two tasks that store to one hole get one block, under any schedule', async (t) => {
  for (let seed = 0; seed < 12; seed++) {
    const m = new FsMachine({ sched: { mode: 'simulated', seed } });
    const fs = await m.make('xfs', { dax: true });
    const [a, b] = [m.process('A'), m.process('B')];
    const file = await a.open(fs, '/f');
    await a.truncate(file, PAGES(1));
    const theirs = await b.open(fs, '/f');
    const one = await a.mmap(file, PAGES(1));
    const two = await b.mmap(theirs, PAGES(1));
    await Promise.all([
      a.store(one, bytesOf('a', 8)),
      b.store(two + 8, bytesOf('b', 8)),
      b.write(theirs, 16, bytesOf('w', 8)),
    ]);
    t.is(file.stat().blocks, 8);
    t.is(runs(await a.read(file, 0, 24)), '61*8,62*8,77*8', `seed ${seed}`);
    await m.end(t);
  }
});
