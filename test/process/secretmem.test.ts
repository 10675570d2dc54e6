// Goal: memfd_secret(2) gives memory that nothing but the mappings of its descriptor reaches
// (mm/secretmem.c; facts 2.2 row 3). Method: each way to it, on every kernel, on a whole machine.

import test, { type ExecutionContext } from 'ava';
import { kernelNames, type KernelName } from '../../lib/kernel-rules.js';
import type { Machine, Process } from '../../lib/machine.js';
import { pfnOfPte } from '../../lib/mm/pte.js';
import { PAGE_SIZE } from '../../lib/units.js';
import { answer, makeFile, onMachine } from '../support/machine.js';

const len = 4 * PAGE_SIZE;
const fill = (nr: number, byte: number) => new Uint8Array(nr).fill(byte);

interface Scene {
  readonly t: ExecutionContext;
  readonly machine: Machine;
  readonly app: Process;
  readonly fd: number;
  readonly is: (call: Promise<unknown>, expected: string) => Promise<void>;
}

/** app, which is nobody special, with secret memory of size bytes. */
async function withSecret(
  t: ExecutionContext,
  kernel: KernelName,
  size: number,
  body: (s: Scene) => Promise<void>,
): Promise<void> {
  await onMachine(t, { kernel }, async (machine) => {
    const app = machine.spawn('app');
    await makeFile(app, '/cache/data');
    await app.setuid(1000);
    const fd = await app.memfdSecret();
    if (size > 0) await app.ftruncate(fd, size);
    const is = async (call: Promise<unknown>, expected: string): Promise<void> =>
      void t.is(await answer(machine, call), expected);
    await body({ t, machine, app, fd, is });
  });
}

