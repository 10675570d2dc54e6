// Goal: a file without a name ends with its last reference, not before and not later, and the end
// waits for pages exactly where the kernel does.

import test from 'ava';
import { kernelNames, kernelRules } from '../../lib/kernel-rules.js';
import { policies } from '../../lib/policy/index.js';
import { bytesOf, FsMachine, PAGES, runs } from './fs-fixture.js';

test('an unlinked file lives while it is open or mapped, and its blocks return then', async (t) => {
  for (const flavor of ['ext4', 'tmpfs'] as const) {
    const m = new FsMachine();
    const fs = await m.make(flavor, { dax: flavor === 'ext4' });
    const app = m.process();
    const empty = fs.statfs().free;
    const file = await app.open(fs, '/f');
    await app.write(file, 0, bytesOf('a', PAGES(4)));
    const addr = await app.mmap(file, PAGES(4));
    await app.call((c) => fs.unlink(c, '/f'));
    t.is(runs(await app.read(file, 0, 8)), '61*8');
    await app.close(file);
    t.is(runs(await app.load(addr, 8)), '61*8', 'the mapping holds it');
    t.is(fs.statfs().free, empty - 4);
    t.is(fs.statfs().unlinkedOpen, 4);
    await app.munmap(addr, PAGES(4));
    t.is(fs.statfs().free, empty);
    t.is(fs.statfs().unlinkedOpen, 0);
    await m.end(t);
  }
});

test('a name more keeps the file', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('xfs');
  const app = m.process();
  await app.write(await app.open(fs, '/f'), 0, 'both');
  await app.call((c) => fs.link(c, '/f', '/g'));
  await app.call((c) => fs.unlink(c, '/f'));
  const g = await app.open(fs, '/g', ['rdonly']);
  t.is(g.stat().nlink, 1);
  t.is(new TextDecoder().decode(await app.read(g, 0, 9)), 'both');
  await m.end(t);
});

test('eviction waits where evictWaits says so, and no signal ends it', async (t) => {
  for (const kernel of kernelNames) {
    const m = new FsMachine({ kernel });
    const fs = await m.make('ext4', { dax: true });
    const app = m.process();
    const empty = fs.statfs().free;
    const file = await app.open(fs, '/f');
    await app.write(file, 0, bytesOf('a', PAGES(2)));
    const addr = await app.mmap(file, PAGES(2));
    const { pipe } = await app.pin(addr, PAGES(1));
    await app.munmap(addr, PAGES(2));
    await app.call((c) => fs.unlink(c, '/f'));
    let closing: { interrupt(kind: 'kill'): void } | null = null;
    app.files.delete(file);
    const close = app.call(
      async ({ task }) => file.putFile(task),
      (task) => (closing = task),
    );
    const { evictWaits } = kernelRules[kernel];
    t.is(await m.blocks(close), evictWaits, kernel);
    if (evictWaits) {
      closing!.interrupt('kill');
      t.true(await m.blocks(close), `${kernel}: SIGKILL does not end it`);
    }
    await app.unpin(pipe);
    t.false(await m.blocks(close));
    t.is(fs.statfs().free, empty);
    await m.end(t);
  }
});

test('unlink of a file that nobody has open waits for its pages itself', async (t) => {
  const m = new FsMachine({ kernel: '7.2' });
  const fs = await m.make('xfs', { dax: true, policy: policies.wait });
  const app = m.process();
  const file = await app.open(fs, '/f');
  await app.write(file, 0, bytesOf('a', PAGES(1)));
  const addr = await app.mmap(file, PAGES(1));
  const { pipe } = await app.pin(addr, PAGES(1));
  await app.munmap(addr, PAGES(1));
  await app.close(file);
  const unlink = app.call((c) => fs.unlink(c, '/f'));
  t.true(await m.blocks(unlink));
  t.deepEqual(fs.readdir({ task: null as never, process: app }, '/'), [], 'the name is gone');
  await app.unpin(pipe);
  t.false(await m.blocks(unlink));
  await m.end(t);
});

test('rename over a file evicts what was there', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4');
  const app = m.process();
  const before = fs.statfs();
  for (const name of ['/a', '/b']) {
    const file = await app.open(fs, name);
    await app.write(file, 0, bytesOf(name, PAGES(3)));
    await app.close(file);
  }
  await app.call((c) => fs.rename(c, '/a', '/b'));
  t.is(fs.statfs().free, before.free - 3);
  t.is(fs.statfs().freeInodes, before.freeInodes - 1);
  await m.end(t);
});
