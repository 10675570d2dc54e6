// Goal: direct I/O moves blocks between the device and the pages of a mapping, past the cache, and
// holds those pages only while it does.

import test from 'ava';
import type { BlockEngine } from '../../lib/fs/direct-io.js';
import { cpuEngine } from '../../lib/fs/direct-io.js';
import { bytesOf, FsMachine, outcome, PAGES, runs } from './fs-fixture.js';

async function setup(kernel: '6.1' | '6.12' = '6.12') {
  const m = new FsMachine({ kernel });
  const transfers: string[] = [];
  const cpu = cpuEngine(m.env);
  const engine: BlockEngine = {
    async transfer(task, io) {
      const held = [...io.memoryPfns].map((pfn) => m.mm.pages.refs(pfn));
      const pins = [...io.memoryPfns].map((pfn) => m.mm.pages.pins(pfn));
      transfers.push(`${io.dir} ${io.len} refs ${held.join()} pins ${pins.join()}`);
      await cpu.transfer(task, io);
    },
  };
  Object.assign(m.env, { blockEngine: engine });
  const fs = await m.make('ext4');
  const app = m.process();
  const addr = await app.mmap(null, PAGES(8));
  const file = await app.open(fs, '/o', ['rdwr', 'creat', 'direct']);
  const io = (dir: 'readDirect' | 'writeDirect', pos: number, at: number, len: number) =>
    app.call((c) => file[dir](c, pos, app.mm, addr + at, len));
  return { m, fs, app, addr, file, io, transfers };
}

for (const [kernel, pinned] of [
  ['6.1', '0,0'],
  ['6.12', '1,1'],
] as const) {
  test(`${kernel}: buffers are held while blocks move (pins ${pinned})`, async (t) => {
    const { m, app, addr, file, io, transfers } = await setup(kernel);
    await app.store(addr, bytesOf('d', PAGES(2)));
    t.is(await io('writeDirect', 0, 0, PAGES(2)), PAGES(2));
    t.is(file.stat().size, PAGES(2));
    t.is(await io('readDirect', 0, PAGES(4), PAGES(4)), PAGES(2), 'short at the end of the file');
    t.is(runs(await app.load(addr + PAGES(4), PAGES(2))), `64*${PAGES(2)}`);
    t.deepEqual(transfers, [
      `write 8192 refs 1,1 pins ${pinned}`,
      `read 8192 refs 1,1 pins ${pinned}`,
    ]);
    await m.end(t);
  });
}

test('direct and buffered I/O see each other’s bytes', async (t) => {
  const { m, app, addr, fs, io } = await setup();
  const buffered = await app.open(fs, '/o', ['rdwr']);
  await app.write(buffered, 0, bytesOf('b', PAGES(2)));
  t.is(await io('readDirect', 0, 0, PAGES(2)), PAGES(2));
  t.is(runs(await app.load(addr, PAGES(2))), `62*${PAGES(2)}`);
  await app.store(addr, bytesOf('c', PAGES(1)));
  await io('writeDirect', PAGES(1), 0, PAGES(1));
  t.is(runs(await app.read(buffered, 0, PAGES(2))), `62*${PAGES(1)},63*${PAGES(1)}`);
  await m.end(t);
});

test('what is not on 512 bytes is EINVAL; a buffer without memory EFAULT or short', async (t) => {
  const { m, app, addr, file, io } = await setup();
  t.is(await outcome(io('writeDirect', 100, 0, 512)), 'EINVAL');
  t.is(await outcome(io('writeDirect', 0, 1, 512)), 'EINVAL');
  t.is(await outcome(io('writeDirect', 0, 0, 511)), 'EINVAL');
  t.is(await outcome(app.write(file, 3, 'x')), 'EINVAL');
  t.is(await io('writeDirect', 512, 1024, 512), 512);
  await app.munmap(addr + PAGES(2), PAGES(6));
  t.is(await outcome(io('writeDirect', 0, PAGES(2), 512)), 'EFAULT');
  t.is(await io('writeDirect', 0, PAGES(1), PAGES(4)), PAGES(1));
  await m.end(t);
});

test('a hole reads as zeros and writing into one gives it blocks', async (t) => {
  const { m, app, addr, file, io } = await setup();
  await app.truncate(file, PAGES(4));
  await app.store(addr, bytesOf('x', PAGES(4)));
  t.is(await io('readDirect', 0, 0, PAGES(2)), PAGES(2));
  t.is(runs(await app.load(addr, PAGES(4))), `00*${PAGES(2)},78*${PAGES(2)}`);
  await io('writeDirect', PAGES(2) + 512, PAGES(2), 512);
  t.is(file.stat().blocks, 8);
  t.is(runs(await app.read(file, PAGES(2), PAGES(1))), '00*512,78*512,00*3072');
  await m.end(t);
});

test('a mapping of the same file, or of a DAX file, is as good a buffer as any', async (t) => {
  const { m, app, io } = await setup();
  const dax = await m.make('xfs', { dax: true, startPos: 2 * 1024 * 1024 });
  const f = await app.open(dax, '/f');
  await app.write(f, 0, bytesOf('Z', PAGES(2)));
  const at = (await app.mmap(f, PAGES(2))) - (await app.mmap(null, PAGES(1)));
  t.not(at, 0);
  const map = await app.mmap(f, PAGES(2));
  const out = await app.open(m.mounts[0]!, '/p', ['rdwr', 'creat', 'direct']);
  t.is(await app.call((c) => out.writeDirect(c, 0, app.mm, map, PAGES(1))), PAGES(1));
  const same = await app.mmap(out, PAGES(1));
  t.is(await app.call((c) => out.readDirect(c, 0, app.mm, same, PAGES(1))), PAGES(1));
  t.is(runs(await app.load(same, PAGES(1))), `5a*${PAGES(1)}`);
  t.is(await app.call((c) => out.readDirect(c, 0, app.mm, map + PAGES(1), PAGES(1))), PAGES(1));
  t.is(runs(await app.read(f, 0, PAGES(2))), `5a*${PAGES(2)}`);
  t.is(await outcome(io('readDirect', 0, 0, 512)), 'ok');
  await m.end(t);
});

for (const [mount, flavor, kernel] of [
  ['ext4-dax', 'ext4', '6.1'],
  ['xfs-dax', 'xfs', '7.2'],
  ['tmpfs', 'tmpfs', '6.12'],
] as const) {
  test(`${kernel}: O_DIRECT on ${mount} moves bytes at any position`, async (t) => {
    const m = new FsMachine({ kernel });
    const fs = await m.make(flavor, { dax: mount.endsWith('dax') });
    const app = m.process();
    const addr = await app.mmap(null, PAGES(2));
    const file = await app.open(fs, '/o', ['rdwr', 'creat', 'direct']);
    await app.store(addr, bytesOf('d', PAGES(1)));
    const { mm } = app;
    t.is(await app.call((c) => file.writeDirect(c, 100, mm, addr + 7, 4000)), 4000);
    t.is(await app.call((c) => file.readDirect(c, 99, mm, addr + PAGES(1) + 1, 13)), 13);
    t.is(runs(await app.load(addr + PAGES(1), 15)), '00*2,64*12,00*1');
    t.is(runs(await app.read(file, 98, 4)), '00*2,64*2');
    await m.end(t);
  });
}
