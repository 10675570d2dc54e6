// Goal: reads and writes whose buffer is a mapping move the same bytes, also of the file itself.

import test from 'ava';
import assert from 'node:assert/strict';
import { Errno } from '../../lib/errno.js';
import { inChunks } from '../../lib/fs/file-io.js';
import { VmFault } from '../../lib/mm/vma.js';
import { bytesOf, FsMachine, MiB, outcome, PAGES, runs } from './fs-fixture.js';

for (const [flavor, dax] of [
  ['ext4', true],
  ['ext4', false],
  ['tmpfs', false],
] as const) {
  test(`${flavor}${dax ? '-dax' : ''}: a mapping is a buffer, the file's own too`, async (t) => {
    const m = new FsMachine();
    const fs = await m.make(flavor, { dax });
    const app = m.process();
    const file = await app.open(fs, '/f');
    await app.write(file, 0, bytesOf('f', PAGES(2)));
    const addr = await app.mmap(file, PAGES(2));
    const mm = app.mm;
    const call = (dir: 'readToUser' | 'writeFromUser', pos: number, at: number, len: number) =>
      app.call((c) => file[dir](c, pos, { mm, addr: at, len }));
    await app.store(addr, bytesOf('m', 100));
    t.is(await call('writeFromUser', PAGES(1), addr, 200), 200);
    t.is(runs(await app.read(file, PAGES(1), 300)), '6d*100,66*200');
    t.is(await call('readToUser', 0, addr + PAGES(1) + 50, 100), 100);
    t.is(runs(await app.load(addr + PAGES(1), 200)), '6d*150,66*50');
    t.is(await outcome(call('readToUser', 0, 4096, 10)), 'EFAULT');
    t.is(await outcome(call('writeFromUser', 0, 4096, 10)), 'EFAULT');
    t.is(await call('readToUser', MiB, addr, 10), 0);
    await m.end(t);
  });
}

test('a read into a mapping without write access is EFAULT and leaves it as it was', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4', { dax: true });
  const app = m.process();
  const file = await app.open(fs, '/f');
  await app.write(file, 0, bytesOf('f', PAGES(1)));
  const target = await app.open(fs, '/g');
  await app.write(target, 0, bytesOf('g', PAGES(1)));
  const addr = await app.mmap(target, PAGES(1), { prot: 'r' });
  const read = app.call((c) => file.readToUser(c, 0, { mm: app.mm, addr, len: PAGES(1) }));
  t.is(await outcome(read), 'EFAULT');
  t.is(runs(await app.load(addr, PAGES(1))), '67*4096');
  await m.end(t);
});

test('an immutable file refuses write; an empty write is nothing', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4');
  const app = m.process();
  const file = await app.open(fs, '/f');
  t.is(await app.write(file, 50, ''), 0);
  t.is(file.stat().size, 0);
  file.inode.record.immutable = true;
  t.is(await outcome(app.write(file, 0, 'x')), 'EPERM');
  file.inode.record.immutable = false;
  await m.end(t);
});

test('what was copied before a refusal counts; no mistake of our own passes for one', async (t) => {
  const ending = (at: number, end: () => never) =>
    inChunks(10, async (done, len) => (done === at ? end() : len), 4);
  const full = (): never => {
    throw new Errno('ENOSPC', 'full');
  };
  const fault = (): never => {
    throw new VmFault('SEGV_MAPERR', 0);
  };
  for (const [end, code] of [
    [full, 'ENOSPC'],
    [fault, 'EFAULT'],
  ] as const) {
    t.is(await ending(8, end), 8);
    t.is(await outcome(ending(0, end)), code);
  }
  for (const at of [0, 4]) {
    await t.throwsAsync(
      ending(at, () => assert.fail('ours')),
      { message: 'ours' },
    );
  }
});
