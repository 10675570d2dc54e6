// Goal: the rows of xfstests about FS_XFLAG_DAX hold: what statx says of it under each mount option
// (606), what is made in a directory inherits it (607), and of a file that is there it takes effect
// when nobody has it open any more (608). Each test is named after its row.
// Method: chattr as xfs_io does it: open for reading, FS_IOC_FSGETXATTR, FS_IOC_FSSETXATTR, close.

import test from 'ava';
import type { DaxOption } from '../../lib/fs/dax-mode.js';
import type { FileSystem } from '../../lib/fs/file-system.js';
import type { Fsxattr } from '../../lib/fs/inode-flags.js';
import type { OpenFile } from '../../lib/fs/open-file.js';
import { MiB } from '../../lib/units.js';
import { balancedMachine } from '../support/machine.js';
import { bytesOf, FsMachine, PAGES, runs, type TestProcess } from './fs-fixture.js';

const getxattr = (app: TestProcess, file: OpenFile): Promise<Fsxattr> =>
  app.call((c) => file.ioctl(c, 'FS_IOC_FSGETXATTR', undefined)) as Promise<Fsxattr>;

/** Open, ask, close. */
async function xflagOf(app: TestProcess, fs: FileSystem, path: string): Promise<boolean> {
  const file = await app.open(fs, path, ['rdonly']);
  const { xflags } = await getxattr(app, file);
  await app.close(file);
  return xflags.includes('dax');
}

async function chattr(app: TestProcess, fs: FileSystem, path: string, to: '+x' | '-x') {
  const file = await app.open(fs, path, ['rdonly']);
  const { xflags } = await getxattr(app, file);
  const others = xflags.filter((flag) => flag !== 'dax');
  const arg: Fsxattr = { xflags: to === '+x' ? [...others, 'dax'] : others };
  await app.call((c) => file.ioctl(c, 'FS_IOC_FSSETXATTR', arg));
  await app.close(file);
}

const touch = async (app: TestProcess, fs: FileSystem, path: string): Promise<void> =>
  app.close(await app.open(fs, path));

const statx = (app: TestProcess, fs: FileSystem, path: string): Promise<boolean> =>
  app.call(async (c) => fs.stat(c, path).dax);

/** S_DAX of a file made in a directory with FS_XFLAG_DAX, and in one without. */
const precedence: readonly (readonly [DaxOption, boolean, boolean])[] = [
  ['always', true, true],
  [true, true, true],
  ['never', false, false],
  [false, false, false],
  ['inode', true, false],
];

for (const [option, withFlag, without] of precedence) {
  test(`606: statx under dax=${option}: ${withFlag} with FS_XFLAG_DAX, ${without} without`, async (t) => {
    for (const flavor of ['ext4', 'xfs'] as const) {
      const m = new FsMachine();
      const fs = await m.make(flavor, { dax: option });
      const app = m.process();
      await app.call((c) => fs.mkdir(c, '/testdir'));
      await chattr(app, fs, '/testdir', '+x');
      await touch(app, fs, '/testdir/f');
      t.is(await statx(app, fs, '/testdir/f'), withFlag);
      t.false(await statx(app, fs, '/testdir'), 'a directory never has it');
      await app.call((c) => fs.unlink(c, '/testdir/f'));
      await chattr(app, fs, '/testdir', '-x');
      await touch(app, fs, '/testdir/f');
      t.is(await statx(app, fs, '/testdir/f'), without);
      await m.end(t);
    }
  });
}

test('606: without a mount option it is dax=inode, file by file on one mount', async (t) => {
  await using machine = await balancedMachine(t, {
    ...{ inMemory: true, size: 4 * MiB, mounts: { '/': { flavor: 'ext4' } } },
  });
  const app = machine.spawn('app');
  const dir = await (async () => {
    await app.mkdir('/testdir');
    return app.open('/testdir', ['rdonly', 'directory']);
  })();
  await app.ioctl(dir, 'FS_IOC_FSSETXATTR', { xflags: ['dax'] });
  t.deepEqual(await app.ioctl(dir, 'FS_IOC_FSGETXATTR'), { xflags: ['dax'] });
  const direct = await app.open('/testdir/f', ['rdwr', 'creat']);
  const cached = await app.open('/f', ['rdwr', 'creat']);
  t.true((await app.stat('/testdir/f')).dax);
  t.false((await app.stat('/f')).dax);
  for (const fd of [direct, cached]) await app.write(fd, 0, bytesOf('b', PAGES(2)));
  const { nrFree } = machine.mm.allocator;
  for (const fd of [direct, cached]) {
    const addr = await app.mmap({ fd, len: PAGES(2), prot: 'rw', share: 'shared' });
    await app.store(addr, bytesOf('m', PAGES(1)));
    t.is(runs(await app.read(fd, 0, PAGES(2))), '6d*4096,62*4096');
  }
  t.is(machine.mm.allocator.nrFree, nrFree, 'no memory but that of the cached file');
  const sync = { len: PAGES(2), prot: 'rw', share: 'shared', sync: true } as const;
  await app.mmap({ fd: direct, ...sync });
  await t.throwsAsync(app.mmap({ fd: cached, ...sync }), { code: 'EOPNOTSUPP' });
});

