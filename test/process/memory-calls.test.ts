// Goal: an application maps, touches and gives back memory, and a bad access is a signal.

import test from 'ava';
import { Errno } from '../../lib/errno.js';
import type { RegularFile } from '../../lib/process/file.js';
import { MemoryFault, ProcessKilled } from '../../lib/process/errors.js';
import { KiB, PAGE_SIZE } from '../../lib/units.js';
import { fixture } from './fixture.js';

const fill = (len: number, byte: number) => new Uint8Array(len).fill(byte);

test('anonymous memory keeps what is stored, and reads zero before', async (t) => {
  const app = fixture().table.spawn('app');
  for (const share of ['shared', 'private'] as const) {
    const addr = await app.mmap({ len: 16 * KiB, share });
    await app.store(addr + 5000, fill(5000, 9));
    t.deepEqual(await app.load(addr + 5000, 5000), fill(5000, 9));
    t.deepEqual(await app.load(addr, 5000), fill(5000, 0));
    await app.munmap(addr, 16 * KiB);
  }
});

test('without a handler a bad access kills', async (t) => {
  const app = fixture().table.spawn('app');
  await t.throwsAsync(app.load(0x1000, 1), { instanceOf: ProcessKilled });
  t.is(await app.ended, 'SIGSEGV');
});

test('with a handler it rejects, says where, and the process goes on', async (t) => {
  const { sched, table } = fixture();
  const app = table.spawn('app');
  const seen: unknown[] = [];
  app.on('SIGSEGV', (info) => void seen.push(info));
  const addr = await app.mmap({ len: 2 * PAGE_SIZE });
  await app.mprotect(addr + PAGE_SIZE, PAGE_SIZE, 'r');
  const at = addr + PAGE_SIZE;
  const fault = await t.throwsAsync(app.store(at - 1, fill(2, 1)), { instanceOf: MemoryFault });
  t.like(fault, { signal: 'SIGSEGV', code: 'SEGV_ACCERR', addr: at });
  await sched.settle();
  t.deepEqual(seen, [{ signal: 'SIGSEGV', code: 'SEGV_ACCERR', addr: at }]);
  t.deepEqual([...(await app.load(at - 1, 2))], [1, 0]);
});

test('an ignored SIGSEGV kills all the same', async (t) => {
  const app = fixture().table.spawn('app');
  app.ignore('SIGSEGV');
  await t.throwsAsync(app.store(0, fill(1, 1)), { instanceOf: ProcessKilled });
  t.is(await app.ended, 'SIGSEGV');
});

test('mmap refuses what the open file does not allow', async (t) => {
  const app = fixture().table.spawn('app');
  const r = await app.open('/f', ['rdonly', 'creat']);
  const w = await app.open('/f', ['wronly']);
  const rw = await app.open('/f', ['rdwr']);
  const len = PAGE_SIZE;
  await t.throwsAsync(app.mmap({ fd: r, len, prot: 'rw', share: 'shared' }), { code: 'EACCES' });
  await t.throwsAsync(app.mmap({ fd: w, len, prot: 'r' }), { code: 'EACCES' });
  await t.throwsAsync(app.mmap({ fd: rw, len, pos: 1 }), { code: 'EINVAL' });
  await t.throwsAsync(app.mmap({ fd: rw, len: 0 }), { code: 'EINVAL' });
  await t.throwsAsync(app.mmap({ fd: rw, len, prot: 'x' as 'r' }), { code: 'EINVAL' });
  await t.throwsAsync(app.mmap({ fd: rw, len, direct: true }), { code: 'EOPNOTSUPP' });
  const [pipe] = await app.pipe();
  await t.throwsAsync(app.mmap({ fd: pipe, len }), { code: 'ENODEV' });
});

test('a mapping keeps the open file, and the last part of it lets go', async (t) => {
  const { table, fs, journal } = fixture();
  const app = table.spawn('app');
  const fd = await app.open('/f', ['rdwr', 'creat']);
  const addr = await app.mmap({ fd, len: 4 * PAGE_SIZE });
  await app.close(fd);
  t.is(fs.last('f').refs, 1);
  await app.munmap(addr, PAGE_SIZE);
  t.false(journal.includes('release f'));
  await app.munmap(addr + PAGE_SIZE, 3 * PAGE_SIZE);
  t.is(journal.at(-1), 'release f');
});

