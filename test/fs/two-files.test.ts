// Goal: of two open files a call is told, in the kernel's order, which cannot take part.

import test from 'ava';
import { checkArea, checkNumbers, checkReadWrite, onOneMount } from '../../lib/fs/two-files.js';
import { FsMachine } from './fs-fixture.js';

test('directories come first, then what is no file, then what is not open for it', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4');
  const app = m.process();
  const file = await app.open(fs, '/f');
  const reading = await app.open(fs, '/f', ['rdonly']);
  const writing = await app.open(fs, '/f', ['wronly']);
  const appending = await app.open(fs, '/f', ['rdwr', 'append']);
  const dir = await app.open(fs, '/', ['rdonly']);
  for (const [from, to, code] of [
    [file, file, null],
    [reading, writing, null],
    [dir, null, 'EISDIR'],
    [null, dir, 'EISDIR'],
    [null, file, 'EINVAL'],
    [writing, null, 'EINVAL'],
    [writing, file, 'EBADF'],
    [file, reading, 'EBADF'],
    [file, appending, 'EBADF'],
    [appending, file, null],
  ] as const) {
    if (code === null) t.notThrows(() => checkReadWrite('copy', from, to));
    else t.throws(() => checkReadWrite('copy', from, to), { code });
  }
  await m.end(t);
});

test('one mount is one file system, and a pipe is on none', async (t) => {
  const m = new FsMachine();
  const [fs, other] = [await m.make('ext4'), await m.make('ext4')];
  const app = m.process();
  const [a, b] = [await app.open(fs, '/a'), await app.open(fs, '/b')];
  t.true(onOneMount(a, b));
  t.false(onOneMount(a, await app.open(other, '/a')));
  t.false(onOneMount(null, null));
  await m.end(t);
});

test('an area is whole bytes from 0 on', (t) => {
  t.notThrows(() => checkArea('copy', 0, 0));
  for (const [pos, len] of [
    [-1, 1],
    [1, -1],
    [Number.MAX_SAFE_INTEGER, 1],
  ] as const) {
    t.throws(() => checkArea('copy', pos, len), { code: 'EINVAL' });
  }
  for (const v of [1.5, '1', null, undefined, NaN]) {
    t.throws(() => checkNumbers('copy', { pos: v }), { code: 'EINVAL', message: /pos/ });
  }
  t.notThrows(() => checkNumbers('copy', { pos: -1 }));
});
