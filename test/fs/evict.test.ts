// Goal: a file without a name ends with its last reference, not before and not later, and the end
// waits for pages exactly where the kernel does.

import test from 'ava';
import { Errno } from '../../lib/errno.js';
import { changeFlags } from '../../lib/fs/inode-flags.js';
import { kernelNames, kernelRules } from '../../lib/kernel-rules.js';
import { policies } from '../../lib/policy/index.js';
import { WaitQueue } from '../../lib/sched/index.js';
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

/** A file that is open, with FS_XFLAG_DAX changed under that: with its last close S_DAX changes. */
async function changing(m: FsMachine, from: 'dax' | 'cached') {
  const fs = await m.make('ext4', { dax: 'inode' });
  const app = m.process();
  const file = await app.open(fs, '/f');
  const { inode } = file;
  if (from === 'dax') {
    await app.call((c) => changeFlags(c, inode, { dax: true }));
    await app.close(file);
  }
  const own = from === 'dax' ? await app.open(fs, '/f') : file;
  await app.write(own, 0, bytesOf('a', PAGES(2)));
  await app.call((c) => changeFlags(c, inode, { dax: from === 'cached' }));
  return { fs, app, inode, file: own };
}

test('an inode that is made anew waits for pins of its DAX pages where evictWaits says so', async (t) => {
  for (const kernel of kernelNames) {
    const m = new FsMachine({ kernel });
    const { app, inode, file } = await changing(m, 'dax');
    const addr = await app.mmap(file, PAGES(2));
    const { pipe } = await app.pin(addr, PAGES(1));
    await app.munmap(addr, PAGES(2));
    const close = app.close(file);
    const { evictWaits } = kernelRules[kernel];
    t.is(await m.blocks(close), evictWaits, kernel);
    t.is(inode.dax, evictWaits, kernel);
    await app.unpin(pipe);
    t.false(await m.blocks(close));
    t.false(inode.dax);
    await m.end(t);
  }
});

test('pinned pages of a cache leave the file when its inode is made anew, and nobody waits', async (t) => {
  const m = new FsMachine({ kernel: '7.2' });
  const { fs, app, inode, file } = await changing(m, 'cached');
  const addr = await app.mmap(file, PAGES(2));
  const { pipe } = await app.pin(addr, PAGES(1));
  await app.munmap(addr, PAGES(2));
  t.false(await m.blocks(app.close(file)));
  t.true(inode.dax);
  t.is(m.mm.pages.nrOrphans, 1);
  const again = await app.open(fs, '/f');
  await app.write(again, 0, bytesOf('n', PAGES(1)));
  t.is(runs(await app.unpin(pipe)), '61*4096', 'who holds the page has the old one');
  t.is(runs(await app.read(again, 0, PAGES(2))), '6e*4096,61*4096');
  await m.end(t);
});

test('who opens a file before its inode is made anew keeps its mode, and the last close tries again', async (t) => {
  const m = new FsMachine();
  const { fs, app, inode, file } = await changing(m, 'cached');
  const gate = new WaitQueue(m.sched, 'gate');
  let isOpen = false;
  const reading = m.sched.enter('reader', async (task) => {
    await inode.iRwsem.downRead(task);
    await gate.waitEvent(task, () => isOpen, { why: 'the test' });
    inode.iRwsem.upRead(task);
  });
  t.true(await m.blocks(reading));
  const close = app.close(file);
  t.true(await m.blocks(close), 'it waits for i_rwsem');
  const other = m.process('other');
  const late = await other.open(fs, '/f');
  isOpen = true;
  gate.wakeAll();
  t.false(await m.blocks(close));
  t.false(inode.dax, 'it is open');
  t.is(runs(await other.read(late, 0, 8)), '61*8');
  await other.close(late);
  t.true(inode.dax);
  await m.end(t);
});

test('a page that its policy keeps from writeback keeps its inode in memory', async (t) => {
  const m = new FsMachine();
  const { fs, app, inode, file } = await changing(m, 'cached');
  const { cached } = fs.mount.files;
  fs.mount.files = { ...fs.mount.files, cached: { ...cached, sync: async () => {} } };
  await app.close(file);
  t.false(inode.dax, 'nothing was written');
  fs.mount.files = { ...fs.mount.files, cached };
  await app.close(await app.open(fs, '/f'));
  t.true(inode.dax);
  t.is(runs(await app.read(await app.open(fs, '/f'), 0, PAGES(2))), '61*8192');
  await m.end(t);
});

test('a file whose pages cannot be written stays in memory, and its close returns', async (t) => {
  const m = new FsMachine();
  const { fs, app, inode, file } = await changing(m, 'cached');
  const engine = m.env.blockEngine;
  Object.assign(m.env, { blockEngine: { transfer: () => Promise.reject(new Errno('EIO', 'x')) } });
  await app.close(file);
  t.false(inode.dax);
  Object.assign(m.env, { blockEngine: engine });
  t.is(runs(await app.read(await app.open(fs, '/f'), 0, PAGES(2))), '61*8192');
  await m.end(t);
});
