// Goal: processes are found by pid, share the account of their user, and signal whom they may.

import test from 'ava';
import { userCredentials } from '../../lib/process/credentials.js';
import { fixture } from './fixture.js';

test('pids are given once each, in order, and found until reaped', async (t) => {
  const { table } = fixture();
  const [a, b] = [table.spawn('a'), table.spawn('b')];
  t.deepEqual([a.pid, b.pid, a.getpid()], [1, 2, 1]);
  t.is(table.get(2), b);
  t.throws(() => table.reap(2), { code: 'EBUSY' });
  await b.exit();
  t.deepEqual(table.alive, [a]);
  t.deepEqual(table.all, [a, b]);
  table.reap(2);
  t.throws(() => table.get(2), { code: 'ESRCH' });
  t.is(table.spawn('c').pid, 3);
});

test('processes of one uid share an account', async (t) => {
  const { table } = fixture();
  const a = table.spawn('a', { cred: userCredentials(1000) });
  const b = table.spawn('b');
  t.not(a.user, b.user);
  await b.setuid(1000);
  t.is(a.user, b.user);
});

test('kill is EINVAL, ESRCH or EPERM before it is sent', async (t) => {
  const { table } = fixture();
  const root = table.spawn('root');
  const a = table.spawn('a', { cred: userCredentials(1) });
  const b = table.spawn('b', { cred: userCredentials(2) });
  await t.throwsAsync(a.kill(b.pid, 'SIGNONE'), { code: 'EINVAL' });
  await t.throwsAsync(a.kill(99, 'SIGTERM'), { code: 'ESRCH' });
  await t.throwsAsync(a.kill(b.pid, 'SIGTERM'), { code: 'EPERM' });
  await t.throwsAsync(a.kill(b.pid, '0'), { code: 'EPERM' });
  await root.kill(b.pid, '0');
  t.is(b.waitStatus(), 'running');
  await root.kill(b.pid, 'SIGTERM');
  t.is(await b.ended, 'SIGTERM');
  await root.kill(b.pid, 'SIGKILL');
  t.is(b.waitStatus(), 'SIGTERM');
});

test('a signal by kill names its sender', async (t) => {
  const { sched, table } = fixture();
  const [a, b] = [table.spawn('a'), table.spawn('b')];
  let info: unknown;
  b.on('SIGUSR1', (received) => void (info = received));
  await a.kill(b.pid, 'SIGUSR1');
  await sched.settle();
  t.deepEqual(info, { signal: 'SIGUSR1', code: 'SI_USER', from: a.pid });
});
