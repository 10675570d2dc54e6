// Goal: who a process is, what it may use and how it ends, seen from outside.

import test from 'ava';
import { ProcessKilled } from '../../lib/process/errors.js';
import { MiB } from '../../lib/units.js';
import { fixture } from './fixture.js';

test('a new process is root with every capability and the usual limits', (t) => {
  const app = fixture().table.spawn('app');
  t.is(app.cred.uid, 0);
  t.true(app.cred.caps.has('CAP_IPC_LOCK'));
  t.is(app.rlimit('memlock'), 8 * MiB);
  t.is(app.rlimit('nofile'), 1024);
  t.is(app.mm.process, app);
  t.deepEqual([app.exiting, app.fatalSignalPending, app.waitStatus()], [false, false, 'running']);
});

test('an ordinary user raises no limit', async (t) => {
  const app = fixture().table.spawn('app');
  await app.setuid(1000);
  await app.setrlimit('memlock', 4096);
  await t.throwsAsync(app.setrlimit('memlock', 8192), { code: 'EPERM' });
  t.is(app.rlimit('memlock'), 4096);
});

test('exit answers the status, and every later call is ProcessKilled', async (t) => {
  const app = fixture().table.spawn('app');
  t.is(await app.exit(259), 'exit:3');
  t.is(app.waitStatus(), 'exit:3');
  const error = await t.throwsAsync(app.open('/f', ['creat']), { instanceOf: ProcessKilled });
  t.is(error?.status, 'exit:3');
  t.is(await app.exit(0), 'exit:3');
  t.is(await app.wait(), 'exit:3');
  t.true(app.mm.dead);
});

test('handlers come, go and are replaced', async (t) => {
  const { sched, table } = fixture();
  const app = table.spawn('app');
  const seen: number[] = [];
  app.on('SIGUSR1', () => void seen.push(1));
  app.on('SIGUSR1', () => void seen.push(2));
  app.sendSignal('SIGUSR1');
  await sched.settle();
  app.ignore('SIGUSR1');
  app.sendSignal('SIGUSR1');
  t.deepEqual(seen, [2]);
  t.deepEqual(app.takeSignals(), ['SIGUSR1']);
  app.off('SIGUSR1');
  app.sendSignal('SIGUSR1');
  t.is(await app.ended, 'SIGUSR1');
});

test('a handler makes calls of the process it runs in', async (t) => {
  const { sched, table, fs } = fixture();
  const app = table.spawn('app');
  app.on('SIGIO', async () => {
    await app.close(await app.open('/told', ['creat']));
  });
  app.sendSignal('SIGIO');
  await sched.settle();
  t.is(fs.last('told').refs, 0);
});

test('blocked signals wait, and unblocking delivers them', async (t) => {
  const { sched, table } = fixture();
  const app = table.spawn('app');
  app.on('SIGIO', () => {});
  app.sigmask('block', ['SIGIO']);
  app.sendSignal('SIGIO');
  t.deepEqual(app.pendingSignals(), ['SIGIO']);
  app.sigmask('unblock', ['SIGIO']);
  await sched.settle();
  t.deepEqual(app.takeSignals(), ['SIGIO']);
});

test('an unknown signal is EINVAL wherever it is named', (t) => {
  const app = fixture().table.spawn('app');
  t.throws(() => app.sendSignal('SIGNONE'), { code: 'EINVAL' });
  t.throws(() => app.on('SIGNONE', () => {}), { code: 'EINVAL' });
  t.throws(() => app.on('SIGKILL', () => {}), { code: 'EINVAL' });
});

test('a process that waits for itself to end in a handler is told so by its death', async (t) => {
  const app = fixture().table.spawn('app');
  app.on('SIGTERM', async () => {
    await app.exit(4);
  });
  app.sendSignal('SIGTERM');
  t.is(await app.ended, 'exit:4');
  t.deepEqual(app.uncaught, []);
});
