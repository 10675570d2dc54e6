// Goal: a fence takes the whole open file through which a pin was taken, irrevocable or not, and no
// other file; what it cannot reach is revoked.

import test from 'ava';
import rdma from '../../drivers/rdma/index.js';
import { defineDriver, type Device, type PinnedPages, type Task } from '../../lib/driver/index.js';
import type { NodeFile } from '../../lib/driver/node-file.js';
import { isErrno } from '../../lib/errno.js';
import { KiB, MiB, PAGE_SIZE, seconds } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import { App, driverMachine } from '../support/driver-machine.js';
import { balancedMachine } from '../support/machine.js';

type Handle = PinnedPages[];

/** PIN holds the memory until the file is closed; `stuck` makes release() forget it for a while. */
class Holder {
  stuck = false;
  revoked = 0;
}

type HolderRequests = {
  PIN: { arg: { addr: number; revocable: boolean }; ret: void };
};

const holder = defineDriver({
  name: 'holder',
  apiVersion: 1,
  idTable: [{ compatible: 'test,holder' }],
  probe(dev: Device<Holder>) {
    dev.addNode<Handle, HolderRequests>(dev.name, {
      ioctls: {
        async PIN(handle, { addr, revocable }, caller) {
          const common = { addr, len: PAGE_SIZE, access: 'read', longterm: true } as const;
          const revoke = (pins: PinnedPages) => {
            dev.hardware.revoked++;
            pins.unpin();
            return Promise.resolve();
          };
          const how = revocable ? { revoke } : { irrevocable: true as const };
          handle.push(await dev.pinUserPages(caller, { ...common, ...how }));
        },
      },
      open: () => [],
      async release(handle, task) {
        if (dev.hardware.stuck) await dev.sched.clock.sleep(task, seconds(10));
        for (const pins of handle) if (pins.state !== 'GONE') pins.unpin();
      },
    });
  },
});

async function bench(
  t: Parameters<typeof assertBalanced>[0],
  body: (b: {
    readonly hardware: Holder;
    readonly app: App;
    readonly task: Task;
    open(revocable: boolean): Promise<NodeFile>;
    fence(): Promise<string>;
  }) => Promise<void>,
): Promise<void> {
  const m = driverMachine();
  const hardware = new Holder();
  m.core.register(holder);
  m.core.addDevice('test,holder', hardware);
  await m.run(async (task) => {
    const app = new App(m, task);
    await body({
      hardware,
      app,
      task,
      open: async (revocable) => {
        const file = await app.openNode('holder0');
        await file.ioctl(app.caller, 'PIN', { addr: await app.map(1), revocable });
        return file;
      },
      fence: () => m.core.fencePins(task, [...m.env.pinTable].slice(0, 1), 'test'),
    });
    await app.exit();
    t.deepEqual(await m.core.unbind(task, 'holder0'), []);
  });
  assertBalanced(t, m.env, { mms: m.mms });
}

for (const revocable of [true, false]) {
  test(`the file of a pin is gone, and others go on (revocable: ${revocable})`, async (t) => {
    await bench(t, async ({ hardware, app, task, open, fence }) => {
      const first = await open(revocable);
      const second = await open(revocable);
      t.is(await fence(), 'revoked');
      t.is(hardware.revoked, 0, 'the file went, not the pin');
      const call = first.ioctl(app.caller, 'PIN', { addr: 0, revocable });
      t.true(isErrno(await t.throwsAsync(call), 'ENODEV'));
      t.deepEqual(first.poll(app.caller), ['POLLERR', 'POLLHUP']);
      await second.ioctl(app.caller, 'PIN', { addr: await app.map(1), revocable });
      await app.close(first);
      await app.close(second);
      t.is(task.sched.clock.nowNs, 0);
    });
  });
}

test('a driver that does not release in time has its pins revoked', async (t) => {
  await bench(t, async ({ hardware, app, task, open, fence }) => {
    hardware.stuck = true;
    const file = await open(true);
    t.is(await fence(), 'revoked');
    t.is(task.sched.clock.nowNs, seconds(1));
    t.is(hardware.revoked, 1);
    await app.close(file);
    await task.sched.clock.sleep(task, seconds(10));
  });
});

test('a pin that neither release nor revoke gives back leaves it hung', async (t) => {
  await bench(t, async ({ hardware, app, task, open, fence }) => {
    hardware.stuck = true;
    const file = await open(false);
    t.is(await fence(), 'hung');
    await task.sched.clock.sleep(task, seconds(10));
    await app.close(file);
  });
});

interface Verbs {
  allocPD(): Promise<unknown>;
  regMR(pd: unknown, addr: number, len: number, access: readonly string[]): Promise<unknown>;
}

test('recall-fence: after two lease periods the adapter file of the pinner is gone', async (t) => {
  await using machine = await balancedMachine(t, {
    size: 16 * MiB,
    kernel: 'proposed',
    mounts: { '/': { flavor: 'ext4', dax: true, policy: 'recall-fence' } },
    drivers: [rdma],
    clock: 'virtual',
  });
  const [app, other] = [machine.spawn('app'), machine.spawn('other')];
  app.ignore('SIGIO');
  const len = 64 * KiB;
  const fd = await app.open('/data', ['rdwr', 'creat']);
  await app.write(fd, 0, new Uint8Array(len));
  const addr = await app.mmap({ fd, len });
  const ctx = (await app.openDevice('rdma0')) as unknown as Verbs;
  const bystander = (await other.openDevice('rdma0')) as unknown as Verbs;
  await ctx.regMR(await ctx.allocPD(), addr, len, ['local_write']);
  const cut = machine.spawn('admin').truncate('/data', 0);
  t.true(await machine.sched.runUntil(cut, seconds(600)));
  t.is(machine.clock.nowNs, seconds(180));
  t.true(isErrno(await t.throwsAsync(ctx.allocPD()), 'ENODEV'));
  await t.notThrowsAsync(bystander.allocPD());
  t.is(app.mm.pinnedVm, 0);
});