test('MAP_FIXED replaces, MAP_FIXED_NOREPLACE is EEXIST', async (t) => {
  const app = fixture().table.spawn('app');
  const addr = await app.mmap({ len: PAGE_SIZE });
  await app.store(addr, fill(1, 1));
  const again = { len: PAGE_SIZE, addr };
  await t.throwsAsync(app.mmap({ ...again, noreplace: true }), { code: 'EEXIST' });
  t.is(await app.mmap({ ...again, fixed: true }), addr);
  t.deepEqual(await app.load(addr, 1), fill(1, 0));
});

test('MAP_DIRECT asks the file, which may refuse, and is nothing for other memory', async (t) => {
  const { table, fs } = fixture();
  const app = table.spawn('app');
  const fd = await app.open('/f', ['rdwr', 'creat']);
  const req = { fd, len: PAGE_SIZE, direct: true };
  const asked: boolean[] = [];
  const file: RegularFile = fs.last('f');
  file.mapDirect = (_caller, vma) => void asked.push(vma.flags.direct === true);
  await app.mmap(req);
  t.deepEqual(asked, [true]);
  file.mapDirect = () => {
    throw new Errno('EPERM', 'no DAX file');
  };
  await t.throwsAsync(app.mmap(req), { code: 'EPERM' });
  t.is(app.mm.vmas.size, 1);
  t.is(fs.last('f').refs, 2);
  await t.throwsAsync(app.mmap({ len: PAGE_SIZE, direct: true }), { code: 'EOPNOTSUPP' });
});

test('msync syncs shared files, once per mapping; a hole is ENOMEM', async (t) => {
  const { table, journal } = fixture();
  const app = table.spawn('app');
  const fd = await app.open('/f', ['rdwr', 'creat']);
  const shared = await app.mmap({ fd, len: PAGE_SIZE });
  await app.msync(shared, PAGE_SIZE);
  t.deepEqual(journal, ['fsync f']);
  const own = await app.mmap({ fd, len: PAGE_SIZE, share: 'private' });
  await app.msync(own, PAGE_SIZE);
  t.deepEqual(journal, ['fsync f']);
  await t.throwsAsync(app.msync(own + 1, PAGE_SIZE), { code: 'EINVAL' });
  await t.throwsAsync(app.msync(own - PAGE_SIZE, 3 * PAGE_SIZE), { code: 'ENOMEM' });
  t.deepEqual(journal, ['fsync f', 'fsync f']);
});

test('mlock charges the process and stops at its limit', async (t) => {
  const app = fixture().table.spawn('app');
  await app.setrlimit('memlock', 2 * PAGE_SIZE);
  await app.setuid(1000);
  const addr = await app.mmap({ len: 4 * PAGE_SIZE });
  await app.mlock(addr, 2 * PAGE_SIZE);
  t.is(app.status().vmLckPages, 2);
  await t.throwsAsync(app.mlock(addr, 3 * PAGE_SIZE), { code: 'ENOMEM' });
  await app.munlock(addr, 4 * PAGE_SIZE);
  t.is(app.status().vmLckPages, 0);
});

test('madvise and munmap refuse what is not aligned', async (t) => {
  const app = fixture().table.spawn('app');
  const addr = await app.mmap({ len: PAGE_SIZE, share: 'private' });
  await app.store(addr, fill(1, 1));
  await app.madvise(addr, PAGE_SIZE, 'dontneed');
  t.deepEqual(await app.load(addr, 1), fill(1, 0));
  await t.throwsAsync(app.madvise(addr + 1, 1, 'dontneed'), { code: 'EINVAL' });
  await t.throwsAsync(app.munmap(addr + 1, 1), { code: 'EINVAL' });
  await t.throwsAsync(app.munmap(addr, 0), { code: 'EINVAL' });
});

test('direct I/O is for regular files', async (t) => {
  const app = fixture().table.spawn('app');
  const dev = await app.open('/dev/null0', ['rdwr']);
  const buffer = { addr: 0, len: 512 };
  await t.throwsAsync(app.readDirect(dev, 0, buffer), { code: 'EINVAL' });
  const r = await app.open('/f', ['rdonly', 'creat']);
  await t.throwsAsync(app.writeDirect(r, 0, buffer), { code: 'EBADF' });
});
