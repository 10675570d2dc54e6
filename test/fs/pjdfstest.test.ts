// Goal: truncate and ftruncate answer as pjdfstest says; each test is one file of its two suites,
// 00 to 14, on ext4, xfs and tmpfs.

import test, { type ExecutionContext } from 'ava';
import { changeFlags } from '../../lib/fs/inode-flags.js';
import type { FileSystem } from '../../lib/fs/file-system.js';
import { bytesOf, FsMachine, outcome, PAGES, type TestProcess } from './fs-fixture.js';

const flavors = ['ext4', 'xfs', 'tmpfs'] as const;
type Flavor = (typeof flavors)[number];
type Who = 'root' | 'user';

interface Stage {
  readonly m: FsMachine;
  readonly fs: FileSystem;
  readonly root: TestProcess;
  readonly user: TestProcess;
}

async function stage(flavor: Flavor): Promise<Stage> {
  const m = new FsMachine();
  const fs = await m.make(flavor);
  return { m, fs, root: m.process('root'), user: m.process('user', 65534) };
}

const truncate = ({ fs, ...who }: Stage, by: Who, path: string, len = 123): Promise<string> =>
  outcome(who[by].call((c) => fs.truncate(c, path, len)));
const make = async (s: Stage, path: string, mode = 0o644): Promise<void> =>
  s.root.close(await s.root.open(s.fs, path, ['rdwr', 'creat'], mode));
const mkdir = (s: Stage, path: string, mode = 0o755): Promise<void> =>
  s.root.call((c) => s.fs.mkdir(c, path, mode));

type Row = readonly [name: string, law: (t: ExecutionContext, s: Stage) => Promise<void>];

const rows: readonly Row[] = [
  [
    'truncate/01, ENOTDIR: a part of the path is no directory',
    async (t, s) => {
      await make(s, '/f');
      t.is(await truncate(s, 'root', '/f/test'), 'ENOTDIR');
    },
  ],
  [
    'truncate/02, ENAMETOOLONG: a name of more than 255 bytes',
    async (t, s) => {
      await make(s, `/${'n'.repeat(255)}`);
      t.is(await truncate(s, 'root', `/${'n'.repeat(255)}`), 'ok');
      t.is(await truncate(s, 'root', `/${'n'.repeat(256)}`), 'ENAMETOOLONG');
    },
  ],
  [
    'truncate/03, ENAMETOOLONG: a path of more than 4095 bytes',
    async (t, s) => {
      await make(s, '/f');
      t.is(await truncate(s, 'root', `${'/.'.repeat(2046)}/f`), 'ok', '4094 bytes');
      t.is(await truncate(s, 'root', `${'/.'.repeat(2048)}/f`), 'ENAMETOOLONG');
    },
  ],
  [
    'truncate/04, ENOENT: nothing has that name',
    async (t, s) => {
      await mkdir(s, '/d');
      t.is(await truncate(s, 'root', '/d/none/test'), 'ENOENT');
      t.is(await truncate(s, 'root', '/d/none'), 'ENOENT');
    },
  ],
  [
    'truncate/05, EACCES: no search right to a directory of the path',
    async (t, s) => {
      await mkdir(s, '/d');
      await make(s, '/d/f', 0o666);
      t.is(await truncate(s, 'user', '/d/f'), 'ok');
      await s.root.call((c) => s.fs.chmod(c, '/d', 0o644));
      t.is(await truncate(s, 'user', '/d/f'), 'EACCES');
      await s.root.call((c) => s.fs.chmod(c, '/d', 0o755));
      t.is(await truncate(s, 'user', '/d/f', 456), 'ok');
    },
  ],
  [
    'truncate/06, EACCES: no write right to the file',
    async (t, s) => {
      await make(s, '/f', 0o644);
      t.is(await truncate(s, 'user', '/f'), 'EACCES');
      await s.root.call((c) => s.fs.chmod(c, '/f', 0o646));
      t.is(await truncate(s, 'user', '/f'), 'ok');
    },
  ],
  [
    'truncate/07, ELOOP: links that lead to each other',
    async (t, s) => {
      await s.root.call((c) => s.fs.symlink(c, '/b', '/a'));
      await s.root.call((c) => s.fs.symlink(c, '/a', '/b'));
      for (const path of ['/a', '/b', '/a/test', '/b/test']) {
        t.is(await truncate(s, 'root', path), 'ELOOP', path);
      }
    },
  ],
  [
    'truncate/08, EPERM: immutable and append-only files',
    async (t, s) => {
      await make(s, '/f');
      const inode = await s.root.call(async (c) => s.fs.inode(c, '/f'));
      for (const flags of [{ immutable: true }, { append: true }]) {
        await s.root.call((c) => changeFlags(c, inode, flags));
        t.is(await truncate(s, 'root', '/f'), 'EPERM', JSON.stringify(flags));
        t.is(inode.size(), 0);
        await s.root.call((c) => changeFlags(c, inode, { immutable: false, append: false }));
      }
      t.is(await truncate(s, 'root', '/f'), 'ok');
    },
  ],
  [
    'truncate/09, EISDIR: a directory',
    async (t, s) => {
      await mkdir(s, '/d');
      t.is(await truncate(s, 'root', '/d'), 'EISDIR');
    },
  ],
  [
    'truncate/11, ETXTBSY: a file that is being executed',
    async (t, s) => {
      await make(s, '/f');
      const inode = await s.root.call(async (c) => s.fs.inode(c, '/f'));
      inode.writers = -1; // deny_write_access(), as exec does
      t.is(await truncate(s, 'root', '/f'), 'ETXTBSY');
      inode.writers = 0;
    },
  ],
  [
    'truncate/12, EFBIG: more than the file system can hold; the size stays',
    async (t, s) => {
      await make(s, '/f');
      t.is(await truncate(s, 'root', '/f', Number.MAX_SAFE_INTEGER), 'EFBIG');
      t.is(await s.root.call(async (c) => s.fs.stat(c, '/f').size), 0);
    },
  ],
  [
    'truncate/13, EINVAL: a negative length',
    async (t, s) => {
      await make(s, '/f');
      for (const len of [-1, -999_999]) t.is(await truncate(s, 'root', '/f', len), 'EINVAL');
    },
  ],
  [
    'truncate/14, EFAULT: a path that is no string',
    async (t, s) => {
      for (const path of [7, null, undefined] as never[]) {
        t.is(await truncate(s, 'root', path), 'EFAULT');
      }
    },
  ],
];

