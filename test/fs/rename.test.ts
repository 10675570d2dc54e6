// Goal: names move, stay, or change places as renameat2(2) says, in one transaction, or not at all.
// Method: every row on a fresh tree, on three file systems; a refusal leaves names, link counts and
// space as they were; what was done is there after a remount.

import test from 'ava';
import type { RenameFlag } from '../../lib/fs/rename.js';
import { FsMachine, outcome } from './fs-fixture.js';

type Flavor = 'ext4' | 'xfs' | 'tmpfs';

async function tree(flavor: Flavor) {
  const m = new FsMachine();
  const fs = await m.make(flavor);
  const root = m.process('root');
  const user = m.process('user', 1000);
  for (const dir of ['/d', '/d/sub', '/d/sub/low', '/e', '/shared', '/closed', '/closed/dir']) {
    await root.call((c) => fs.mkdir(c, dir, dir.startsWith('/closed') ? 0o755 : 0o777));
  }
  await root.call((c) => fs.chmod(c, '/shared', 0o1777));
  for (const file of ['/f', '/g', '/d/x', '/shared/roots', '/closed/y']) {
    await root.close(await root.open(fs, file));
  }
  await root.call((c) => fs.link(c, '/f', '/f2'));
  await root.call((c) => fs.symlink(c, 'f', '/s'));
  const mine = await user.open(fs, '/shared/users');
  await user.close(mine);
  return { m, fs, root, user };
}

type Tree = Awaited<ReturnType<typeof tree>>;

/** Every name below the root, with its inode, its link count and what `..` of it is. */
async function names({ fs, root }: Pick<Tree, 'fs' | 'root'>): Promise<string[]> {
  return root.call(async (c) => {
    const walk = (dir: string): string[] =>
      fs.readdir(c, dir || '/').flatMap(({ name, ino, kind }) => {
        const path = `${dir}/${name}`;
        const up = kind === 'dir' ? fs.stat(c, `${path}/..`).ino : 0;
        const own = `${path} ${kind} ${ino} ${fs.stat(c, path, false).nlink} ${up}`;
        return [own, ...(kind === 'dir' ? walk(path) : [])];
      });
    return walk('').sort();
  });
}

type Row = readonly [
  name: string,
  from: string,
  to: string,
  flags: readonly RenameFlag[],
  expected: string,
  who?: 'user',
];

const rows: readonly Row[] = [
  ['exchange of two files', '/f', '/g', ['exchange'], 'ok'],
  ['exchange of two files in two directories', '/f', '/d/x', ['exchange'], 'ok'],
  ['exchange of a file and a directory', '/f', '/d/sub', ['exchange'], 'ok'],
  ['exchange of a directory and a file', '/d/sub', '/f', ['exchange'], 'ok'],
  ['exchange of two directories, both full', '/d/sub', '/closed', ['exchange'], 'ok'],
  ['exchange of a link and a directory', '/s', '/d/sub', ['exchange'], 'ok'],
  ['exchange of two names of one file', '/f', '/f2', ['exchange'], 'ok'],
  ['exchange with itself', '/d', '/d', ['exchange'], 'ok'],
  ['exchange with a missing target', '/f', '/none', ['exchange'], 'ENOENT'],
  ['exchange of a missing source', '/none', '/f', ['exchange'], 'ENOENT'],
  ['exchange and noreplace together', '/f', '/g', ['exchange', 'noreplace'], 'EINVAL'],
  ['exchange of a directory into its own subtree', '/d', '/d/sub/low', ['exchange'], 'EINVAL'],
  ['exchange of a file below with the directory above', '/d/x', '/d', ['exchange'], 'EINVAL'],
  ['exchange of a directory below with the one above', '/d/sub/low', '/d', ['exchange'], 'EINVAL'],
  ['exchange with the form of a directory that is a file', '/d', '/f/', ['exchange'], 'ENOTDIR'],
  ['exchange with ..', '/d/x', '/e/..', ['exchange'], 'EBUSY'],
  ['exchange of the root', '/', '/d', ['exchange'], 'EBUSY'],
  [
    'exchange without the right to one side',
    '/closed/y',
    '/shared/users',
    ['exchange'],
    'EACCES',
    'user',
  ],
  [
    'exchange with another’s file in a sticky directory',
    '/d/x',
    '/shared/roots',
    ['exchange'],
    'EPERM',
    'user',
  ],
  ['noreplace to a new name', '/f', '/new', ['noreplace'], 'ok'],
  ['noreplace of a directory', '/d/sub', '/e/sub', ['noreplace'], 'ok'],
  ['noreplace over a file', '/f', '/g', ['noreplace'], 'EEXIST'],
  ['noreplace over a directory', '/f', '/e', ['noreplace'], 'EEXIST'],
  ['noreplace over another name of the same file', '/f', '/f2', ['noreplace'], 'EEXIST'],
  ['noreplace to itself', '/f', '/f', ['noreplace'], 'EEXIST'],
  ['noreplace over .', '/f', '/d/.', ['noreplace'], 'EEXIST'],
  ['noreplace of a missing source', '/none', '/g', ['noreplace'], 'ENOENT'],
  ['a directory over the one above it', '/d/sub', '/d', [], 'ENOTEMPTY'],
  ['a directory into its own subtree', '/d', '/d/sub/low/d', [], 'EINVAL'],
  ['a directory that its mover may not write', '/shared/closed', '/e/closed', [], 'ENOENT', 'user'],
];

