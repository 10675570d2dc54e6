// Goal: each end of a pipe does its half, and the buffers hear of every end that goes.

import test from 'ava';
import { fixture } from './fixture.js';

test('bytes go in at one end and come out at the other', async (t) => {
  const app = fixture().table.spawn('app');
  const [r, w] = await app.pipe();
  t.deepEqual([r, w], [0, 1]);
  t.is(await app.writeStream(w, Uint8Array.of(1, 2, 3)), 3);
  t.deepEqual([...(await app.readPipe(r, 2))], [1, 2]);
  t.deepEqual([...(await app.readStream(r, 9))], [3]);
  t.is(await app.vmsplice(w, 0x1000, 10), 10);
});

test('the wrong end is EBADF, a position ESPIPE, a file that is no pipe EBADF', async (t) => {
  const app = fixture().table.spawn('app');
  const [r, w] = await app.pipe();
  const bytes = Uint8Array.of(1);
  await t.throwsAsync(app.readPipe(w, 1), { code: 'EBADF' });
  await t.throwsAsync(app.writeStream(r, bytes), { code: 'EBADF' });
  await t.throwsAsync(app.vmsplice(r, 0, 1), { code: 'EBADF' });
  await t.throwsAsync(app.read(r, 0, 1), { code: 'ESPIPE' });
  await t.throwsAsync(app.write(w, 0, bytes), { code: 'ESPIPE' });
  await t.throwsAsync(app.lseek(r, 0, 'SEEK_SET'), { code: 'ESPIPE' });
  await t.throwsAsync(app.fallocate(w, 'alloc', 0, 1), { code: 'ESPIPE' });
  const fd = await app.open('/f', ['rdwr', 'creat']);
  await t.throwsAsync(app.vmsplice(fd, 0, 1), { code: 'EBADF' });
});

test('a write without a reader is EPIPE and SIGPIPE, which kills by default', async (t) => {
  const { table } = fixture();
  const app = table.spawn('app');
  app.on('SIGPIPE', () => {});
  const [r, w] = await app.pipe();
  await app.close(r);
  await t.throwsAsync(app.writeStream(w, Uint8Array.of(1)), { code: 'EPIPE' });
  t.deepEqual(app.takeSignals(), ['SIGPIPE']);

  const other = table.spawn('other');
  const [r2, w2] = await other.pipe();
  await other.close(r2);
  await t.throwsAsync(other.writeStream(w2, Uint8Array.of(1)), { code: 'EKILLED' });
  t.is(await other.ended, 'SIGPIPE');
});

test('a duplicate keeps the end open, and O_NONBLOCK is of the open file', async (t) => {
  const { table, journal } = fixture();
  const app = table.spawn('app');
  const [r, w] = await app.pipe();
  const w2 = await app.dup(w);
  await app.setNonblock(w2, true);
  await app.writeStream(w, Uint8Array.of(1));
  await t.throwsAsync(app.writeStream(w, Uint8Array.of(1)), { code: 'EAGAIN' });
  await app.close(w);
  t.deepEqual(journal, []);
  await app.close(w2);
  await app.close(r);
  t.deepEqual(journal, ['close write end', 'close read end']);
});
