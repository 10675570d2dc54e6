// Goal: names go and move as rename(2), unlink(2) and rmdir(2) say, in one step, or not at all.

import test from 'ava';
import { FsMachine, outcome } from './fs-fixture.js';

async function tree(flavor: 'ext4' | 'tmpfs') {
  const m = new FsMachine();
  const fs = await m.make(flavor);
  const root = m.process('root');
  const user = m.process('user', 1000);
  for (const dir of ['/d', '/d/sub', '/full', '/shared', '/closed', '/empty']) {
    await root.call((c) => fs.mkdir(c, dir, dir === '/closed' ? 0o755 : 0o777));
  }
  await root.call((c) => fs.chmod(c, '/shared', 0o1777));
  for (const file of ['/f', '/g', '/full/x', '/shared/roots', '/closed/x']) {
    await root.close(await root.open(fs, file));
  }
  const names = () =>
    root.call(async (c) =>
      ['/', '/d', '/full', '/shared', '/closed'].map((p) =>
        fs.readdir(c, p).map((e) => `${e.name}=${e.ino}`),
      ),
    );
  return { m, fs, root, user, names };
}

type Tree = Awaited<ReturnType<typeof tree>>;
const rename = (a: string, b: string) => (s: Tree, c: Parameters<Tree['fs']['unlink']>[0]) =>
  s.fs.rename(c, a, b);
const unlink = (p: string) => (s: Tree, c: Parameters<Tree['fs']['unlink']>[0]) =>
  s.fs.unlink(c, p);
const rmdir = (p: string) => (s: Tree, c: Parameters<Tree['fs']['unlink']>[0]) => s.fs.rmdir(c, p);
const link = (a: string, b: string) => (s: Tree, c: Parameters<Tree['fs']['unlink']>[0]) =>
  s.fs.link(c, a, b);

const rows: readonly (readonly [string, ReturnType<typeof unlink>, 'root' | 'user', string])[] = [
  ['unlink of a file', unlink('/f'), 'root', 'ok'],
  ['unlink of a directory', unlink('/d'), 'root', 'EISDIR'],
  ['unlink of nothing', unlink('/none'), 'root', 'ENOENT'],
  ['unlink without the right to the directory', unlink('/closed/x'), 'user', 'EACCES'],
  ['unlink of another’s file in a sticky directory', unlink('/shared/roots'), 'user', 'EPERM'],
  ['rmdir of an empty directory', rmdir('/empty'), 'root', 'ok'],
  ['rmdir of a full one', rmdir('/full'), 'root', 'ENOTEMPTY'],
  ['rmdir of a file', rmdir('/f'), 'root', 'ENOTDIR'],
  ['rmdir of .', rmdir('/d/.'), 'root', 'EINVAL'],
  ['rmdir of ..', rmdir('/d/..'), 'root', 'ENOTEMPTY'],
  ['rmdir of the root', rmdir('/'), 'root', 'EBUSY'],
  ['rename to a new name', rename('/f', '/new'), 'root', 'ok'],
  ['rename over a file', rename('/f', '/g'), 'root', 'ok'],
  ['rename to itself', rename('/f', '/f'), 'root', 'ok'],
  ['rename over an empty directory', rename('/d', '/empty'), 'root', 'ok'],
  ['rename over a full directory', rename('/d', '/full'), 'root', 'ENOTEMPTY'],
  ['rename of a file over a directory', rename('/f', '/empty'), 'root', 'EISDIR'],
  ['rename of a directory over a file', rename('/d', '/f'), 'root', 'ENOTDIR'],
  ['rename into itself', rename('/d', '/d/sub/x'), 'root', 'EINVAL'],
  ['rename of nothing', rename('/none', '/x'), 'root', 'ENOENT'],
  ['rename into nowhere', rename('/f', '/none/x'), 'root', 'ENOENT'],
  ['rename of .', rename('/d/.', '/x'), 'root', 'EBUSY'],
  ['rename without the right', rename('/closed/x', '/shared/x'), 'user', 'EACCES'],
  [
    'rename to a name that is too long',
    rename('/f', `/${'n'.repeat(256)}`),
    'root',
    'ENAMETOOLONG',
  ],
  ['rename of a file to a directory’s form', rename('/f', '/new/'), 'root', 'ENOTDIR'],
  ['link', link('/f', '/h'), 'root', 'ok'],
  ['link over a name', link('/f', '/g'), 'root', 'EEXIST'],
  ['link of a directory', link('/d', '/h'), 'root', 'EPERM'],
  ['link without the right', link('/f', '/closed/h'), 'user', 'EACCES'],
];

for (const flavor of ['ext4', 'tmpfs'] as const) {
  test(`${flavor}: names change as the table says, and a refusal changes nothing`, async (t) => {
    for (const [name, change, who, expected] of rows) {
      const s = await tree(flavor);
      const before = [await s.names(), s.fs.statfs()];
      t.is(await outcome(s[who].call((c) => change(s, c))), expected, name);
      if (expected !== 'ok') t.deepEqual([await s.names(), s.fs.statfs()], before, name);
      await s.m.end(t);
    }
  });
}

test('a directory that moves takes its parent along, and link counts follow', async (t) => {
  const { m, fs, root } = await tree('ext4');
  await root.call((c) => fs.rename(c, '/d/sub', '/full/sub'));
  await root.call(async (c) => {
    t.is(fs.stat(c, '/d').nlink, 2);
    t.is(fs.stat(c, '/full').nlink, 3);
    t.is(fs.stat(c, '/full/sub/..').ino, fs.stat(c, '/full').ino);
    t.is(fs.stat(c, '/').nlink, 7);
  });
  await m.end(t);
});

test('a directory that was removed while open can hold no new names', async (t) => {
  const { m, fs, root } = await tree('ext4');
  const dir = await root.open(fs, '/empty', ['rdonly']);
  await root.call((c) => fs.rmdir(c, '/empty'));
  t.is(dir.stat().nlink, 0);
  t.is(await outcome(root.open(fs, '/empty/x')), 'ENOENT');
  await m.end(t);
});
