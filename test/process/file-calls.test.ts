// Goal: calls on files check what the kernel checks before the file system is asked.

import test from 'ava';
import { MiB } from '../../lib/units.js';
import { balancedMachine } from '../support/machine.js';
import { fixture } from './fixture.js';

const bytes = (n: number) => new Uint8Array(n).fill(1);

test('open takes the lowest descriptor, and none when it fails', async (t) => {
  const app = fixture().table.spawn('app');
  t.is(await app.open('/a', ['rdwr', 'creat']), 0);
  t.is(await app.open('/b', ['rdwr', 'creat']), 1);
  const refusal = await t.throwsAsync(app.open('/nothing'));
  t.like(refusal, { code: 'ENOENT', errno: -2, syscall: 'open' });
  await app.close(0);
  t.is(await app.open('/b'), 0);
  t.is(await app.open('/dev/null0', ['rdwr']), 2);
});

test('at the limit open is EMFILE before anything is created', async (t) => {
  const { table, fs } = fixture();
  const app = table.spawn('app');
  await app.setrlimit('nofile', 1);
  await app.open('/a', ['creat']);
  await t.throwsAsync(app.open('/b', ['creat']), { code: 'EMFILE' });
  t.false(fs.names.has('/b'));
});

test('access modes hold: EBADF for reads and writes, EINVAL for ftruncate', async (t) => {
  const app = fixture().table.spawn('app');
  const r = await app.open('/f', ['rdonly', 'creat']);
  const w = await app.open('/f', ['wronly']);
  await t.throwsAsync(app.read(w, 0, 16), { code: 'EBADF' });
  await t.throwsAsync(app.write(r, 0, bytes(1)), { code: 'EBADF' });
  await t.throwsAsync(app.ftruncate(r, 0), { code: 'EINVAL' });
  await t.throwsAsync(app.fallocate(r, 'punch', 0, 1), { code: 'EBADF' });
  await app.ftruncate(w, 10);
  t.is((await app.fstat(r)).size, 0);
  t.is((await app.fstat(w)).size, 10);
});

test('a descriptor that is not open is EBADF for every call', async (t) => {
  const app = fixture().table.spawn('app');
  const calls = [
    app.close(3),
    app.dup(3),
    app.dup2(3, 4),
    app.read(3, 0, 1),
    app.write(3, 0, bytes(1)),
    app.readStream(3, 1),
    app.writeStream(3, bytes(1)),
    app.lseek(3, 0, 'SEEK_SET'),
    app.ftruncate(3, 0),
    app.fallocate(3, 'alloc', 0, 1),
    app.fsync(3),
    app.fstat(3),
    app.mmap({ fd: 3, len: 4096 }),
    app.vmsplice(3, 0, 1),
    app.readPipe(3, 1),
    app.ioctl(3, 'X'),
    app.poll(3),
    app.setLease(3, 'F_RDLCK'),
    app.getLease(3),
    app.setNonblock(3, true),
    app.setOwn(3, 1),
    app.setSig(3, 'SIGIO'),
    app.readDirect(3, 0, { addr: 0, len: 512 }),
    app.writeDirect(3, 0, { addr: 0, len: 512 }),
  ];
  for (const call of calls) await t.throwsAsync<Error>(call, { code: 'EBADF' });
});

for (const [name, pos, len] of [
  ['negative position', -1, 1],
  ['negative length', 0, -1],
  ['fraction', 0.5, 1],
  ['end past 2^53', Number.MAX_SAFE_INTEGER, 1],
] as const) {
  test(`a ${name} is EINVAL`, async (t) => {
    const app = fixture().table.spawn('app');
    const fd = await app.open('/f', ['rdwr', 'creat']);
    await t.throwsAsync(app.read(fd, pos, len), { code: 'EINVAL' });
    await t.throwsAsync(app.fallocate(fd, 'alloc', pos, len), { code: 'EINVAL' });
  });
}

test('fallocate: nothing EINVAL, an unknown mode EOPNOTSUPP, a device ENODEV', async (t) => {
  const app = fixture().table.spawn('app');
  const fd = await app.open('/f', ['rdwr', 'creat']);
  await t.throwsAsync(app.fallocate(fd, 'alloc', 0, 0), { code: 'EINVAL' });
  await t.throwsAsync(app.fallocate(fd, 'melt' as 'alloc', 0, 1), { code: 'EOPNOTSUPP' });
  const dev = await app.open('/dev/null0', ['rdwr']);
  await t.throwsAsync(app.fallocate(dev, 'alloc', 0, 1), { code: 'ENODEV' });
  await t.throwsAsync(app.fsync(dev), { code: 'EINVAL' });
  await t.throwsAsync(app.ftruncate(dev, 0), { code: 'EINVAL' });
});

test('a short read is a short array', async (t) => {
  const app = fixture().table.spawn('app');
  const fd = await app.open('/f', ['rdwr', 'creat']);
  await app.write(fd, 0, bytes(10));
  t.is((await app.read(fd, 6, 16)).length, 4);
  t.is((await app.read(fd, 10, 16)).length, 0);
});

