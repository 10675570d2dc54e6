// Goal: an open node counts its references, checks every call into the driver, and is dead once the
// device went.

import test from 'ava';
import type { Device } from '../../lib/driver/device.js';
import { defineDriver } from '../../lib/driver/driver.js';
import type { FileOperations } from '../../lib/driver/file-operations.js';
import { Errno, isErrno } from '../../lib/errno.js';
import { Mutex, WaitQueue } from '../../lib/sched/index.js';
import { App, driverMachine } from '../support/driver-machine.js';

type Life = { opened: number; released: number };

function bench(fops: (dev: Device, life: Life) => Partial<FileOperations<Life>>) {
  const m = driverMachine();
  const life: Life = { opened: 0, released: 0 };
  m.core.register(
    defineDriver({
      name: 'toy',
      apiVersion: 1,
      idTable: [{ compatible: 'emul,toy' }],
      probe(dev) {
        dev.addNode('toy0', {
          open: () => (life.opened++, life),
          release: () => void life.released++,
          ...fops(dev, life),
        });
      },
    }),
  );
  m.core.addDevice('emul,toy', {});
  return { m, life };
}

test('release runs once, when the last reference is gone and the call ends', async (t) => {
  const { m, life } = bench(() => ({}));
  await m.run(async (task) => {
    const app = new App(m, task);
    const file = await app.openNode('toy0');
    file.getFile();
    await app.close(file);
    t.is(life.released, 0);
    await app.close(file);
    t.is(life.released, 1);
    t.throws(() => file.putFile(task), { message: /put of a released file/ });
    t.false(file.isOpen);
  });
});

test('a refused open leaves no open file', async (t) => {
  const { m } = bench(() => ({
    open() {
      throw new Errno('EBUSY', 'one at a time');
    },
  }));
  await m.run(async (task) => {
    const app = new App(m, task);
    await t.throwsAsync(() => app.openNode('toy0'), { message: /^EBUSY/ });
    t.is(m.core.device('toy0').balance.count('file'), 0);
    await t.throwsAsync(() => app.openNode('nobody0'), { message: /^ENOENT/ });
  });
});

test('reads and writes go by how the node was opened', async (t) => {
  const { m } = bench(() => ({ read: () => 1, write: () => 2 }));
  await m.run(async (task) => {
    const app = new App(m, task);
    const [ro, wo] = [
      await app.openNode('toy0', ['rdonly']),
      await app.openNode('toy0', ['wronly']),
    ];
    t.is(await ro.read(app.caller, new Uint8Array(1)), 1);
    t.is(await wo.write(app.caller, new Uint8Array(1)), 2);
    await t.throwsAsync(() => wo.read(app.caller, new Uint8Array(1)), { message: /^EBADF/ });
    await t.throwsAsync(() => ro.write(app.caller, new Uint8Array(1)), { message: /^EBADF/ });
  });
});

test('a fault on user memory inside a call is EFAULT', async (t) => {
  const { m } = bench(() => ({
    read: async (_h, target, caller) => {
      await caller.process.mm.load(caller.task, 4096, target);
      return 0;
    },
  }));
  await m.run(async (task) => {
    const app = new App(m, task);
    const file = await app.openNode('toy0');
    const error = await t.throwsAsync(() => file.read(app.caller, new Uint8Array(1)));
    t.true(isErrno(error, 'EFAULT'));
  });
});

test('a driver that throws something else, or keeps a lock or a short pin, is a BUG', async (t) => {
  const { m } = bench((dev) => ({
    ioctls: {
      THROW() {
        throw new TypeError('oops');
      },
      async LOCK(_h, _arg, caller) {
        await new Mutex(dev.sched, 'kept').lock(caller.task);
      },
      async PIN(_h, arg, caller) {
        await dev.pinUserPages(caller, {
          addr: arg as number,
          len: 1,
          access: 'read',
          longterm: false,
        });
      },
    },
  }));
  await m.run(async (task) => {
    const app = new App(m, task);
    const addr = await app.map(1);
    const file = await app.openNode('toy0');
    const call = (request: string, arg: unknown) => () => file.ioctl(app.caller, request, arg);
    await t.throwsAsync(call('THROW', {}), { message: /^BUG: ioctl THROW of \/dev\/toy0/ });
    await t.throwsAsync(call('PIN', addr), { message: /returned with a short-term pin/ });
    await t.throwsAsync(call('LOCK', {}), { message: /locks left behind/ });
    task.held.length = 0;
    for (const pins of m.core.device('toy0').pins) pins.unpin();
  });
});

test('poll names the queues it waits on; a withdrawn node hangs up', async (t) => {
  const queues: WaitQueue[] = [];
  const { m } = bench((dev) => {
    const queue = new WaitQueue(dev.sched, 'frames');
    return {
      poll(_h, wait) {
        wait(queue);
        return ['POLLIN'];
      },
    };
  });
  await m.run(async (task) => {
    const app = new App(m, task);
    const file = await app.openNode('toy0', ['nonblock', 'rdwr']);
    t.true(file.nonblock);
    t.deepEqual(
      file.poll(app.caller, (q) => queues.push(q)),
      ['POLLIN'],
    );
    t.is(queues.length, 1);
    await m.core.unbind(task, 'toy0');
    t.deepEqual(file.poll(app.caller), ['POLLERR', 'POLLHUP']);
    await t.throwsAsync(() => file.ioctl(app.caller, 'ANY', {}), { message: /^ENODEV/ });
  });
});
