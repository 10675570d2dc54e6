// Goal: a call starts, waits, is interrupted, stopped, begun again and killed as on Linux, and
// what it owes is done before it returns. Method: bodies that wait in a queue, simulated time.

import test from 'ava';
import { Errno } from '../../lib/errno.js';
import { ProcessKilled } from '../../lib/process/errors.js';
import { ThreadGroup } from '../../lib/process/thread-group.js';
import { Scheduler, type Task, WaitQueue, type WaitMode } from '../../lib/sched/index.js';
import { addTaskWork } from '../../lib/sched/task-work.js';
import { tracepoints } from '../../lib/trace/events.js';

function scene() {
  const sched = new Scheduler({ mode: 'simulated' });
  const owner = { name: 'app', pid: 5, gone: null as ProcessKilled | null };
  const threads = new ThreadGroup(sched, owner);
  const queue = new WaitQueue(sched, 'event');
  const wait = (mode: WaitMode) => async (task: Task) => {
    await queue.wait(task, { mode, why: 'event' });
    return 'done';
  };
  const kill = (): void => {
    owner.gone = new ProcessKilled(5, 'app', 'SIGKILL');
    threads.resume();
    threads.killAll();
  };
  return { sched, owner, threads, queue, wait, kill };
}

test('a call returns what its body returns, and names its task', async (t) => {
  const { threads } = scene();
  const name = await threads.run('open', {}, async (task) => task.name);
  t.is(name, 'app:open');
  t.deepEqual(threads.callNames, []);
});

test('the task belongs to the process for the length of the call', async (t) => {
  const { sched, threads, owner } = scene();
  await sched.run('application', async (task) => {
    task.owner = 'before';
    await threads.run('getpid', {}, async (own) => {
      t.is(own, task);
      t.is(own.owner, owner);
      t.deepEqual(threads.callNames, ['getpid']);
    });
    t.is(task.owner, 'before');
  });
});

test('what a call owes is done before it returns, also when it fails', async (t) => {
  const { threads } = scene();
  const log: string[] = [];
  await threads.run('close', {}, async (task) => {
    addTaskWork(task, 'fput', () => void log.push('released'));
    log.push('closed');
  });
  t.deepEqual(log, ['closed', 'released']);
  const failing = threads.run('close', {}, async (task) => {
    addTaskWork(task, 'fput', () => void log.push('released too'));
    throw new Errno('EIO', 'flush');
  });
  await t.throwsAsync(failing, { code: 'EIO' });
  t.is(log.at(-1), 'released too');
});

test('a call is a slice of the trace, from its entry to its return', async (t) => {
  const { sched, threads } = scene();
  const events: unknown[] = [];
  const stop = tracepoints.syscall.subscribe(({ source, phase, key }) => {
    if (source === sched) events.push([phase, key]);
  });
  const id = await threads.run('open', {}, async (task) => {
    t.deepEqual(events, [['begin', `5:${task.id}:open`]]);
    return task.id;
  });
  stop();
  await threads.run('close', {}, async () => {});
  t.deepEqual(events.slice(1), [['end', `5:${id}:open`]]);
});

test('a refusal carries the name of the call', async (t) => {
  const { threads } = scene();
  const call = threads.run('ftruncate', {}, async () => {
    throw new Errno('EBUSY', 'pinned');
  });
  await t.throwsAsync(call, { code: 'EBUSY', message: 'EBUSY: pinned' });
  await call.catch((e: Errno) => t.is(e.syscall, 'ftruncate'));
});

test('a handled signal interrupts the oldest call only', async (t) => {
  const { sched, threads, queue, wait } = scene();
  const first = threads.run('first', {}, wait('interruptible'));
  const second = threads.run('second', {}, wait('interruptible'));
  await sched.settle();
  threads.interruptOne(false);
  await t.throwsAsync(first, { code: 'EINTR' });
  t.deepEqual(threads.callNames, ['second']);
  queue.wakeAll();
  t.is(await second, 'done');
});

test('a signal between waits is found at the next one, and forgotten after the call', async (t) => {
  const { threads, wait } = scene();
  const call = threads.run('read', {}, (task) => {
    threads.interruptOne(false);
    return wait('interruptible')(task);
  });
  await t.throwsAsync(call, { code: 'EINTR' });
  t.is(await threads.run('getpid', {}, async (task) => task.pending), 'none');
});

