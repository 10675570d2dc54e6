// Goal: a registered buffer is pinned for long, charged to its user, and given back after close.

import test from 'ava';
import { PAGE_SIZE } from '../../lib/units.js';
import { TestFile } from '../support/mm-fixture.js';
import { everybodyExits, fixture, type Fixture } from './fixture.js';
import type { Process } from '../../lib/process/process.js';

async function user(f: Fixture, limitPages: number): Promise<Process> {
  const app = f.table.spawn('app');
  await app.setrlimit('memlock', limitPages * PAGE_SIZE);
  await app.setuid(1000);
  return app;
}

const pinned = ({ kernel }: Fixture): number => kernel.mmEnv.vmstat.pinsOutstanding;

test('registering pins every page touched, and close gives them back', async (t) => {
  const f = fixture();
  const app = await user(f, 64);
  const addr = await app.mmap({ len: 8 * PAGE_SIZE });
  const fd = await app.uringRegister(addr + 100, 2 * PAGE_SIZE);
  t.is(fd, 0);
  t.is(pinned(f), 3);
  t.is(app.user.lockedVm, 3);
  t.is(app.status().vmPinPages, 3);
  await app.close(fd);
  await f.sched.settle();
  t.is(pinned(f), 0);
  t.is(app.user.lockedVm, 0);
  t.is(app.status().vmPinPages, 0);
});

test('the account of the user is held against the limit of the process that asks', async (t) => {
  const f = fixture();
  const [a, b] = [await user(f, 4), await user(f, 4)];
  const addrA = await a.mmap({ len: 4 * PAGE_SIZE });
  const addrB = await b.mmap({ len: 4 * PAGE_SIZE });
  await a.uringRegister(addrA, 3 * PAGE_SIZE);
  await t.throwsAsync(b.uringRegister(addrB, 2 * PAGE_SIZE), { code: 'ENOMEM' });
  t.is(pinned(f), 3);
  t.is(b.status().vmPinPages, 0);
  t.is(b.fds.nrOpen, 0);
  await b.uringRegister(addrB, PAGE_SIZE);
  t.is(b.user.lockedVm, 4);
  t.is(a.user, b.user);
  await everybodyExits(f);
  t.is(a.user.lockedVm, 0);
});

test('with CAP_IPC_LOCK no user is charged and there is no limit', async (t) => {
  const f = fixture();
  const app = f.table.spawn('root');
  await app.setrlimit('memlock', 0);
  const addr = await app.mmap({ len: 4 * PAGE_SIZE });
  await app.uringRegister(addr, 4 * PAGE_SIZE);
  t.is(app.user.lockedVm, 0);
  t.is(app.status().vmPinPages, 4);
  await everybodyExits(f);
});

test('exit of the process and passing the ring on settle whose pages they are', async (t) => {
  const f = fixture();
  const app = await user(f, 64);
  const other = f.table.spawn('other');
  const addr = await app.mmap({ len: PAGE_SIZE, share: 'private' });
  const fd = await app.uringRegister(addr, PAGE_SIZE);
  const copy = await app.sendFd(other, fd);
  await app.exit();
  await f.sched.settle();
  t.is(pinned(f), 1);
  t.is(app.user.lockedVm, 1);
  await other.close(copy);
  await f.sched.settle();
  t.is(pinned(f), 0);
  t.is(app.user.lockedVm, 0);
});

for (const [what, addr, len] of [
  ['a null address', 0, PAGE_SIZE],
  ['no bytes', 0x10000, 0],
  ['more than 1 GiB', 0x10000, 2 ** 30 + 1],
  ['nothing mapped', 0x10000, PAGE_SIZE],
] as const) {
  test(`${what} is EFAULT`, async (t) => {
    const f = fixture();
    const app = f.table.spawn('app');
    await t.throwsAsync(app.uringRegister(addr, len), { code: 'EFAULT' });
    t.is(app.fds.nrOpen, 0);
  });
}

test('a hole after the first pages is EFAULT and leaves nothing pinned', async (t) => {
  const f = fixture();
  const app = f.table.spawn('app');
  const addr = await app.mmap({ len: 3 * PAGE_SIZE });
  await app.munmap(addr + 2 * PAGE_SIZE, PAGE_SIZE);
  await t.throwsAsync(app.uringRegister(addr, 3 * PAGE_SIZE), { code: 'EFAULT' });
  t.is(pinned(f), 0);
});

for (const [kernel, kind, code] of [
  ['6.1', 'pagecache', 'EOPNOTSUPP'],
  ['6.12', 'pagecache', 'EFAULT'],
  ['7.2', 'pagecache', 'EFAULT'],
  ['6.1', 'fsdax', 'EOPNOTSUPP'],
  ['7.2', 'fsdax', 'EOPNOTSUPP'],
  ['6.1', 'shmem', null],
  ['7.2', 'shmem', null],
] as const) {
  test(`${kernel}: a buffer over ${kind} is ${code ?? 'granted'}`, async (t) => {
    const f = fixture({ kernel });
    const app = f.table.spawn('app');
    const machine = { sched: f.sched, env: f.kernel.mmEnv, mms: [], run: null as never };
    const file = new TestFile(machine, kind, 4 * PAGE_SIZE);
    const addr = await f.sched.enter('mmap', (task) =>
      app.mm.mmap(task, {
        len: 4 * PAGE_SIZE,
        prot: 'rw',
        share: 'shared',
        file,
        ops: file.ops,
      }),
    );
    const call = app.uringRegister(addr, 2 * PAGE_SIZE);
    if (code !== null) await t.throwsAsync(call, { code });
    else await call;
    t.is(pinned(f), code === null ? 2 : 0);
    t.is(app.status().vmPinPages, code === null ? 2 : 0);
    await everybodyExits(f);
  });
}

test('6.1: a buffer over two files is EINVAL', async (t) => {
  const f = fixture({ kernel: '6.1' });
  const app = f.table.spawn('app');
  const a = await app.mmap({ len: PAGE_SIZE });
  const b = await app.mmap({ len: PAGE_SIZE });
  t.is(b, a - PAGE_SIZE);
  await t.throwsAsync(app.uringRegister(b, 2 * PAGE_SIZE), { code: 'EINVAL' });
  t.is(pinned(f), 0);
});
