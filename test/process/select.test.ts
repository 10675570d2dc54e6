// Goal: select and epoll answer which descriptors are ready for what was asked of each, and wait
//   for the first of them.

import test from 'ava';
import { ms } from '../../lib/units.js';
import { Epoll, select } from '../../lib/process/select.js';
import { fixture } from './fixture.js';

async function twoNodes() {
  const f = fixture();
  const app = f.table.spawn('app');
  const [a, b] = [(await app.openDevice('null0')).fd, (await app.openDevice('null1')).fd];
  const [nullA, nullB] = [f.devices.get('null0')!, f.devices.get('null1')!];
  return { ...f, app, a, b, nullA, nullB };
}

test('select: each set holds what is ready for it; errors are ready to read and write', async (t) => {
  const { app, a, b, nullA, nullB } = await twoNodes();
  const sets = { read: [a, b], write: [a, b], except: [a, b], timeoutNs: 0 };
  t.deepEqual(await select(app, sets), { read: [], write: [], except: [] });
  nullA.events = ['POLLIN', 'POLLPRI'];
  nullB.events = ['POLLOUT'];
  t.deepEqual(await select(app, sets), { read: [a], write: [b], except: [a] });
  nullA.events = ['POLLERR'];
  nullB.events = ['POLLHUP'];
  t.deepEqual(await select(app, sets), { read: [a, b], write: [a], except: [] });
});

test('select: waits for the first, and for no longer than its time', async (t) => {
  const { app, a, b, nullB, sched } = await twoNodes();
  const before = sched.clock.nowNs;
  const none = await select(app, { read: [a, b], timeoutNs: ms(20) });
  t.deepEqual(none, { read: [], write: [], except: [] });
  t.is(sched.clock.nowNs - before, ms(20));
  const waiting = select(app, { read: [a, b] });
  await sched.settle();
  nullB.events = ['POLLIN'];
  nullB.queues[0]!.wakeAll();
  t.deepEqual((await waiting).read, [b]);
  t.deepEqual(app.callsUnderWay, [], 'the other wait is over');
});

test('select: an event that no set asked for does not end the wait', async (t) => {
  const { app, a, nullA, sched } = await twoNodes();
  nullA.events = ['POLLPRI'];
  const before = sched.clock.nowNs;
  const sets = { read: [a], write: [a], timeoutNs: ms(20) };
  t.deepEqual(await select(app, sets), { read: [], write: [], except: [] });
  t.is(sched.clock.nowNs - before, ms(20));
});

test('select: the wait goes on where somebody else took what there was', async (t) => {
  const { app, b, nullB, sched } = await twoNodes();
  const before = sched.clock.nowNs;
  const waiting = select(app, { read: [b], timeoutNs: ms(20) });
  await sched.settle();
  let asked = 0;
  Object.defineProperty(nullB, 'events', { get: () => (asked++ === 0 ? ['POLLIN'] : []) });
  nullB.queues[0]!.wakeAll();
  t.deepEqual((await waiting).read, []);
  t.true(asked > 1);
  t.is(sched.clock.nowNs - before, ms(20));
});

test('select: a set with no open descriptor is EBADF, one that is no list EINVAL', async (t) => {
  const { app, a } = await twoNodes();
  await t.throwsAsync(select(app, { read: [a, 77] }), { code: 'EBADF' });
  await t.throwsAsync(select(app, { read: a as never }), { code: 'EINVAL', message: /read/ });
  await t.throwsAsync(select(app, { read: [a], timeoutNs: NaN }), { code: 'EINVAL' });
  await t.throwsAsync(select(app, {}), { code: 'EINVAL', message: /sets/ });
});

test('epoll: interests stay, are changed and go; each hears of its own events', async (t) => {
  const { app, a, b, nullA, nullB } = await twoNodes();
  const epoll = new Epoll(app);
  await t.throwsAsync(epoll.wait(1, 0), { code: 'EINVAL' });
  await epoll.add(a, []);
  await epoll.add(b, ['POLLOUT']);
  nullA.events = ['POLLIN'];
  nullB.events = ['POLLIN', 'POLLOUT'];
  t.deepEqual(await epoll.wait(8, 0), [{ fd: b, events: ['POLLOUT'] }]);
  await epoll.mod(a, ['POLLIN']);
  t.deepEqual(await epoll.wait(1), [{ fd: a, events: ['POLLIN'] }]);
  epoll.del(a);
  t.deepEqual(await epoll.wait(8), [{ fd: b, events: ['POLLOUT'] }]);
});

test('epoll: EEXIST twice, ENOENT for what is not in it, EBADF for what is not open', async (t) => {
  const { app, a, b } = await twoNodes();
  const epoll = new Epoll(app);
  await epoll.add(a, ['POLLIN']);
  await t.throwsAsync(epoll.add(a, ['POLLIN']), { code: 'EEXIST' });
  await t.throwsAsync(epoll.mod(b, ['POLLIN']), { code: 'ENOENT' });
  t.throws(() => epoll.del(b), { code: 'ENOENT' });
  await t.throwsAsync(epoll.add(77, ['POLLIN']), { code: 'EBADF' });
  await t.throwsAsync(epoll.add(b, ['POLLNEVER' as never]), { code: 'EINVAL', message: /events/ });
  await t.throwsAsync(epoll.wait(0), { code: 'EINVAL', message: /maxEvents/ });
});