for (const flavor of flavors) {
  for (const [name, law] of rows) {
    test(`${flavor} ${name}`, async (t) => {
      const s = await stage(flavor);
      await law(t, s);
      await s.m.end(t);
    });
  }

  for (const call of ['truncate', 'ftruncate'] as const) {
    test(`${flavor} ${call}/00: sizes, bytes, and the times that a success and a failure leave`, async (t) => {
      const s = await stage(flavor);
      const { m, fs, root, user } = s;
      const file = await root.open(fs, '/f', ['rdwr', 'creat'], 0o644);
      const cut = (len: number): Promise<void> =>
        call === 'ftruncate'
          ? root.truncate(file, len)
          : root.call((c) => fs.truncate(c, '/f', len));
      for (const len of [1_234_567, 567]) {
        if (len < 1_000_000 || flavor !== 'tmpfs') await cut(len);
        if (len < 1_000_000) t.is(file.stat().size, len);
      }
      await cut(0);
      const content = Uint8Array.from({ length: 12_345 }, (_, i) => (i * 37) & 0xff);
      await root.write(file, 0, content);
      await cut(23_456);
      const found = await root.read(file, 0, 30_000);
      t.is(found.length, 23_456);
      t.deepEqual(found.slice(0, 12_345), content);
      t.true(found.subarray(12_345).every((b) => b === 0));
      await cut(1);
      t.deepEqual(await root.read(file, 0, 10), content.slice(0, 1));
      const before = file.stat().ctimeNs;
      await m.sched.runFor(1000);
      await cut(123);
      const after = file.stat().ctimeNs;
      t.true(after > before, 'a success updates ctime');
      await m.sched.runFor(1000);
      const refused =
        call === 'ftruncate'
          ? outcome(user.open(fs, '/f', ['rdonly']).then((f) => user.truncate(f, 7)))
          : truncate(s, 'user', '/f', 7);
      t.is(await refused, call === 'ftruncate' ? 'EINVAL' : 'EACCES');
      t.is(file.stat().ctimeNs, after, 'a failure does not');
      await m.end(t);
    });
  }

  test(`${flavor} ftruncate/00: a file made with mode 0 can be truncated through its descriptor`, async (t) => {
    const { m, fs, user } = await stage(flavor);
    const file = await user.open(fs, '/f', ['rdwr', 'creat'], 0);
    t.is(await outcome(user.truncate(file, 0)), 'ok');
    t.is(await outcome(user.truncate(file, PAGES(1))), 'ok');
    t.is(file.stat().size, PAGES(1));
    await m.end(t);
  });

  test(`${flavor} ftruncate/12, 13: EFBIG and EINVAL through a descriptor, and the bytes stay`, async (t) => {
    const { m, fs, root } = await stage(flavor);
    const file = await root.open(fs, '/f');
    await root.write(file, 0, bytesOf('k', 10));
    t.is(await outcome(root.truncate(file, Number.MAX_SAFE_INTEGER)), 'EFBIG');
    for (const len of [-1, -999_999]) t.is(await outcome(root.truncate(file, len)), 'EINVAL');
    t.deepEqual(await root.read(file, 0, 100), bytesOf('k', 10));
    await m.end(t);
  });
}

for (const flavor of ['ext4', 'xfs'] as const) {
  test(`${flavor} truncate/10, EROFS: a file system mounted read-only`, async (t) => {
    const s = await stage(flavor);
    await make(s, '/f');
    Object.defineProperty(s.fs.mount, 'readOnly', { value: true, configurable: true });
    t.is(await truncate(s, 'root', '/f'), 'EROFS');
    t.is(await outcome(s.root.open(s.fs, '/f', ['rdwr'])), 'EROFS');
    Object.defineProperty(s.fs.mount, 'readOnly', { value: false, configurable: true });
    await s.m.end(t);
  });
}
