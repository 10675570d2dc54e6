// Goal: a page of the block device is mapped for who has a layout lease of its file; for others,
// and where the block is free or metadata, it is SIGBUS. Truncate sees such mappings.

import test, { type ExecutionContext } from 'ava';
import block from '../../drivers/block/index.js';
import type { FileExtent } from '../../lib/fs/file-ioctls.js';
import type { Machine, Process } from '../../lib/machine.js';
import { MemoryFault } from '../../lib/machine.js';
import type { PolicyId } from '../../lib/policy/index.js';
import { MiB, PAGE_SIZE, seconds } from '../../lib/units.js';
import { balancedMachine } from '../support/machine.js';

interface Beside {
  readonly machine: Machine;
  readonly app: Process;
  readonly fd: number;
  readonly physical: number;
  /** Map a page of the block device. */
  map(physical: number, by?: Process): Promise<number>;
}

async function beside(
  t: ExecutionContext,
  policy: PolicyId,
  fn: (b: Beside) => Promise<void>,
): Promise<void> {
  await using machine = await balancedMachine(t, {
    ...{ size: 4 * MiB, kernel: '7.2', clock: 'virtual', drivers: [block] },
    mounts: { '/': { flavor: 'ext4', dax: true, policy } },
  });
  const app = machine.spawn('app');
  app.on('SIGIO', () => {});
  const fd = await app.open('/data', ['rdwr', 'creat']);
  await app.write(fd, 0, new Uint8Array(PAGE_SIZE).fill(0x5a));
  const [extent] = (await app.ioctl(fd, 'FS_IOC_FIEMAP')) as FileExtent[];
  const map = async (pos: number, by = app): Promise<number> => {
    by.on('SIGBUS', () => {});
    const { fd: node } = await by.openDevice('block0');
    return by.mmap({ fd: node, len: PAGE_SIZE, pos, prot: 'rw', share: 'shared' });
  };
  await fn({ machine, app, fd, physical: extent!.physical, map });
}

const sigbus = { instanceOf: MemoryFault, message: /SIGBUS/ };

test('with a layout lease the bytes of the file are there, and stores reach it', async (t) => {
  await beside(t, 'block-device', async ({ app, fd, physical, map }) => {
    await app.setLease(fd, 'F_LAYOUT');
    const addr = await map(physical);
    t.deepEqual(await app.load(addr, 2), Uint8Array.of(0x5a, 0x5a));
    await app.store(addr, Uint8Array.of(7));
    t.deepEqual(await app.read(fd, 0, 2), Uint8Array.of(7, 0x5a));
  });
});

test('without a lease, and with that of somebody else, it is SIGBUS', async (t) => {
  await beside(t, 'block-device', async ({ machine, app, fd, physical, map }) => {
    const addr = await map(physical);
    await t.throwsAsync(app.load(addr, 1), sigbus);
    await app.setLease(fd, 'F_LAYOUT');
    t.is((await app.load(addr, 1))[0], 0x5a);
    const other = machine.spawn('other');
    await t.throwsAsync(other.load(await map(physical, other), 1), sigbus);
  });
});

test('a free block, metadata and what is no block are SIGBUS', async (t) => {
  await beside(t, 'block-device', async ({ app, fd, map }) => {
    await app.setLease(fd, 'F_LAYOUT');
    for (const pos of [0, 3 * MiB, 64 * MiB]) {
      await t.throwsAsync(app.load(await map(pos), 1), sigbus, `${pos}`);
    }
  });
});

test('under a policy that does not know it, it is SIGBUS whatever the lease', async (t) => {
  await beside(t, 'lease-required', async ({ app, fd, physical, map }) => {
    await app.setLease(fd, 'F_LAYOUT');
    await t.throwsAsync(app.load(await map(physical), 1), sigbus);
  });
});

test('truncate takes the block out of the mapping: then it is SIGBUS', async (t) => {
  await beside(t, 'block-device', async ({ machine, app, fd, physical, map }) => {
    await app.setLease(fd, 'F_LAYOUT');
    const addr = await map(physical);
    await app.load(addr, 1);
    const admin = machine.spawn('admin');
    t.true(await machine.sched.runUntil(admin.truncate('/data', 0), seconds(60)));
    await t.throwsAsync(app.load(addr, 1), sigbus);
    t.is((await app.fstat(fd)).size, 0);
  });
});
