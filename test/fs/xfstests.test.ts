// Goal: rows of xfstests about mappings, direct I/O and DAX hold; each test is named after its row.

import test from 'ava';
import { bytesOf, FsMachine, outcome, PAGES, runs } from './fs-fixture.js';

const kinds = [
  ['ext4', true],
  ['xfs', true],
  ['ext4', false],
] as const;

for (const [flavor, dax] of kinds) {
  const on = `${flavor}${dax ? '-dax' : ''}`;

  test(`${on} 428: a store to a hole that was loaded before is seen`, async (t) => {
    const m = new FsMachine();
    const fs = await m.make(flavor, { dax });
    const app = m.process();
    const file = await app.open(fs, '/f');
    await app.truncate(file, PAGES(8));
    const addr = await app.mmap(file, PAGES(8));
    t.is(runs(await app.load(addr, PAGES(8))), `00*${PAGES(8)}`);
    await app.store(addr + PAGES(3), bytesOf('w', 10));
    t.is(runs(await app.load(addr + PAGES(3), 10)), '77*10');
    t.is(runs(await app.read(file, PAGES(3), 10)), '77*10');
    await m.end(t);
  });

  test(`${on} 437: a private copy and a shared store neither lose nor mix a page`, async (t) => {
    const m = new FsMachine();
    const fs = await m.make(flavor, { dax });
    const app = m.process();
    const file = await app.open(fs, '/f');
    await app.write(file, 0, bytesOf('o', PAGES(2)));
    const shared = await app.mmap(file, PAGES(2));
    const own = await app.mmap(file, PAGES(2), { share: 'private' });
    await Promise.all([
      app.store(own, bytesOf('p', PAGES(1))),
      app.store(shared, bytesOf('s', PAGES(1))),
    ]);
    t.is(runs(await app.load(own, PAGES(1))), '70*4096');
    t.is(runs(await app.read(file, 0, PAGES(2))), '73*4096,6f*4096');
    await m.end(t);
  });

  test(`${on} 462: a read into a mapping that is read-only is EFAULT`, async (t) => {
    const m = new FsMachine();
    const fs = await m.make(flavor, { dax });
    const app = m.process();
    const file = await app.open(fs, '/f');
    const source = await app.open(fs, '/s');
    await app.write(file, 0, bytesOf('f', PAGES(1)));
    await app.write(source, 0, bytesOf('s', PAGES(1)));
    const addr = await app.mmap(file, PAGES(1), { prot: 'r' });
    const buffer = { mm: app.mm, addr, len: PAGES(1) };
    t.is(await outcome(app.call((c) => source.readToUser(c, 0, buffer))), 'EFAULT');
    t.is(runs(await app.load(addr, PAGES(1))), '66*4096');
    await m.end(t);
  });

  test(`${on} 647, 729: a buffer that maps the same file is no deadlock`, async (t) => {
    const m = new FsMachine();
    const fs = await m.make(flavor, { dax });
    const app = m.process();
    const file = await app.open(fs, '/f');
    await app.write(file, 0, bytesOf('a', PAGES(1)));
    await app.write(file, PAGES(1), bytesOf('b', PAGES(1)));
    const addr = await app.mmap(file, PAGES(2));
    const first = { mm: app.mm, addr, len: PAGES(1) };
    t.false(await m.blocks(app.call((c) => file.readToUser(c, PAGES(1), first))));
    t.is(runs(await app.load(addr, PAGES(2))), `62*${PAGES(2)}`);
    await app.store(addr, bytesOf('c', PAGES(1)));
    t.false(await m.blocks(app.call((c) => file.writeFromUser(c, PAGES(1), first))));
    t.is(runs(await app.read(file, 0, PAGES(2))), `63*${PAGES(2)}`);
    await m.end(t);
  });

  test(`${on} 246, 438: a mapped store after a truncate and growth finds no stale byte`, async (t) => {
    const m = new FsMachine();
    const fs = await m.make(flavor, { dax });
    const app = m.process();
    const file = await app.open(fs, '/f');
    for (let size = 100; size < PAGES(3); size += 1111) {
      await app.write(file, 0, bytesOf('x', PAGES(3)));
      const addr = await app.mmap(file, PAGES(3));
      await app.truncate(file, size);
      await app.truncate(file, PAGES(3));
      await app.store(addr + PAGES(3) - 1, bytesOf('y', 1));
      const found = runs(await app.read(file, 0, PAGES(3)));
      t.is(found, `78*${size},00*${PAGES(3) - 1 - size},79*1`);
      await app.munmap(addr, PAGES(3));
    }
    await m.end(t);
  });
}

for (const [from, to] of [
  [true, true],
  [true, false],
  [false, true],
  [false, false],
] as const) {
  test(`413, 605: direct I/O between mappings, dax ${from} to dax ${to}`, async (t) => {
    const m = new FsMachine();
    const [a, b] = [await m.make('ext4', { dax: from }), await m.make('ext4', { dax: to })];
    const app = m.process();
    const source = await app.open(a, '/s', ['rdwr', 'creat', 'direct']);
    const target = await app.open(b, '/t', ['rdwr', 'creat', 'direct']);
    await app.truncate(source, PAGES(4));
    const addr = await app.mmap(source, PAGES(4));
    for (let i = 0; i < 4; i++) await app.store(addr + PAGES(i), bytesOf(i + 1, PAGES(1)));
    const buffer = { mm: app.mm, addr, len: PAGES(4) };
    t.is(await app.call((c) => target.writeFromUser(c, 0, buffer)), PAGES(4));
    t.is(runs(await app.read(target, 0, PAGES(4))), '01*4096,02*4096,03*4096,04*4096');
    await m.end(t);
  });
}