test('a read into memory of the caller says how much there was', async (t) => {
  const app = fixture().table.spawn('app');
  const fd = await app.open('/f', ['rdwr', 'creat']);
  await app.write(fd, 0, bytes(10));
  const target = new Uint8Array(8).fill(0xee);
  t.is(await app.readInto(fd, 6, target), 4);
  t.deepEqual([...target.subarray(0, 4)], [...(await app.read(fd, 6, 4))]);
  t.is(await app.readInto(fd, 10, target), 0);
  const [pipe] = await app.pipe();
  await t.throwsAsync(app.readInto(pipe, 0, target), { code: 'ESPIPE' });
  const writer = await app.open('/f', ['wronly']);
  await t.throwsAsync(app.readInto(writer, 0, target), { code: 'EBADF' });
});

test('read, write and lseek share one position of the open file', async (t) => {
  const app = fixture().table.spawn('app');
  const fd = await app.open('/f', ['rdwr', 'creat']);
  const copy = await app.dup(fd);
  t.is(await app.writeStream(fd, bytes(10)), 10);
  t.is(await app.lseek(copy, 0, 'SEEK_CUR'), 10);
  t.is(await app.lseek(copy, -4, 'SEEK_END'), 6);
  t.is((await app.readStream(fd, 16)).length, 4);
  t.is(await app.lseek(fd, 3, 'SEEK_HOLE'), 10);
  await t.throwsAsync(app.lseek(fd, 10, 'SEEK_DATA'), { code: 'ENXIO' });
  t.is(await app.lseek(fd, 2, 'SEEK_SET'), 2);
  await t.throwsAsync(app.lseek(fd, -3, 'SEEK_CUR'), { code: 'EINVAL' });
  const own = await app.open('/f', ['rdwr']);
  t.is(await app.lseek(own, 0, 'SEEK_CUR'), 0);
  await app.write(fd, 100, bytes(1));
  t.is(await app.lseek(fd, 0, 'SEEK_CUR'), 2);
});

test('O_APPEND writes at the end and moves the position there', async (t) => {
  const { table, journal } = fixture();
  const app = table.spawn('app');
  const fd = await app.open('/f', ['rdwr', 'creat', 'append']);
  await app.write(fd, 0, bytes(5));
  await app.lseek(fd, 0, 'SEEK_SET');
  await app.writeStream(fd, bytes(3));
  t.deepEqual(journal, ['write f 0', 'write f 5']);
  t.is(await app.lseek(fd, 0, 'SEEK_CUR'), 8);
});

test('rename and link over two mounts are EXDEV', async (t) => {
  const app = fixture().table.spawn('app');
  await app.open('/f', ['creat']);
  await app.rename('/f', '/g');
  await t.throwsAsync(app.rename('/g', '/other/g'), { code: 'EXDEV' });
  await t.throwsAsync(app.link('/g', '/other/g'), { code: 'EXDEV' });
});

test('rename takes the flags of renameat2, and no others', async (t) => {
  const app = fixture().table.spawn('app');
  const fd = await app.open('/f', ['wronly', 'creat']);
  await app.rename('/f', '/g', { flags: ['noreplace'] });
  for (const flags of [['whiteout'], 'exchange', [1]] as never[]) {
    await t.throwsAsync(app.rename('/g', '/f', { flags }), { code: 'EINVAL' });
  }
  await app.close(fd);
});

test('copy_file_range copies from file to file; positions that are not given move on', async (t) => {
  await using machine = await balancedMachine(t, {
    ...{
      inMemory: true,
      size: 4 * MiB,
      mounts: { '/': { flavor: 'ext4' }, '/t': { flavor: 'tmpfs' } },
    },
  });
  const app = machine.spawn('app');
  const [from, to] = [
    await app.open('/a', ['rdwr', 'creat']),
    await app.open('/b', ['rdwr', 'creat']),
  ];
  await app.write(from, 0, new TextEncoder().encode('0123456789'));
  const text = async (): Promise<string> => new TextDecoder().decode(await app.read(to, 0, 99));
  t.is(await app.copyFileRange(from, 2, to, 0, 3), 3);
  t.is(await text(), '234');
  t.is(await app.copyFileRange(from, null, to, null, 4), 4);
  t.is(await app.copyFileRange(from, null, to, null, 99), 6);
  t.is(await app.copyFileRange(from, null, to, null, 99), 0, 'the end');
  t.is(await text(), '0123456789');
  t.is(await app.lseek(to, 0, 'SEEK_CUR'), 10);
  const [end] = await app.pipe();
  const other = await app.open('/t/f', ['rdwr', 'creat']);
  const dir = await app.open('/', ['rdonly', 'directory']);
  const path = await app.open('/a', ['path']);
  const secret = await app.memfdSecret();
  for (const [one, two, code] of [
    [99, to, 'EBADF'],
    [from, 99, 'EBADF'],
    [path, to, 'EBADF'],
    [from, path, 'EBADF'],
    [end, to, 'EINVAL'],
    [from, end, 'EINVAL'],
    [dir, to, 'EISDIR'],
    [from, dir, 'EISDIR'],
    [from, other, 'EXDEV'],
    [from, secret, 'EXDEV'],
  ] as const) {
    await t.throwsAsync(app.copyFileRange(one, 0, two, 0, 1), { code }, `${one} to ${two}`);
  }
  await t.throwsAsync(app.ioctl(to, 'FICLONE', from), { code: 'EOPNOTSUPP' });
  await t.throwsAsync(app.ioctl(to, 'FICLONE', 99), { code: 'EBADF' });
  await t.throwsAsync(app.ioctl(to, 'FICLONE', end), { code: 'EXDEV' });
  await t.throwsAsync(app.ioctl(path, 'FICLONE', from), { code: 'EBADF' });
});
