// Goal: device-dax maps what it has, refuses what Linux refuses, and lets anybody pin for ever.

import test, { type ExecutionContext } from 'ava';
import deviceDax, { DaxRegion } from '../../../drivers/device-dax/index.js';
import vfio, { type VfioClient } from '../../../drivers/vfio/index.js';
import { complianceSuite } from '../../../lib/driver/compliance.js';
import { isErrno } from '../../../lib/errno.js';
import { type MachineOptions, MemoryFault } from '../../../lib/machine.js';
import { KiB, MiB, ms, PAGE_SIZE } from '../../../lib/units.js';
import { assertBalanced } from '../../support/balance.js';
import { App, driverMachine } from '../../support/driver-machine.js';
import { balancedMachine } from '../../support/machine.js';

complianceSuite(test, {
  driver: deviceDax,
  hardware: () => new DaxRegion({ size: 64 * KiB }),
  nodes: () => ['dax0.0'],
});

const boot = (t: ExecutionContext, options: Partial<MachineOptions> = {}) =>
  balancedMachine(t, {
    size: 16 * MiB,
    deviceDax: { size: 2 * MiB },
    drivers: [deviceDax],
    clock: 'virtual',
    ...options,
  });

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'ok',
    (e: unknown) => (isErrno(e) ? e.code : String(e)),
  );

test('bytes stored through a mapping are in the others, and on the device', async (t) => {
  await using machine = await boot(t);
  const [a, b] = [machine.spawn('a'), machine.spawn('b')];
  const devA = await a.openDevice('dax0.0');
  const devB = await b.openDevice('dax0.0');
  const at = await devA.mmap({ len: 2 * MiB });
  const there = await devB.mmap({ len: PAGE_SIZE, pos: MiB });
  await a.store(at + MiB, Uint8Array.of(1, 2, 3));
  t.deepEqual([...(await b.load(there, 4))], [1, 2, 3, 0]);
  const raw = new Uint8Array(3);
  machine.device.read(machine.device.len - MiB, raw);
  t.deepEqual([...raw], [1, 2, 3]);
});

test('a private mapping is EINVAL, and one past the end faults with SIGBUS', async (t) => {
  await using machine = await boot(t);
  const app = machine.spawn('app');
  app.on('SIGBUS', () => {});
  const dev = await app.openDevice('dax0.0');
  t.is(await code(dev.mmap({ len: PAGE_SIZE, share: 'private' })), 'EINVAL');
  const addr = await dev.mmap({ len: 2 * PAGE_SIZE, pos: 2 * MiB - PAGE_SIZE });
  await app.store(addr, Uint8Array.of(9));
  const fault = await t.throwsAsync(() => app.load(addr + PAGE_SIZE, 1));
  t.true(fault instanceof MemoryFault && fault.signal === 'SIGBUS');
});

test('there is nothing to truncate, no lease to take and nothing to read or write', async (t) => {
  await using machine = await boot(t);
  const app = machine.spawn('app');
  const dev = await app.openDevice('dax0.0');
  t.is(await code(app.ftruncate(dev.fd, 0)), 'EINVAL');
  t.is(await code(app.setLease(dev.fd, 'F_RDLCK')), 'EINVAL');
  t.is(await code(app.fsync(dev.fd)), 'EINVAL');
  t.is(await code(dev.read(1)), 'EINVAL');
  t.is(await code(dev.write(new Uint8Array(1))), 'EINVAL');
  t.is(await code(dev.ioctl('ANYTHING')), 'ENOTTY');
});