for (const flavor of ['ext4', 'xfs', 'tmpfs'] as const) {
  test(`${flavor}: names change as the table says, and a refusal changes nothing`, async (t) => {
    for (const [name, from, to, flags, expected, who = 'root'] of rows) {
      const s = await tree(flavor);
      const before = [await names(s), s.fs.statfs()];
      const call = s[who].call((c) => s.fs.rename(c, from, to, flags));
      t.is(await outcome(call), expected, name);
      if (expected !== 'ok') t.deepEqual([await names(s), s.fs.statfs()], before, name);
      await s.m.end(t);
    }
  });

  test(`${flavor}: an exchange twice leaves every name, link count and .. as it was`, async (t) => {
    for (const [name, from, to, flags, expected] of rows) {
      if (expected !== 'ok' || !flags.includes('exchange')) continue;
      const s = await tree(flavor);
      const before = await names(s);
      for (const _ of [1, 2]) await s.root.call((c) => s.fs.rename(c, from, to, flags));
      t.deepEqual(await names(s), before, name);
      await s.m.end(t);
    }
  });
}

test('what changed places is there after a remount, with .. and the link counts', async (t) => {
  const { m, fs, root } = await tree('ext4');
  const [sub, f] = await root.call(async (c) => [fs.stat(c, '/d/sub').ino, fs.stat(c, '/f').ino]);
  await root.call((c) => fs.rename(c, '/d/sub', '/f', ['exchange']));
  const before = await names({ fs, root });
  const again = await m.remount(fs);
  t.deepEqual(await names({ fs: again, root }), before);
  await root.call(async (c) => {
    t.is(again.stat(c, '/f').ino, sub!);
    t.is(again.stat(c, '/d/sub').ino, f!);
    t.is(again.stat(c, '/f/..').ino, again.stat(c, '/').ino);
    t.is(again.stat(c, '/d').nlink, 2, 'its only directory left');
  });
  await m.end(t);
});

test('a directory moves to another one only for who may write it: its .. changes', async (t) => {
  const { m, fs, root, user } = await tree('ext4');
  await root.call(async (c) => {
    await fs.mkdir(c, '/e/locked', 0o755);
    await fs.mkdir(c, '/e/own', 0o777);
  });
  const move = (from: string, to: string, flags: readonly RenameFlag[] = []) =>
    outcome(user.call((c) => fs.rename(c, from, to, flags)));
  t.is(await move('/e/locked', '/d/locked'), 'EACCES');
  t.is(await move('/d/x', '/e/locked', ['exchange']), 'EACCES', 'either of the two');
  t.is(await move('/e/locked', '/e/renamed'), 'ok', 'within its directory .. stays');
  t.is(await move('/e/own', '/d/own'), 'ok');
  await m.end(t);
});

test('an exchanged file lives on with its bytes, open or not, and nothing is freed', async (t) => {
  const { m, fs, root } = await tree('ext4');
  const [f, g] = [await root.open(fs, '/f'), await root.open(fs, '/g')];
  await root.write(f, 0, 'first');
  await root.write(g, 0, 'second');
  const free = fs.statfs();
  await root.call((c) => fs.rename(c, '/f', '/g', ['exchange']));
  t.deepEqual(fs.statfs(), free);
  const read = async (path: string) =>
    new TextDecoder().decode(await root.read(await root.open(fs, path, ['rdonly']), 0, 9));
  t.deepEqual([await read('/f'), await read('/g')], ['second', 'first']);
  await m.end(t);
});
