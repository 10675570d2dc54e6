// Goal: a process takes signals and ends as Linux has it: handlers run, fatal signals unwind
// every call before anything is released, and it ends exactly once.

import test from 'ava';
import { ProcessKilled } from '../../lib/process/errors.js';
import { Lifecycle } from '../../lib/process/lifecycle.js';
import { Scheduler, type Task, WaitQueue } from '../../lib/sched/index.js';

function scene() {
  const sched = new Scheduler({ mode: 'simulated' });
  const log: string[] = [];
  const life = new Lifecycle(sched, {
    pid: 7,
    name: 'app',
    async release() {
      log.push(`release, exiting ${life.exiting}`);
    },
  });
  const queue = new WaitQueue(sched, 'event');
  const wait = async (task: Task): Promise<void> => {
    try {
      await queue.wait(task, { why: 'event' });
    } finally {
      log.push('unwound');
    }
  };
  const call = () => life.threads.run('read', {}, wait);
  return { sched, life, log, queue, call };
}

test('exit unwinds every call, then releases, then is a zombie', async (t) => {
  const { sched, life, log, call } = scene();
  const calls = [call(), call()];
  await sched.settle();
  t.is(life.status, 'running');
  life.begin('exit:3');
  t.true(life.dying);
  t.false(life.exiting);
  t.is(life.status, 'running');
  for (const c of calls) await t.throwsAsync(c, { instanceOf: ProcessKilled });
  t.is(await life.ended, 'exit:3');
  t.is(life.status, 'exit:3');
  t.deepEqual(log, ['unwound', 'unwound', 'release, exiting true']);
});

test('only the first cause of death counts', async (t) => {
  const { life, log } = scene();
  life.begin('exit:0');
  life.begin('SIGKILL');
  life.send('SIGKILL', {});
  t.is(await life.ended, 'exit:0');
  t.is(log.length, 1);
});

for (const sig of ['SIGKILL', 'SIGIO', 'SIGTERM', 'SIGBUS'] as const) {
  test(`${sig} without a handler ends the process`, async (t) => {
    const { life } = scene();
    life.send(sig, {});
    t.is(await life.ended, sig);
  });
}

test('SIGCHLD and ignored signals interrupt nothing', async (t) => {
  const { sched, life, queue, call } = scene();
  life.signals.setAction('SIGUSR1', 'ignore');
  const c = call();
  await sched.settle();
  life.send('SIGCHLD', {});
  life.send('SIGUSR1', {});
  await sched.settle();
  t.is(life.threads.callNames.length, 1);
  queue.wakeAll();
  await c;
  t.is(life.status, 'running');
});

test('a handler runs in a task of its own and interrupts the call', async (t) => {
  const { life, sched, call } = scene();
  const seen: unknown[] = [];
  life.signals.setAction('SIGIO', { handler: (info) => void seen.push(info) });
  const c = call();
  await sched.settle();
  life.send('SIGIO', { fd: 4 });
  await t.throwsAsync(c, { code: 'EINTR' });
  await sched.settle();
  t.deepEqual(seen, [{ signal: 'SIGIO', fd: 4 }]);
  t.deepEqual(life.signals.take(), ['SIGIO']);
});

test('a second SIGIO during the handler runs it once more, a third not', async (t) => {
  const { life, sched, queue } = scene();
  let running = 0;
  let most = 0;
  let runs = 0;
  const handler = async (): Promise<void> => {
    runs++;
    most = Math.max(most, ++running);
    await life.threads.run('wait', {}, async (task) => void (await queue.wait(task, { why: 'x' })));
    running--;
  };
  life.signals.setAction('SIGIO', { handler, restart: true });
  for (let i = 0; i < 3; i++) life.send('SIGIO', {});
  await sched.settle();
  t.is(runs, 1);
  queue.wakeAll();
  await sched.settle();
  t.is(runs, 2);
  queue.wakeAll();
  await sched.settle();
  t.deepEqual([runs, most, running], [2, 1, 0]);
});

test('what a handler throws aborts the process, except that it is gone already', async (t) => {
  const { life } = scene();
  const mistake = new Error('mistake');
  life.signals.setAction('SIGUSR1', {
    handler() {
      throw mistake;
    },
  });
  life.send('SIGUSR1', {});
  t.is(await life.ended, 'SIGABRT');
  t.deepEqual(life.uncaught, [mistake]);

  const other = scene();
  other.life.signals.setAction('SIGUSR1', {
    async handler() {
      other.life.send('SIGKILL', {});
      await other.life.threads.run('open', {}, async () => t.fail('it ran'));
    },
  });
  other.life.send('SIGUSR1', {});
  t.is(await other.life.ended, 'SIGKILL');
  t.deepEqual(other.life.uncaught, []);
});

test('stop and continue hold the process, and it says so', async (t) => {
  const { life } = scene();
  life.send('SIGSTOP', {});
  t.is(life.status, 'stopped');
  life.send('SIGCONT', {});
  t.is(life.status, 'running');
  life.send('SIGSTOP', {});
  life.send('SIGKILL', {});
  t.is(await life.ended, 'SIGKILL');
});

test('a forced signal interrupts no call of another thread', async (t) => {
  const { sched, life, queue, call } = scene();
  life.signals.setAction('SIGBUS', { handler: () => {} });
  const c = call();
  await sched.settle();
  life.force('SIGBUS', { addr: 1 });
  await sched.settle();
  t.deepEqual(life.threads.callNames, ['read']);
  queue.wakeAll();
  await c;
});

test('a forced signal is handled or kills, never dropped', async (t) => {
  const { life } = scene();
  life.signals.setAction('SIGBUS', { handler: () => {} });
  t.is(life.force('SIGBUS', { addr: 1 }), 'handled');
  life.signals.setAction('SIGSEGV', 'ignore');
  t.is(life.force('SIGSEGV', { addr: 1 }), 'killed');
  t.is(await life.ended, 'SIGSEGV');
  t.is(life.force('SIGSEGV', { addr: 1 }), 'killed');
});

test('whoever waits for the end gets the status, before and after it', async (t) => {
  const { sched, life } = scene();
  const early = sched.enter('wait', (task) => life.wait(task));
  await sched.settle();
  life.begin('exit:9');
  t.is(await early, 'exit:9');
  t.is(await sched.enter('wait', (task) => life.wait(task)), 'exit:9');
});

test('unblocking delivers what was held back, in order, while it lives', async (t) => {
  const { sched, life } = scene();
  const seen: string[] = [];
  for (const sig of ['SIGUSR1', 'SIGUSR2']) {
    life.signals.setAction(sig, { handler: (info) => void seen.push(info.signal) });
  }
  life.signals.setMask('block', ['SIGUSR1', 'SIGUSR2', 'SIGTERM']);
  for (const sig of ['SIGUSR2', 'SIGUSR1', 'SIGTERM']) life.send(sig, {});
  life.signals.setMask('setmask', []);
  life.releasePending();
  t.is(await life.ended, 'SIGTERM');
  await sched.settle();
  t.deepEqual(seen, ['SIGUSR2', 'SIGUSR1']);
});
