// Goal: FIEMAP tells where blocks lie; a sealed file has blocks everywhere, and nothing moves them.
// Method: whole machines; each errno of each request, and what a crash-safe flag leaves at a mount.

import test, { type ExecutionContext } from 'ava';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Process } from '../../lib/machine.js';
import type { FileExtent } from '../../lib/fs/file-ioctls.js';
import { MiB, PAGE_SIZE } from '../../lib/units.js';
import { balancedMachine } from '../support/machine.js';

type Options = NonNullable<Parameters<typeof balancedMachine>[1]>;

async function withFile(
  t: ExecutionContext,
  over: Options,
  fn: (app: Process, fd: number) => Promise<void>,
): Promise<void> {
  await using machine = await balancedMachine(t, {
    size: 4 * MiB,
    kernel: 'proposed',
    clock: 'virtual',
    ...over,
  });
  const app = machine.spawn('app');
  const fd = await app.open('/data', ['rdwr', 'creat']);
  await fn(app, fd);
  await app.close(fd);
}

const seal = 'FS_IOC_SEAL_BLOCK_MAP';
const unseal = 'FS_IOC_UNSEAL_BLOCK_MAP';
const map = async (app: Process, fd: number, arg?: object): Promise<FileExtent[]> =>
  (await app.ioctl(fd, 'FS_IOC_FIEMAP', arg)) as FileExtent[];

test('FIEMAP names blocks by file and device, leaves holes out, and tells unwritten ones', async (t) => {
  await withFile(t, {}, async (app, fd) => {
    await app.write(fd, 0, new Uint8Array(PAGE_SIZE).fill(7));
    await app.fallocate(fd, 'alloc', 2 * PAGE_SIZE, PAGE_SIZE);
    const found = await map(app, fd);
    t.deepEqual(
      found.map(({ pos, len, unwritten }) => ({ pos, len, unwritten })),
      [
        { pos: 0, len: PAGE_SIZE, unwritten: false },
        { pos: 2 * PAGE_SIZE, len: PAGE_SIZE, unwritten: true },
      ],
    );
    t.deepEqual(await map(app, fd, { pos: PAGE_SIZE, len: PAGE_SIZE }), []);
  });
});

test('a seal fills holes, and every change is EPERM from then on; stores go on', async (t) => {
  await withFile(t, {}, async (app, fd) => {
    await app.ftruncate(fd, 3 * PAGE_SIZE);
    const addr = await app.mmap({ fd, len: 3 * PAGE_SIZE, prot: 'rw', share: 'shared' });
    await app.ioctl(fd, seal);
    await app.ioctl(fd, seal);
    t.is(
      (await map(app, fd)).reduce((sum, e) => sum + (e.unwritten ? 0 : e.len), 0),
      3 * PAGE_SIZE,
    );
    const code = 'EPERM';
    await t.throwsAsync(app.ftruncate(fd, 0), { code });
    await t.throwsAsync(app.truncate('/data', 0), { code });
    await t.throwsAsync(app.write(fd, 0, new Uint8Array(1)), { code });
    await t.throwsAsync(app.fallocate(fd, 'punch', 0, PAGE_SIZE), { code });
    await t.throwsAsync(app.open('/data', ['rdwr']), { code });
    await t.throwsAsync(app.unlink('/data'), { code });
    await app.store(addr, Uint8Array.of(9));
    t.deepEqual(await app.load(addr, 1), Uint8Array.of(9));
    t.deepEqual(await app.ioctl(fd, 'FS_IOC_GETFLAGS'), {
      immutable: true,
      append: false,
      dax: false,
    });
    await app.munmap(addr, 3 * PAGE_SIZE);
    await app.ioctl(fd, unseal);
    await app.ftruncate(fd, 0);
    t.is((await app.fstat(fd)).size, 0);
  });
});

const refusals: readonly (readonly [
  code: string,
  why: string,
  over: Options,
  prepare: (app: Process, fd: number) => Promise<unknown>,
])[] = [
  ['EINVAL', 'an empty file', {}, async () => {}],
  ['EPERM', 'no CAP_LINUX_IMMUTABLE', {}, (app, fd) => userWith(app, fd)],
  ['EOPNOTSUPP', 'a kernel of today', { kernel: '7.2' }, (app, fd) => app.ftruncate(fd, PAGE_SIZE)],
  [
    'EOPNOTSUPP',
    'a file in the page cache',
    { mounts: { '/': { flavor: 'ext4' } } },
    (app, fd) => app.ftruncate(fd, PAGE_SIZE),
  ],
];

async function userWith(app: Process, fd: number): Promise<void> {
  await app.ftruncate(fd, PAGE_SIZE);
  await app.setuid(1000);
}

for (const [code, why, over, prepare] of refusals) {
  test(`a seal is ${code} for ${why}, and the file is as before`, async (t) => {
    await withFile(t, over, async (app, fd) => {
      await prepare(app, fd);
      await t.throwsAsync(app.ioctl(fd, seal), { code });
      t.like(await app.ioctl(fd, 'FS_IOC_GETFLAGS'), { immutable: false });
    });
  });
}

test('a request that no file knows is ENOTTY, an argument that is no structure EINVAL', async (t) => {
  await withFile(t, {}, async (app, fd) => {
    await t.throwsAsync(app.ioctl(fd, 'BLKDISCARD'), { code: 'ENOTTY' });
    await t.throwsAsync(app.ioctl(fd, 'FS_IOC_SETFLAGS'), { code: 'EINVAL' });
    await t.throwsAsync(app.ioctl(fd, 'FS_IOC_FIEMAP', 5), { code: 'EINVAL' });
    await t.throwsAsync(app.ioctl(fd, 'FS_IOC_FIEMAP', { pos: -1 }), { code: 'EINVAL' });
  });
});

test('FIEMAP of a tmpfs is EOPNOTSUPP', async (t) => {
  await withFile(t, { mounts: { '/': { flavor: 'tmpfs' } } }, async (app, fd) => {
    await t.throwsAsync(app.ioctl(fd, 'FS_IOC_FIEMAP'), { code: 'EOPNOTSUPP' });
  });
});

test('a seal is on the device: the next mount has it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-seal-'));
  const device = join(folder, 'pmem.img');
  try {
    await withFile(t, { device }, async (app, fd) => {
      await app.write(fd, 0, new Uint8Array(10));
      await app.ioctl(fd, seal);
    });
    const mounts = { '/': { flavor: 'ext4', dax: true, keep: true } } as const;
    await using machine = await balancedMachine(t, {
      ...{ device, kernel: 'proposed', clock: 'virtual', mounts },
    });
    await t.throwsAsync(machine.spawn('admin').truncate('/data', 0), { code: 'EPERM' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