type Steps = readonly (
  readonly ['dir' | 'file' | 'set' | 'clear', string] | readonly ['move', string, string]
)[];
const inheritance: Readonly<Record<string, { steps: Steps; flags: Record<string, boolean> }>> = {
  'what is made below a directory that has it gets it': {
    steps: [
      ['dir', '/a'],
      ['set', '/a'],
      ['dir', '/a/b'],
      ['dir', '/a/b/c'],
      ['file', '/a/b/c/d'],
    ],
    flags: { '/a': true, '/a/b': true, '/a/b/c': true, '/a/b/c/d': true },
  },
  'what was there before does not, nor what is made below that': {
    steps: [
      ...([
        ['dir', '/a'],
        ['dir', '/a/b'],
        ['set', '/a'],
        ['dir', '/a/b/c'],
        ['dir', '/a/d'],
      ] as const),
      ...([
        ['file', '/a/b/c/e'],
        ['file', '/a/d/f'],
      ] as const),
    ],
    flags: {
      '/a': true,
      '/a/b': false,
      '/a/b/c': false,
      '/a/b/c/e': false,
      '/a/d': true,
      '/a/d/f': true,
    },
  },
  'it goes downwards only': {
    steps: [
      ...([
        ['dir', '/a'],
        ['dir', '/a/b'],
        ['set', '/a/b'],
        ['dir', '/a/b/c'],
        ['dir', '/a/d'],
      ] as const),
      ...([
        ['file', '/a/b/c/e'],
        ['file', '/a/d/f'],
      ] as const),
    ],
    flags: {
      '/a': false,
      '/a/b': true,
      '/a/b/c': true,
      '/a/b/c/e': true,
      '/a/d': false,
      '/a/d/f': false,
    },
  },
  'taken from a directory it stays with what is below': {
    steps: [
      ...([
        ['dir', '/a'],
        ['set', '/a'],
        ['dir', '/a/b'],
        ['dir', '/a/b/c'],
        ['clear', '/a/b'],
      ] as const),
      ...([
        ['dir', '/a/b/c/d'],
        ['dir', '/a/b/e'],
        ['file', '/a/b/c/d/f'],
        ['file', '/a/b/e/g'],
      ] as const),
    ],
    flags: {
      '/a': true,
      '/a/b': false,
      '/a/b/c': true,
      '/a/b/c/d': true,
      '/a/b/c/d/f': true,
      '/a/b/e': false,
      '/a/b/e/g': false,
    },
  },
  'what moves keeps its own, a copy gets that of where it is made': {
    steps: [
      ...([
        ['dir', '/a'],
        ['dir', '/b'],
        ['set', '/a'],
        ['dir', '/a/d'],
        ['dir', '/b/f'],
      ] as const),
      ...([
        ['dir', '/a/c'],
        ['dir', '/b/e'],
        ['file', '/a/g'],
        ['file', '/b/h'],
        ['dir', '/b/c'],
        ['dir', '/a/e'],
        ['file', '/b/g'],
        ['move', '/a/d', '/b/d'],
        ['move', '/b/f', '/a/f'],
        ['move', '/b/h', '/a/h'],
      ] as const),
    ],
    flags: {
      '/b/c': false,
      '/b/d': true,
      '/a/e': true,
      '/a/f': false,
      '/b/g': false,
      '/a/h': false,
    },
  },
};

for (const [name, { steps, flags }] of Object.entries(inheritance)) {
  test(`607: FS_XFLAG_DAX, ${name}`, async (t) => {
    for (const dax of ['inode', 'always', 'never'] as const) {
      const m = new FsMachine();
      const fs = await m.make('ext4', { dax });
      const app = m.process();
      for (const [step, path, to = ''] of steps) {
        if (step === 'dir') await app.call((c) => fs.mkdir(c, path));
        else if (step === 'file') await touch(app, fs, path);
        else if (step === 'move') await app.call((c) => fs.rename(c, path, to));
        else await chattr(app, fs, path, step === 'set' ? '+x' : '-x');
      }
      const again = await m.remount(fs);
      for (const [path, flag] of Object.entries(flags)) {
        t.is(await xflagOf(app, again, path), flag, `${path}, after a remount`);
      }
      await m.end(t);
    }
  });
}

