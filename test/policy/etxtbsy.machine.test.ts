// Goal: the opt-in of RFC v2 on a whole machine, point by point (cover letter, August 2019): a pin
// wants an exclusive layout lease, truncate fails, close and munmap are fine, and /proc names the
// holder.

import test from 'ava';
import rdma from '../../drivers/rdma/index.js';
import type { Process } from '../../lib/machine.js';
import { PAGE_SIZE, seconds } from '../../lib/units.js';
import { answer, makeFile, onMachine } from '../support/machine.js';

const len = 4 * PAGE_SIZE;
const mounts = { '/': { flavor: 'ext4', dax: true, policy: 'etxtbsy' } } as const;

test('who registers a file opts in, and is found by /proc until it deregisters', (t) =>
  onMachine(t, { kernel: 'proposed', mounts, drivers: [rdma] }, async (machine) => {
    const [app, admin] = [machine.spawn('app'), machine.spawn('admin')];
    await makeFile(app, '/f', len);
    const device = await app.openDevice('rdma0');
    const fd = await app.open('/f', ['rdwr']);
    const addr = await app.mmap({ fd, len, prot: 'rw', share: 'shared' });
    const pd = await device.allocPD();
    const register = () => device.regMR(pd, addr, PAGE_SIZE, ['local_write', 'remote_write']);
    const truncate = () => answer(machine, admin.truncate('/f', 0), seconds(60));

    t.is(await answer(machine, register()), 'EPERM', 'no lease');
    await app.setLease(fd, 'F_LAYOUT');
    t.is(await answer(machine, register()), 'EPERM', 'a lease that can be broken');
    await app.setLease(fd, 'F_LAYOUT|F_EXCLUSIVE');
    t.is(await app.getLease(fd), 'F_LAYOUT');
    const mr = await register();
    t.deepEqual(app.filePins(), ['0: /dev/rdma0', '\t/f']);
    t.deepEqual(admin.filePins(), []);

    t.is(await answer(machine, app.ftruncate(fd, 0)), 'EDEADLOCK');
    t.is(await truncate(), 'ETXTBSY');
    t.is((await admin.stat('/f')).size, len, 'it failed before it began');

    await app.munmap(addr, len);
    await app.close(fd);
    t.deepEqual(app.filePins(), ['0: /dev/rdma0', '\t/f'], 'the device file holds the pin');
    t.is(await truncate(), 'ETXTBSY');
    t.is(machine.clock.nowNs, 0, 'nobody waited for anybody');

    await device.deregMR(mr);
    t.deepEqual(app.filePins(), []);
    t.is(await truncate(), 'ok');
    t.is((await admin.stat('/f')).size, 0);
  }));

/** A page of /f is pinned through rdma0, under an exclusive lease. */
async function pinExclusively(app: Process): Promise<void> {
  await makeFile(app, '/f', len);
  const fd = await app.open('/f', ['rdwr']);
  const addr = await app.mmap({ fd, len, prot: 'rw', share: 'shared' });
  await app.setLease(fd, 'F_LAYOUT|F_EXCLUSIVE');
  const device = await app.openDevice('rdma0');
  await device.regMR(await device.allocPD(), addr, PAGE_SIZE, ['local_write']);
}

test('a kill of the process that /proc names lets truncate go on', (t) =>
  onMachine(t, { kernel: 'proposed', mounts, drivers: [rdma] }, async (machine) => {
    const [app, admin] = [machine.spawn('app'), machine.spawn('admin')];
    await pinExclusively(app);
    t.is(await answer(machine, admin.truncate('/f', 0)), 'ETXTBSY');
    const holder = [app, admin].find((process) => process.filePins().includes('\t/f'))!;
    holder.sendSignal('SIGKILL');
    await machine.sched.settle();
    t.is(await answer(machine, admin.truncate('/f', 0)), 'ok');
  }));

test('who was passed the device file is found by /proc when the one that pinned is gone', (t) =>
  onMachine(t, { kernel: 'proposed', mounts, drivers: [rdma] }, async (machine) => {
    const [app, heir] = [machine.spawn('app'), machine.spawn('heir')];
    await pinExclusively(app);
    const passed = await app.sendFd(heir, 1); // the file is 0
    await app.exit();
    t.deepEqual(heir.filePins(), [`${passed}: /dev/rdma0`, '\t/f']);
    const admin = machine.spawn('admin');
    t.is(await answer(machine, admin.truncate('/f', 0)), 'ETXTBSY');
    await heir.close(passed);
    t.is(await answer(machine, admin.truncate('/f', 0)), 'ok');
  }));