for (const kernel of ['6.1', '6.12', '7.2', 'proposed'] as const) {
  test(`${kernel}: an irrevocable pin is allowed, not of a DAX file next to it`, async (t) => {
    await using machine = await boot(t, {
      kernel,
      drivers: [deviceDax, vfio],
      mounts: { '/': { flavor: 'ext4', dax: true, policy: 'forbid' } },
    });
    const app = machine.spawn('app');
    const dax = await app.openDevice('dax0.0');
    const dev = (await app.openDevice('vfio0')) as unknown as VfioClient;
    const size = 64 * KiB;
    const fd = await app.open('/data', ['rdwr', 'creat']);
    await app.write(fd, 0, new Uint8Array(size));
    const file = await app.mmap({ fd, len: size });
    const vaddr = await dax.mmap({ len: size });
    const flags = ['read', 'write'] as const;
    t.is(await code(dev.mapDMA({ vaddr: file, iova: 0, size, flags })), 'EOPNOTSUPP');
    await dev.mapDMA({ vaddr, iova: 0, size, flags });
    t.is(app.mm.lockedVm, 16);
    await dev.start({ dir: 'write', iova: 0, len: size, byte: 7, periodNs: ms(1) });
    await machine.sched.runFor(ms(3));
    t.deepEqual(new Set(await app.load(vaddr, size)), new Set([7]));
    t.deepEqual(machine.referee.verdict().stray, []);
  });
}

test('mappings are a multiple of the alignment in place and length', async (t) => {
  const m = driverMachine({ ramPages: 2048 });
  m.core.register(deviceDax);
  m.core.addDevice('emul,pmem', new DaxRegion({ size: MiB, align: 64 * KiB }), 'device-dax3');
  await m.run(async (task) => {
    const app = new App(m, task);
    const file = await app.openNode('dax3.0');
    const map = (addr: number, len: number) =>
      app.process.mm.mmap(task, {
        ...{ addr, fixed: true, len, prot: 'rw', share: 'shared', file },
        ops: { fault: () => Promise.reject(new Error('device-dax has its own')) },
        setup: (vma) => file.mmap(app.caller, vma),
      });
    t.is(await code(map(16 * MiB + PAGE_SIZE, 64 * KiB)), 'EINVAL');
    t.is(await code(map(16 * MiB, 32 * KiB)), 'EINVAL');
    t.is(await map(16 * MiB, 128 * KiB), 16 * MiB);
    await app.fill(16 * MiB, 128 * KiB, 5);
    await app.exit();
    await app.close(file);
    t.deepEqual(await m.core.unbind(task, 'device-dax3'), []);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('after the device is gone a mapping that is left gets SIGBUS', async (t) => {
  await using machine = await boot(t);
  const app = machine.spawn('app');
  app.on('SIGBUS', () => {});
  const dev = await app.openDevice('dax0.0');
  const addr = await dev.mmap({ len: PAGE_SIZE });
  await app.store(addr, Uint8Array.of(1));
  const { sched, drivers } = machine;
  t.deepEqual(await sched.enter('unbind', (task) => drivers.unbind(task, 'device-dax0')), []);
  const fault = await t.throwsAsync(() => app.store(addr, Uint8Array.of(2)));
  t.true(fault instanceof MemoryFault && fault.signal === 'SIGBUS');
  t.is(await code(app.openDevice('dax0.0')), 'ENOENT');
});

test('unbinding waits for a pin of another device', async (t) => {
  await using machine = await boot(t, { drivers: [deviceDax, vfio] });
  const app = machine.spawn('app');
  const dax = await app.openDevice('dax0.0');
  const dev = (await app.openDevice('vfio0')) as unknown as VfioClient;
  const vaddr = await dax.mmap({ len: PAGE_SIZE });
  await dev.mapDMA({ vaddr, iova: 0, size: PAGE_SIZE, flags: ['read'] });
  const { sched, drivers } = machine;
  const gone = sched.enter('unbind', (task) => drivers.unbind(task, 'device-dax0'));
  t.false(await sched.runUntil(gone, ms(10)));
  await dev.unmapAll();
  t.deepEqual(await gone, []);
});

test('a size that is no whole number of pages is EINVAL and names the option', async (t) => {
  for (const size of [1, PAGE_SIZE + 1, -PAGE_SIZE, 32 * MiB, NaN]) {
    const error = await t.throwsAsync(() => boot(t, { deviceDax: { size } }), undefined, `${size}`);
    t.true(isErrno(error, 'EINVAL'), `${size}: ${String(error)}`);
    t.regex(String(error), /deviceDax/);
  }
});
