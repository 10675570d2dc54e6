// Goal: /proc shows what a process holds: pages by account, pinned files by device.

import test from 'ava';
import { pinUserPages } from '../../lib/mm/pin-user-pages.js';
import { PAGE_SIZE } from '../../lib/units.js';
import { everybodyExits, fixture } from './fixture.js';

test('status counts pages and KiB of both accounts, descriptors and pending signals', async (t) => {
  const f = fixture();
  const app = f.table.spawn('app');
  await app.open('/f', ['creat']);
  const addr = await app.mmap({ len: 4 * PAGE_SIZE });
  await app.mlock(addr, PAGE_SIZE);
  await app.uringRegister(addr, 2 * PAGE_SIZE);
  app.sigmask('block', ['SIGUSR1']);
  app.sendSignal('SIGUSR1');
  t.deepEqual(app.status(), {
    name: 'app',
    pid: 1,
    state: 'running',
    uid: 0,
    vmPinPages: 2,
    vmPinKiB: 8,
    vmLckPages: 1,
    vmLckKiB: 4,
    nrFds: 2,
    pendingSignals: ['SIGUSR1'],
  });
  await everybodyExits(f);
});

test('file_pins lists files below the open file that pins them, and bare without one', async (t) => {
  const { sched, table, kernel } = fixture();
  const app = table.spawn('app');
  const other = table.spawn('other');
  await app.open('/x', ['creat']);
  const { fd } = await app.openDevice('uverbs0');
  const { fd: second } = await app.openDevice('uverbs0');
  const addr = await app.mmap({ len: PAGE_SIZE, share: 'private' });
  const pin = (through: number | null, dataFile: string) =>
    sched.enter('pin', (task) =>
      pinUserPages(task, kernel.mmEnv, {
        mm: app.mm,
        addr,
        len: 1,
        access: 'read',
        longterm: false,
        origin: {
          ...{ process: app, device: 'dev', deviceFile: '/dev/uverbs0', dataFile },
          ...(through !== null && { openFile: app.fds.get(through) }),
        },
      }),
    );
  const pins = [
    await pin(fd, '/data/b'),
    await pin(fd, '/data/a'),
    await pin(fd, '/data/a'),
    await pin(second, '/data/d'),
    await pin(fd, ''),
    await pin(null, '/data/c'),
  ];
  const [first, context] = [`${fd}: /dev/uverbs0`, `${second}: /dev/uverbs0`];
  const files = ['\t/data/a', '\t/data/b'];
  t.deepEqual(app.filePins(), [first, ...files, context, '\t/data/d', '/data/c']);
  t.deepEqual(other.filePins(), []);

  const passed = await app.sendFd(other, fd);
  t.deepEqual(other.filePins(), [`${passed}: /dev/uverbs0`, ...files], 'pins go along');
  await app.close(fd);
  t.deepEqual(app.filePins(), [context, '\t/data/d', '/data/c'], 'and are somebody else’s now');
  for (const p of pins) p.unpin();
  for (const process of [app, other]) t.deepEqual(process.filePins(), []);
});