for (const kernel of kernelNames) {
  test(`${kernel}: what one mapping stores another loads, and both keep the file open`, (t) =>
    withSecret(t, kernel, len, async ({ machine, app, fd }) => {
      const free = machine.mm.allocator.nrFree;
      const [a, b] = [await app.mmap({ fd, len }), await app.mmap({ fd, len, prot: 'r' })];
      t.is(machine.mm.allocator.nrFree, free, 'pages come with the first use');
      await app.close(fd);
      await app.store(a + PAGE_SIZE - 1, fill(2, 9));
      t.deepEqual(await app.load(b + PAGE_SIZE - 1, 2), fill(2, 9));
      t.is(machine.mm.allocator.nrFree, free - 2);
      await app.munmap(a, len);
      t.deepEqual(await app.load(b + PAGE_SIZE, 1), fill(1, 9));
      const pfn = pfnOfPte(app.mm.vmaAt(b)!.pte(1));
      await app.munmap(b, len);
      t.is(machine.mm.allocator.nrFree, free);
      const left = new Uint8Array(1);
      machine.mm.pages.read(Uint32Array.of(pfn), 0, left);
      t.deepEqual(left, fill(1, 0), 'nothing is left behind in the page');
    }));

  test(`${kernel}: every pin of it is EFAULT, the page being there or not (facts 2.2 row 3)`, (t) =>
    withSecret(t, kernel, len, async ({ app, fd, is }) => {
      const addr = await app.mmap({ fd, len });
      const verbs = await app.openDevice('rdma0');
      const pd = await verbs.allocPD();
      const [, writeEnd] = await app.pipe();
      const data = await app.open('/cache/data', ['rdonly', 'direct']);
      const buffer = { addr, len: PAGE_SIZE };
      for (const there of [false, true]) {
        if (there) await app.store(addr, fill(len, 1));
        await is(verbs.regMR(pd, addr, PAGE_SIZE), 'EFAULT');
        await is(app.uringRegister(addr, PAGE_SIZE), 'EFAULT');
        await is(app.vmsplice(writeEnd, addr, PAGE_SIZE), 'EFAULT');
        await is(app.readDirect(data, 0, buffer), 'EFAULT');
      }
      t.is(app.status().vmPinPages, 0);
    }));

  test(`${kernel}: it is mapped shared, within RLIMIT_MEMLOCK, and locked from the start`, (t) =>
    withSecret(t, kernel, len, async ({ app, fd, is }) => {
      await app.setrlimit('memlock', { soft: 6 * PAGE_SIZE, hard: 8 * PAGE_SIZE });
      await is(app.mmap({ fd, len, share: 'private' }), 'EINVAL');
      const addr = await app.mmap({ fd, len });
      t.is(app.status().vmLckPages, 4);
      await is(app.mmap({ fd, len }), 'EAGAIN');
      const other = await app.mmap({ fd, len: len / 2 });
      t.is(app.status().vmLckPages, 6);
      await is(app.mlock(addr, len), 'ENOMEM');
      await app.munlock(addr, len);
      t.is(app.status().vmLckPages, 6, 'and is never unlocked');
      await is(app.madvise(addr, len, 'dontneed'), 'EINVAL');
      await app.munmap(addr, PAGE_SIZE);
      t.is(app.status().vmLckPages, 5);
      await app.munmap(other, len / 2);
      t.is(app.status().vmLckPages, 3);
      await app.setrlimit('memlock', 0);
      await is(app.mmap({ fd, len: PAGE_SIZE }), 'EAGAIN');
    }));

  test(`${kernel}: its size is set once, from 0; past it there is SIGBUS`, (t) =>
    withSecret(t, kernel, 0, async ({ app, fd, is }) => {
      app.on('SIGBUS', () => {});
      const addr = await app.mmap({ fd, len: 2 * PAGE_SIZE });
      await t.throwsAsync(app.load(addr, 1), { message: /SIGBUS/ });
      await app.ftruncate(fd, 0);
      await app.ftruncate(fd, PAGE_SIZE);
      for (const size of [0, PAGE_SIZE, len]) await is(app.ftruncate(fd, size), 'EINVAL');
      t.deepEqual(await app.load(addr, 1), fill(1, 0));
      await t.throwsAsync(app.store(addr + PAGE_SIZE, fill(1, 1)), { message: /SIGBUS/ });
      const { size, mode, uid, nlink } = await app.fstat(fd);
      t.deepEqual([size, mode & 0o777, uid, nlink], [PAGE_SIZE, 0o600, 1000, 1]);
    }));

  test(`${kernel}: no call moves its bytes`, (t) =>
    withSecret(t, kernel, len, async ({ app, fd, is }) => {
      const addr = await app.mmap({ len, share: 'private' });
      const buffer = { addr, len: PAGE_SIZE };
      await is(app.readStream(fd, 1), 'EINVAL');
      await is(app.writeStream(fd, fill(1, 1)), 'EINVAL');
      await is(app.read(fd, 0, 1), 'ESPIPE');
      await is(app.write(fd, 0, fill(1, 1)), 'ESPIPE');
      await is(app.readDirect(fd, 0, buffer), 'ESPIPE');
      await is(app.writeDirect(fd, 0, buffer), 'ESPIPE');
      await is(app.lseek(fd, 0, 'SEEK_SET'), 'ESPIPE');
      await is(app.fallocate(fd, 'alloc', 0, PAGE_SIZE), 'EOPNOTSUPP');
      await is(app.fsync(fd), 'EINVAL');
    }));
}

test('RLIMIT_FSIZE holds for it: SIGXFSZ and EFBIG', (t) =>
  withSecret(t, '6.12', 0, async ({ app, fd, is }) => {
    app.on('SIGXFSZ', () => {});
    await app.setrlimit('fsize', PAGE_SIZE);
    await is(app.ftruncate(fd, PAGE_SIZE + 1), 'EFBIG');
    t.deepEqual(app.takeSignals(), ['SIGXFSZ']);
    await is(app.ftruncate(fd, PAGE_SIZE), 'ok');
  }));

test('flags other than O_CLOEXEC are EINVAL, a full table EMFILE, and neither leaves anything', (t) =>
  withSecret(t, '7.2', 0, async ({ app, is }) => {
    await is(app.memfdSecret(['cloexec']), 'ok');
    await is(app.memfdSecret(['nonblock' as 'cloexec']), 'EINVAL');
    await app.setrlimit('nofile', { soft: 2, hard: 4096 });
    await is(app.memfdSecret(), 'EMFILE');
    t.is(app.fds.nrOpen, 2);
  }));
