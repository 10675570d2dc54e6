// Goal: the node has one opener, closing it stops the device before its memory goes, and the driver
// passes the compliance suite.

import test from 'ava';
import vfio, { AssignedDevice, type VfioClient } from '../../../drivers/vfio/index.js';
import { complianceSuite } from '../../../lib/driver/compliance.js';
import { isErrno } from '../../../lib/errno.js';
import { KiB, ms, PAGE_SIZE } from '../../../lib/units.js';
import { assertBalanced } from '../../support/balance.js';
import { App, driverMachine } from '../../support/driver-machine.js';

const flags = ['read', 'write'] as const;

complianceSuite(test, {
  driver: vfio,
  hardware: () => new AssignedDevice(),
  nodes: (name) => [name],
  async exercise({ file, caller, map }) {
    const vaddr = await map(4);
    await file.ioctl(caller, 'MAP_DMA', { vaddr, iova: 0, size: 2 * PAGE_SIZE, flags });
    const second = { vaddr: vaddr + 2 * PAGE_SIZE, iova: 64 * KiB, size: PAGE_SIZE, flags };
    await file.ioctl(caller, 'MAP_DMA', second);
    const job = { dir: 'write', iova: 0, len: PAGE_SIZE, byte: 3, periodNs: 100 };
    await file.ioctl(caller, 'DEVICE_START', job);
    await file.ioctl(caller, 'UNMAP_DMA', { iova: 64 * KiB, size: PAGE_SIZE });
  },
});

function bench() {
  const m = driverMachine({ iommu: 'strict' });
  const hardware = new AssignedDevice();
  m.core.register(vfio);
  m.core.addDevice('emul,assigned-device', hardware);
  return { m, hardware };
}

test('the device writes what is mapped for it, again and again, until it is reset', async (t) => {
  const { m, hardware } = bench();
  await m.run(async (task) => {
    const app = new App(m, task);
    const dev = await app.open<VfioClient>('vfio0');
    const vaddr = await app.map(2);
    await dev.mapDMA({ vaddr, iova: 0x10000, size: 2 * PAGE_SIZE, flags });
    const job = { dir: 'write', iova: 0x10000 + 8, len: PAGE_SIZE, byte: 9 } as const;
    await dev.start({ ...job, periodNs: ms(1) });
    await m.sched.clock.sleep(task, ms(1));
    t.deepEqual([...(await app.load(vaddr + 7, 3))], [0, 9, 9]);
    await app.fill(vaddr, PAGE_SIZE, 1);
    await m.sched.clock.sleep(task, ms(2));
    t.deepEqual([...(await app.load(vaddr + 7, 2))], [1, 9], 'it came again');
    await dev.reset();
    await app.fill(vaddr, PAGE_SIZE, 2);
    const { rounds } = await dev.counters();
    await m.sched.clock.sleep(task, ms(5));
    t.is((await dev.counters()).rounds, rounds);
    t.deepEqual([...(await app.load(vaddr + 7, 2))], [2, 2]);
    await dev.close();
    await app.exit();
  });
  t.is(hardware.counters.faults, 0);
  assertBalanced(t, m.env, { mms: m.mms });
});

test('after UNMAP_DMA the device goes on, and faults', async (t) => {
  const { m } = bench();
  await m.run(async (task) => {
    const app = new App(m, task);
    const dev = await app.open<VfioClient>('vfio0');
    const vaddr = await app.map(1);
    await dev.mapDMA({ vaddr, iova: 0, size: PAGE_SIZE, flags });
    await dev.start({ dir: 'write', iova: 0, len: 64, byte: 9, periodNs: ms(1) });
    await m.sched.clock.sleep(task, ms(1));
    t.is(await dev.unmapAll(), PAGE_SIZE);
    await app.fill(vaddr, 64, 0);
    await m.sched.clock.sleep(task, ms(3));
    t.true((await dev.counters()).faults >= 2);
    t.deepEqual(new Set(await app.load(vaddr, 64)), new Set([0]));
    await dev.close();
    await app.exit();
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('a second open is EBUSY until the first file is closed', async (t) => {
  const { m } = bench();
  await m.run(async (task) => {
    const app = new App(m, task);
    const file = await app.openNode('vfio0');
    const error = await t.throwsAsync(() => app.openNode('vfio0'));
    t.true(isErrno(error, 'EBUSY'));
    await app.close(file);
    await app.close(await app.openNode('vfio0'));
    await app.exit();
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('closing resets, unpins and uncharges, after the memory is gone too', async (t) => {
  const { m, hardware } = bench();
  await m.run(async (task) => {
    const app = new App(m, task);
    const file = await app.openNode('vfio0');
    const vaddr = await app.map(4);
    const map = { vaddr, iova: 0, size: 4 * PAGE_SIZE, flags };
    await file.ioctl(app.caller, 'MAP_DMA', map);
    const job = { dir: 'write', iova: 0, len: PAGE_SIZE, byte: 9, periodNs: ms(1) };
    await file.ioctl(app.caller, 'DEVICE_START', job);
    t.is(app.process.mm.lockedVm, 4);
    await app.exit();
    t.is(m.env.vmstat.pinsOutstanding, 4, 'pins need no address space');
    await app.close(file);
    t.false(hardware.running);
    t.is(app.process.mm.lockedVm, 0);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

for (const [name, job] of [
  ['dir', { dir: 'sideways', iova: 0, len: 1, periodNs: 1 }],
  ['iova', { dir: 'read', iova: 2 ** 50, len: 1, periodNs: 1 }],
  ['len', { dir: 'read', iova: 0, len: 0, periodNs: 1 }],
  ['byte', { dir: 'write', iova: 0, len: 1, byte: 256, periodNs: 1 }],
  ['periodNs', { dir: 'read', iova: 0, len: 1, periodNs: 0 }],
] as const) {
  test(`a job with a bad ${name} is EINVAL and starts nothing`, async (t) => {
    const { m, hardware } = bench();
    await m.run(async (task) => {
      const app = new App(m, task);
      const file = await app.openNode('vfio0');
      const error = await t.throwsAsync(() => file.ioctl(app.caller, 'DEVICE_START', job));
      t.true(isErrno(error, 'EINVAL'));
      t.regex(String(error), new RegExp(name));
      t.false(hardware.running);
      await app.close(file);
      await app.exit();
    });
    assertBalanced(t, m.env);
  });
}
