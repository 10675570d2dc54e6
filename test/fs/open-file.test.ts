// Goal: an open file description lives as long as anybody refers to it, and tells its owner.

import test from 'ava';
import { bytesOf, FsMachine, outcome, PAGES } from './fs-fixture.js';

test('a lease outlives close while a mapping holds the file, and then goes', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4');
  const a = m.process('A');
  const file = await a.open(fs, '/f');
  await a.write(file, 0, bytesOf('a', PAGES(1)));
  await a.call((c) => file.setLease(c, 'F_WRLCK', 3));
  const addr = await a.mmap(file, PAGES(1));
  await a.close(file);
  const breaker = m.process('B').open(fs, '/f', ['rdonly']);
  t.true(await m.blocks(breaker));
  t.deepEqual(a.signals, ['SIGIO']);
  await a.munmap(addr, PAGES(1));
  t.false(await m.blocks(breaker));
  await m.end(t);
});

test('dup shares the description: the lease goes with the last close', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4');
  const a = m.process('A');
  const file = await a.open(fs, '/f', ['rdonly', 'creat']);
  file.getFile();
  await a.call((c) => file.setLease(c, 'F_RDLCK', 3));
  await a.call(async ({ task }) => file.putFile(task));
  t.is(file.getLease(), 'F_RDLCK');
  t.is(await outcome(m.process('B').open(fs, '/f', ['wronly', 'nonblock'])), 'EAGAIN');
  await a.close(file);
  t.is(await outcome(m.process('B').open(fs, '/f', ['wronly', 'nonblock'])), 'ok');
  await m.end(t);
});

test('F_SETSIG and F_SETOWN say which signal reaches whom', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('tmpfs');
  const [a, b] = [m.process('A'), m.process('B')];
  const file = await a.open(fs, '/f', ['rdonly', 'creat']);
  await a.call((c) => file.setLease(c, 'F_RDLCK', 3));
  file.signal = 'SIGUSR1';
  file.owner = b;
  await outcome(m.process('C').open(fs, '/f', ['wronly', 'nonblock']));
  t.deepEqual([a.signals, b.signals], [[], ['SIGUSR1']]);
  await a.call((c) => file.setLease(c, 'F_UNLCK', 3));
  t.is(file.owner as unknown, null, 'f_delown');
  await m.end(t);
});

test('a description that was opened for one thing refuses the other', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4');
  const app = m.process();
  const rw = await app.open(fs, '/f');
  const ro = await app.open(fs, '/f', ['rdonly']);
  const wo = await app.open(fs, '/f', ['wronly']);
  const path = await app.open(fs, '/f', ['path']);
  const dir = await app.open(fs, '/', ['rdonly']);
  t.is(await outcome(app.write(ro, 0, 'x')), 'EBADF');
  t.is(await outcome(app.read(wo, 0, 1)), 'EBADF');
  t.is(await outcome(app.read(path, 0, 1)), 'EBADF');
  t.is(await outcome(app.read(dir, 0, 1)), 'EISDIR');
  t.is(await outcome(app.read(rw, -1, 1)), 'EINVAL');
  t.is(await outcome(app.call((c) => path.fsync(c))), 'EBADF');
  t.is(await outcome(app.call((c) => path.setLease(c, 'F_RDLCK', 3))), 'EBADF');
  t.is(await outcome(app.call((c) => dir.setLease(c, 'F_RDLCK', 3))), 'EINVAL');
  const check = (file: typeof rw, write: boolean, share: 'shared' | 'private') =>
    outcome((async () => file.checkMmap({ write }, share))());
  t.is(await check(wo, false, 'shared'), 'EACCES');
  t.is(await check(ro, true, 'shared'), 'EACCES');
  t.is(await check(ro, true, 'private'), 'ok');
  t.is(await check(dir, false, 'shared'), 'ENODEV');
  t.is(await check(path, false, 'shared'), 'EBADF');
  await m.end(t);
});

test('O_APPEND writes at the end, and two writers never over each other', async (t) => {
  for (let seed = 0; seed < 6; seed++) {
    const m = new FsMachine({ sched: { mode: 'simulated', seed } });
    const fs = await m.make('ext4', { dax: true });
    const [a, b] = [m.process('A'), m.process('B')];
    const fa = await a.open(fs, '/f', ['wronly', 'creat', 'append']);
    const fb = await b.open(fs, '/f', ['rdwr', 'append']);
    await Promise.all([a.write(fa, 0, 'aaaa'), b.write(fb, 0, 'bbbb'), a.write(fa, 0, 'cccc')]);
    const text = new TextDecoder().decode(await b.read(fb, 0, 99));
    t.deepEqual(text.match(/.{4}/g)?.sort(), ['aaaa', 'bbbb', 'cccc']);
    await m.end(t);
  }
});