test('with restarting handlers only, the call begins again', async (t) => {
  const { sched, threads, queue } = scene();
  let begun = 0;
  const call = threads.run('read', {}, async (task) => {
    begun++;
    await queue.wait(task, { why: 'event' });
    return 'done';
  });
  await sched.settle();
  threads.interruptOne(true);
  await sched.settle();
  t.is(begun, 2);
  queue.wakeAll();
  t.is(await call, 'done');
});

test('one handler that does not restart is enough for EINTR', async (t) => {
  const { sched, threads, wait } = scene();
  const call = threads.run('read', {}, wait('interruptible'));
  await sched.settle();
  threads.interruptOne(true);
  threads.interruptOne(false);
  await t.throwsAsync(call, { code: 'EINTR' });
});

test('an abort is EINTR with its reason, before and during the call', async (t) => {
  const { sched, threads, wait } = scene();
  const abort = new AbortController();
  const reason = new Error('enough');
  const call = threads.run('read', { signal: abort.signal }, wait('interruptible'));
  await sched.settle();
  abort.abort(reason);
  const error = await t.throwsAsync(call, { code: 'EINTR' });
  t.is(error?.cause, reason);
  const late = threads.run('read', { signal: abort.signal }, async () => t.fail('it ran'));
  t.is((await t.throwsAsync(late, { code: 'EINTR' }))?.cause, reason);
});

test('an abort after the call is over does nothing', async (t) => {
  const { threads } = scene();
  const abort = new AbortController();
  t.is(await threads.run('getpid', { signal: abort.signal }, async () => 5), 5);
  abort.abort();
  t.is(await threads.run('getpid', {}, async () => 6), 6, 'the thread goes on');
});

for (const mode of ['interruptible', 'killable'] as const) {
  test(`a kill ends an ${mode} wait, and the call rejects after it unwound`, async (t) => {
    const { sched, threads, wait, kill } = scene();
    let unwound = false;
    const call = threads.run('read', {}, (task) =>
      wait(mode)(task).finally(() => (unwound = true)),
    );
    await sched.settle();
    kill();
    const error = await t.throwsAsync(call, { instanceOf: ProcessKilled });
    t.is(error?.status, 'SIGKILL');
    t.true(unwound);
  });
}

test('a handled signal ends no killable wait', async (t) => {
  const { sched, threads, queue, wait } = scene();
  const call = threads.run('fault', {}, wait('killable'));
  await sched.settle();
  threads.interruptOne(false);
  await sched.settle();
  t.deepEqual(threads.callNames, ['fault']);
  queue.wakeAll();
  t.is(await call, 'done');
});

test('a kill waits for an uninterruptible wait, and so does whoever drains', async (t) => {
  const { sched, threads, queue, wait, kill } = scene();
  const call = threads.run('evict', {}, wait('uninterruptible'));
  await sched.settle();
  kill();
  let drained = false;
  const exit = sched.spawn('exit', async (task) => {
    await threads.drained(task);
    drained = true;
  });
  await sched.settle();
  t.false(drained);
  queue.wakeAll();
  await t.throwsAsync(call, { instanceOf: ProcessKilled });
  await exit.promise;
  t.true(drained);
});

test('after the end every call rejects, and its body does not run', async (t) => {
  const { threads, kill } = scene();
  kill();
  const call = threads.run('open', {}, async () => t.fail('it ran'));
  await t.throwsAsync(call, { instanceOf: ProcessKilled });
});

test('a call that succeeds while the process is killed does not return', async (t) => {
  const { threads, kill } = scene();
  const call = threads.run('write', {}, async () => {
    kill();
    return 4096;
  });
  await t.throwsAsync(call, { instanceOf: ProcessKilled });
});

test('a stopped process neither starts nor finishes a call', async (t) => {
  const { sched, threads, queue, wait } = scene();
  const running = threads.run('read', {}, wait('interruptible'));
  await sched.settle();
  threads.stop();
  let started = false;
  const fresh = threads.run('write', {}, async () => {
    started = true;
  });
  queue.wakeAll();
  await sched.settle();
  t.false(started);
  t.deepEqual(threads.callNames, ['read', 'write']);
  threads.resume();
  t.is(await running, 'done');
  await fresh;
  t.true(started);
});

test('a kill ends a stopped process', async (t) => {
  const { sched, threads, kill } = scene();
  threads.stop();
  const call = threads.run('write', {}, async () => t.fail('it ran'));
  await sched.settle();
  kill();
  await t.throwsAsync(call, { instanceOf: ProcessKilled });
});
