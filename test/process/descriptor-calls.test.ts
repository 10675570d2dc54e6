// Goal: an open file lives as long as any descriptor, call or process refers to it, and goes at
// once with the last of them.

import test from 'ava';
import { fixture } from './fixture.js';

test('close flushes each time and releases with the last descriptor, at once', async (t) => {
  const { table, journal } = fixture();
  const app = table.spawn('app');
  const fd = await app.open('/f', ['creat']);
  const copy = await app.dup(fd);
  t.is(copy, 1);
  await app.close(fd);
  t.deepEqual(journal, ['flush f']);
  await app.close(copy);
  t.deepEqual(journal, ['flush f', 'flush f', 'release f']);
});

test('dup takes the lowest number from a minimum up', async (t) => {
  const app = fixture().table.spawn('app');
  const fd = await app.open('/f', ['creat']);
  t.is(await app.dup(fd, 5), 5);
  t.is(await app.dup(fd), 1);
  await app.setrlimit('nofile', 6);
  await t.throwsAsync(app.dup(fd, 5), { code: 'EMFILE' });
  await t.throwsAsync(app.dup(fd, 6), { code: 'EINVAL' });
});

test('dup2 closes what was there, and does nothing onto itself', async (t) => {
  const { table, journal } = fixture();
  const app = table.spawn('app');
  const a = await app.open('/a', ['creat']);
  const b = await app.open('/b', ['creat']);
  t.is(await app.dup2(a, a), a);
  t.deepEqual(journal, []);
  t.is(await app.dup2(a, b), b);
  t.deepEqual(journal, ['flush b', 'release b']);
  await t.throwsAsync(app.dup2(a, 4096), { code: 'EBADF' });
  await app.close(a);
  await app.close(b);
  t.is(journal.at(-1), 'release a');
});

test('a call under way keeps the file open, whoever closes the descriptor', async (t) => {
  const { sched, table, fs, journal } = fixture();
  const app = table.spawn('app');
  const fd = await app.open('/f', ['creat']);
  const read = app.read(fd, 0, 1);
  await sched.settle();
  await app.close(fd);
  t.deepEqual(journal, ['enter f', 'flush f']);
  fs.last('f').wake();
  await read;
  t.is(journal.at(-1), 'release f');
});

test('a file that was passed on outlives its process', async (t) => {
  const { table, journal, fs } = fixture();
  const app = table.spawn('app');
  const other = table.spawn('other');
  const fd = await app.open('/f', ['creat']);
  await other.open('/g', ['creat']);
  t.is(await app.sendFd(other, fd), 1);
  await app.exit();
  t.false(journal.includes('release f'));
  t.is(fs.last('f').refs, 1);
  await other.exit();
  t.deepEqual(journal.slice(-2), ['release f', 'release g']);
});

test('nothing is passed to a process that is gone', async (t) => {
  const { table, fs } = fixture();
  const app = table.spawn('app');
  const other = table.spawn('other');
  const fd = await app.open('/f', ['creat']);
  await other.exit();
  await t.throwsAsync(app.sendFd(other, fd), { code: 'EPIPE' });
  t.is(fs.last('f').refs, 1);
});

test('a pipe needs two descriptors, or takes none', async (t) => {
  const app = fixture().table.spawn('app');
  await app.setrlimit('nofile', 1);
  await t.throwsAsync(app.pipe(), { code: 'EMFILE' });
  t.is(app.fds.nrOpen, 0);
  t.is(await app.open('/f', ['creat']), 0);
});

test('leases are for regular files', async (t) => {
  const app = fixture().table.spawn('app');
  const fd = await app.open('/f', ['creat']);
  await app.setLease(fd, 'F_RDLCK');
  t.is(await app.getLease(fd), 'F_RDLCK' as never);
  await app.setLease(fd, ['F_LAYOUT', 'F_EXCLUSIVE']);
  t.is(await app.getLease(fd), 'F_LAYOUT|F_EXCLUSIVE' as never);
  const dev = await app.open('/dev/null0', ['rdwr']);
  await t.throwsAsync(app.setLease(dev, 'F_RDLCK'), { code: 'EINVAL' });
  t.is(await app.getLease(dev), 'F_UNLCK');
});

test('F_SETOWN wants a process that exists, F_SETSIG a signal', async (t) => {
  const app = fixture().table.spawn('app');
  const fd = await app.open('/f', ['creat']);
  await app.setOwn(fd, app.pid);
  await app.setSig(fd, 'SIGRTMIN+1');
  await t.throwsAsync(app.setOwn(fd, 999), { code: 'ESRCH' });
  await t.throwsAsync(app.setSig(fd, 'SIGNONE'), { code: 'EINVAL' });
});