for (const flavor of ['ext4', 'xfs'] as const) {
  test(`608: ${flavor}: a flag that is set takes effect with the last close, and no byte is lost`, async (t) => {
    const m = new FsMachine();
    const fs = await m.make(flavor, { dax: 'inode' });
    const app = m.process();
    const file = await app.open(fs, '/f');
    t.false(await xflagOf(app, fs, '/f'));
    await app.write(file, 0, bytesOf('c', PAGES(3)));
    const addr = await app.mmap(file, PAGES(3));
    await app.store(addr + PAGES(1), bytesOf('m', PAGES(1)));
    await chattr(app, fs, '/f', '+x');
    t.true(await xflagOf(app, fs, '/f'));
    t.false(await statx(app, fs, '/f'), 'it is open');
    await app.close(file);
    t.false(await statx(app, fs, '/f'), 'the mapping holds it');
    t.is(file.inode.kind, 'pagecache');
    await app.munmap(addr, PAGES(3));
    t.true(await statx(app, fs, '/f'));
    t.is(file.inode.kind, 'fsdax');
    const again = await app.open(fs, '/f');
    t.is(runs(await app.read(again, 0, PAGES(3))), '63*4096,6d*4096,63*4096');
    const direct = await app.mmap(again, PAGES(3));
    await app.store(direct, bytesOf('d', PAGES(1)));
    const pfn = m.mm.pages.regions[1]!.basePfn + file.inode.extents.blockOf(0)!;
    const onDevice = new Uint8Array(PAGES(1));
    m.mm.pages.read(pfn, 0, onDevice);
    t.is(runs(onDevice), '64*4096', 'the store went to the device itself');
    await m.end(t);
  });
}

test('608: a flag that is cleared takes effect with the last close, and at a mount', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4', { dax: 'inode' });
  const app = m.process();
  await app.call((c) => fs.mkdir(c, '/d'));
  await chattr(app, fs, '/d', '+x');
  const file = await app.open(fs, '/d/f');
  await app.write(file, 0, bytesOf('f', PAGES(2)));
  t.true(await xflagOf(app, fs, '/d/f'));
  await chattr(app, fs, '/d/f', '-x');
  t.false(await xflagOf(app, fs, '/d/f'));
  t.true(await statx(app, fs, '/d/f'), 'it is open');
  await app.close(file);
  t.false(await statx(app, fs, '/d/f'));
  await chattr(app, fs, '/d/f', '+x');
  await chattr(app, fs, '/d/f', '-x');
  const again = await m.remount(fs);
  t.false(await statx(app, again, '/d/f'));
  const reader = await app.open(again, '/d/f');
  t.is(runs(await app.read(reader, 0, PAGES(2))), '66*8192');
  await app.write(reader, 0, bytesOf('w', PAGES(1)));
  t.is(reader.inode.mapping.nrEntries, 2, 'its pages are in the cache');
  await m.end(t);
});

test('608: changed to and fro while it is open, or set to what it is, it stays as it is', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4', { dax: 'inode' });
  const app = m.process();
  const file = await app.open(fs, '/f');
  await chattr(app, fs, '/f', '+x');
  await chattr(app, fs, '/f', '-x');
  await app.close(file);
  t.false(await statx(app, fs, '/f'));
  await chattr(app, fs, '/f', '-x');
  t.false(await statx(app, fs, '/f'));
  await m.end(t);
});

test('608: under dax=always and dax=never a change says nothing now, and is there for dax=inode', async (t) => {
  for (const dax of ['always', 'never'] as const) {
    const m = new FsMachine();
    const fs = await m.make('ext4', { dax });
    const app = m.process();
    await touch(app, fs, '/f');
    await chattr(app, fs, '/f', '+x');
    t.is(await statx(app, fs, '/f'), dax === 'always');
    await m.unmount(fs);
    const inode = await m.mount('ext4', { dax: 'inode' });
    t.true(await statx(app, inode, '/f'));
    await chattr(app, inode, '/f', '-x');
    await m.unmount(inode);
    const last = await m.mount('ext4', { dax });
    t.is(await statx(app, last, '/f'), dax === 'always');
    await m.end(t);
  }
});
