// Goal: flags are changed by whom the kernel lets, on what it lets, and refused in its order; a
// call that is refused changes none.

import test from 'ava';
import type { FileSystem } from '../../lib/fs/file-system.js';
import {
  changeFlags,
  flagsOf,
  fsxattrOf,
  setFsxattr,
  type Fsxattr,
} from '../../lib/fs/inode-flags.js';
import type { Inode } from '../../lib/fs/inode.js';
import { FsMachine, outcome, type TestProcess } from './fs-fixture.js';

test('FSSETXATTR sets what it names and clears the rest, SETFLAGS changes what it names', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4');
  const app = m.process();
  const { inode } = await app.open(fs, '/f');
  await app.call((c) => setFsxattr(c, inode, { xflags: ['dax', 'append'] }));
  t.deepEqual(fsxattrOf(inode), { xflags: ['append', 'dax'] });
  await app.call((c) => changeFlags(c, inode, { append: false }));
  t.deepEqual(flagsOf(inode), { immutable: false, append: false, dax: true });
  await app.call((c) => setFsxattr(c, inode, { xflags: [] }));
  t.deepEqual(fsxattrOf(inode), { xflags: [] });
  await m.end(t);
});

interface Scene {
  readonly root: TestProcess;
  readonly user: TestProcess;
  readonly fs: FileSystem;
  inode(path: string): Promise<Inode>;
}

async function sceneOn(m: FsMachine, flavor: 'ext4' | 'xfs' | 'tmpfs'): Promise<Scene> {
  const fs = await m.make(flavor, { dax: flavor === 'tmpfs' ? false : 'inode' });
  const [root, user] = [m.process('root'), m.process('user', 1000)];
  for (const [path, app] of [
    ['/own', user],
    ['/fixed', root],
    ['/root', root],
  ] as const) {
    await app.close(await app.open(fs, path));
  }
  await root.call((c) => fs.symlink(c, '/own', '/link'));
  const inode = (path: string) =>
    root.call(async (c) =>
      path === '/link' ? fs.mount.inode(fs.stat(c, path, false).ino) : fs.inode(c, path),
    );
  const fixed = await inode('/fixed');
  await root.call((c) => changeFlags(c, fixed, { immutable: true }));
  return { root, user, fs, inode };
}

type Flavors = readonly ('ext4' | 'xfs' | 'tmpfs')[];
const all: Flavors = ['ext4', 'xfs', 'tmpfs'];
const disks: Flavors = ['ext4', 'xfs'];

/** Who sets what on which file, and the answer on which file systems. */
const rows: readonly (readonly ['root' | 'user', string, Fsxattr['xflags'], string, Flavors])[] = [
  ['user', '/own', ['dax'], 'ok', disks],
  ['user', '/own', ['dax'], 'EOPNOTSUPP', ['tmpfs']],
  ['user', '/root', ['dax'], 'EPERM', all],
  ['user', '/root', [], 'EPERM', all],
  ['user', '/own', ['append'], 'EPERM', all],
  ['user', '/own', ['immutable', 'dax'], 'EPERM', all],
  ['root', '/own', ['immutable'], 'ok', all],
  ['root', '/own', ['bogus' as never], 'EINVAL', all],
  ['root', '/link', ['dax'], 'EINVAL', all],
  ['root', '/fixed', ['immutable', 'dax'], 'EPERM', ['ext4']],
  ['root', '/fixed', ['immutable', 'dax'], 'ok', ['xfs']],
  ['root', '/fixed', ['immutable', 'append'], 'EPERM', ['ext4']],
  ['root', '/fixed', ['dax'], 'ok', disks],
  ['root', '/fixed', ['immutable'], 'ok', all],
];

for (const [who, path, xflags, code, flavors] of rows) {
  const on = flavors.join(', ');
  test(`${who} sets ${xflags.join(' and ') || 'nothing'} on ${path}: ${code} on ${on}`, async (t) => {
    for (const flavor of flavors) {
      const m = new FsMachine();
      const s = await sceneOn(m, flavor);
      const inode = await s.inode(path);
      const before = fsxattrOf(inode);
      t.is(await outcome(s[who].call((c) => setFsxattr(c, inode, { xflags }))), code, flavor);
      const { xflags: after } = fsxattrOf(inode);
      t.deepEqual(new Set(after), new Set(code === 'ok' ? xflags : before.xflags), flavor);
      await s.root.call((c) => setFsxattr(c, inode, { xflags: [] }));
      await m.end(t);
    }
  });
}

test('on a file system that is read-only it is EROFS, whoever asks', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4');
  const [root, user] = [m.process('root'), m.process('user', 1000)];
  await root.close(await root.open(fs, '/f'));
  const { inode } = await user.open(fs, '/f', ['rdonly']);
  Object.defineProperty(fs.mount, 'readOnly', { value: true });
  const change = user.call((c) => changeFlags(c, inode, { dax: true }));
  t.is(await outcome(change), 'EROFS');
  await m.end(t);
});
