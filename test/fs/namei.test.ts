// Goal: a path leads where it leads on Linux.

import test from 'ava';
import { locate, lookup } from '../../lib/fs/namei.js';
import { isErrno } from '../../lib/errno.js';
import { FsMachine } from './fs-fixture.js';

test('dots, slashes and links are walked as the kernel walks them', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4');
  const app = m.process();
  await app.call((c) => fs.mkdir(c, '/a'));
  await app.call((c) => fs.mkdir(c, '/a/b'));
  await app.close(await app.open(fs, '/a/b/f'));
  await app.call((c) => fs.symlink(c, '/a/b', '/abs'));
  await app.call((c) => fs.symlink(c, '../a/b/f', '/a/rel'));
  await app.call((c) => fs.symlink(c, 'rel', '/a/again'));
  await app.call(async (caller) => {
    const f = lookup(fs.mount, caller, '/a/b/f');
    for (const path of [
      ...['a/b/f', '//a///b/f', '/a/./b/../b/f', '/../../a/b/f', '/abs/f', '/a/rel'],
      ...['/a/again', '/abs/../b/f', '/abs/./f'],
    ]) {
      t.is(lookup(fs.mount, caller, path), f, path);
    }
    t.is(lookup(fs.mount, caller, '/'), lookup(fs.mount, caller, '/a/..'));
    t.is(lookup(fs.mount, caller, '/a/rel', false).type, 'link');
    t.is(lookup(fs.mount, caller, '/abs/', false).type, 'dir', 'a slash follows the last link');
    t.like(locate(fs.mount, caller, '/a/new'), { name: 'new', inode: undefined });
    for (const [path, code] of [
      ['/a/b/f/', 'ENOTDIR'],
      ['/a/b/f/..', 'ENOTDIR'],
      ['/a/none/..', 'ENOENT'],
      ['a\0b', 'EINVAL'],
    ] as const) {
      t.true(
        isErrno(
          t.throws(() => lookup(fs.mount, caller, path)),
          code,
        ),
        path,
      );
    }
  });
  await m.end(t);
});

test('forty links are followed and no more', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('tmpfs');
  const app = m.process();
  await app.close(await app.open(fs, '/0'));
  for (let i = 1; i <= 41; i++) await app.call((c) => fs.symlink(c, `${i - 1}`, `/${i}`));
  await app.call(async (caller) => {
    t.is(lookup(fs.mount, caller, '/40').type, 'file');
    t.true(
      isErrno(
        t.throws(() => lookup(fs.mount, caller, '/41')),
        'ELOOP',
      ),
    );
  });
  await m.end(t);
});
