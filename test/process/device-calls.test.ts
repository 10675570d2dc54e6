// Goal: a device node is opened, asked, polled and closed through the calls of its process.

import test from 'ava';
import { DeviceHandle } from '../../lib/process/device-calls.js';
import { ms } from '../../lib/units.js';
import { fixture } from './fixture.js';

test('without a library openDevice answers a handle on a descriptor', async (t) => {
  const { table, journal } = fixture();
  const app = table.spawn('app');
  const handle = await app.openDevice('null0');
  t.true(handle instanceof DeviceHandle);
  t.is(handle.fd, 0);
  t.is(await handle.ioctl('ECHO', 5), 5);
  t.deepEqual([...(await handle.read(2))], [7, 7]);
  t.is(await handle.write(Uint8Array.of(1)), 1);
  await t.throwsAsync(handle.mmap({ len: 4096 }), { code: 'ENODEV' });
  await handle.close();
  t.deepEqual(journal, ['flush /dev/null0', 'release /dev/null0']);
  await t.throwsAsync(handle.ioctl('ECHO'), { code: 'EBADF' });
});

test('a library makes its calls through the process, and dies with it', async (t) => {
  const { table } = fixture();
  const app = table.spawn('app');
  const library = (await app.openDevice('lib')) as unknown as { io: DeviceHandle };
  t.like(library, { isLibrary: true });
  t.is(await library.io.ioctl('ECHO', 'x'), 'x');
  await app.exit();
  await t.throwsAsync(library.io.ioctl('ECHO'), { code: 'EKILLED' });
});

test('no node is ENOENT and leaves no descriptor, no request ENOTTY', async (t) => {
  const app = fixture().table.spawn('app');
  await t.throwsAsync(app.openDevice('none'), { code: 'ENOENT' });
  t.is(app.fds.nrOpen, 0);
  const { fd } = await app.openDevice('null0');
  await t.throwsAsync(app.ioctl(fd, 'MELT'), { code: 'ENOTTY' });
  const file = await app.open('/f', ['creat']);
  await t.throwsAsync(app.ioctl(file, 'ECHO'), { code: 'ENOTTY' });
  await t.throwsAsync(app.poll(file), { code: 'EINVAL' });
});

test('at the limit the driver is not asked', async (t) => {
  const { table, devices } = fixture();
  const app = table.spawn('app');
  await app.setrlimit('nofile', 0);
  await t.throwsAsync(app.openDevice('null0'), { code: 'EMFILE' });
  t.is(devices.size, 0);
});

test('an ioctl that waits is interrupted by an abort', async (t) => {
  const { sched, table } = fixture();
  const app = table.spawn('app');
  const { fd } = await app.openDevice('null0');
  const abort = new AbortController();
  const call = app.ioctl(fd, 'WAIT', null, { signal: abort.signal });
  await sched.settle();
  abort.abort('enough');
  t.is((await t.throwsAsync(call, { code: 'EINTR' }))?.cause, 'enough');
});

test('poll answers what is ready, and waits on every queue for it', async (t) => {
  const { sched, table, devices } = fixture();
  const app = table.spawn('app');
  const { fd } = await app.openDevice('null0');
  const device = devices.get('null0')!;
  for (const queue of [0, 1]) {
    device.events = [];
    const poll = app.poll(fd, { events: ['POLLIN'] });
    await sched.settle();
    device.queues[queue]!.wakeAll();
    await sched.settle();
    t.deepEqual(app.callsUnderWay, ['poll'], 'nothing is ready yet');
    device.events = ['POLLOUT'];
    device.queues[queue]!.wakeAll();
    await sched.settle();
    t.deepEqual(app.callsUnderWay, ['poll'], 'POLLOUT is not wanted');
    device.events = ['POLLIN', 'POLLOUT'];
    device.queues[queue]!.wakeAll();
    t.deepEqual(await poll, ['POLLIN']);
    t.true(device.queues.every((q) => q.waiters.length === 0));
  }
});

test('POLLERR and POLLHUP are never asked for and always told', async (t) => {
  const { table, devices } = fixture();
  const app = table.spawn('app');
  const { fd } = await app.openDevice('null0');
  devices.get('null0')!.events = ['POLLERR'];
  t.deepEqual(await app.poll(fd, { events: ['POLLIN'] }), ['POLLERR']);
});

test('poll gives up after its time, and at once with none', async (t) => {
  const { sched, table } = fixture();
  const app = table.spawn('app');
  const { fd } = await app.openDevice('null0');
  t.deepEqual(await app.poll(fd, { timeoutNs: 0 }), []);
  const before = sched.clock.nowNs;
  t.deepEqual(await app.poll(fd, { timeoutNs: ms(20) }), []);
  t.is(sched.clock.nowNs - before, ms(20));
});
