// Goal: a lease holder is told once, gets its full break time and never more; breakers wait for
// exactly what stands against them. Method: a hand-turned clock, just before and on each deadline.

import test from 'ava';
import { isErrno, type ErrnoCode } from '../../lib/errno.js';
import { kernelRules, type KernelName } from '../../lib/kernel-rules.js';
import type { LeaseBreak } from '../../lib/lease/conflict.js';
import { LeaseContext } from '../../lib/lease/lease-context.js';
import { defaultLeaseSettings } from '../../lib/lease/leased-inode.js';
import type { LeaseManager } from '../../lib/lease/lease.js';
import type { Caller } from '../../lib/mm/caller.js';
import { Scheduler, Task, type TaskHandle } from '../../lib/sched/index.js';
import { seconds } from '../../lib/units.js';
import { FakeFile, FakeInode, FakeProcess } from './lease-world.js';

/** One inode, and a process that calls from outside any wait. */
function setUp(kernel: KernelName = '6.12') {
  const sched = new Scheduler({ mode: 'simulated', timers: 'manual', seed: 3 });
  const settings = defaultLeaseSettings();
  const inode = new FakeInode('f');
  const leases = new LeaseContext({ sched, rules: kernelRules[kernel], settings }, inode);
  const process = new FakeProcess(10, 'holder');
  const caller = { task: new Task(sched, 999, 'holder', false), process };
  const start = (name: string, fn: (caller: Caller) => Promise<unknown>) =>
    sched.spawn(name, (task) => fn({ task, process: new FakeProcess(20, name) }));
  const breaker = (by: Partial<LeaseBreak> = {}) =>
    start('breaker', (c) => leases.breakLease(c, { access: 'write', kind: 'LEASE', ...by }));
  const ended = (handle: TaskHandle<unknown>) => handle.task.state === 'done';
  const unlock = (file: FakeFile) => start('unlock', () => leases.unlock(caller, file)).promise;
  return { sched, settings, inode, leases, process, caller, start, breaker, ended, unlock };
}

const codeOf = async (promise: Promise<unknown>): Promise<ErrnoCode | 'ok'> => {
  try {
    await promise;
    return 'ok';
  } catch (e) {
    if (isErrno(e)) return e.code;
    throw e;
  }
};

const errno = (t: { throws: (fn: () => void) => unknown }, fn: () => void, code: ErrnoCode) => {
  const e = t.throws(fn);
  if (!isErrno(e, code)) throw e;
};

test('a break ends at its deadline and not one nanosecond before', async (t) => {
  const { sched, inode, leases, caller, breaker, ended } = setUp();
  const file = new FakeFile(inode, 'rdonly');
  leases.setLease(caller, file, 'F_RDLCK');
  const waiting = breaker();
  await sched.runFor(seconds(45) - 1);
  t.false(ended(waiting));
  t.is(leases.leases.length, 1);
  await sched.runFor(1);
  t.true(ended(waiting));
  t.is(leases.leases.length, 0);
  t.is(leases.getLease(file), 'F_UNLCK');
});

test('the holder hears of each pending break once, whoever joins it', async (t) => {
  const { sched, inode, leases, caller, process, breaker } = setUp();
  const file = new FakeFile(inode, 'rdonly');
  leases.setLease(caller, file, 'F_RDLCK');
  breaker();
  await sched.runFor(seconds(1));
  breaker();
  t.is(await codeOf(breaker({ nonblock: true }).promise), 'EAGAIN');
  t.deepEqual(process.signals, ['SIGIO']);
  t.is(leases.nrWaiting, 2);
});

test('a later breaker waits only for what is left of the first deadline', async (t) => {
  const { sched, inode, leases, caller, breaker, ended } = setUp();
  leases.setLease(caller, new FakeFile(inode, 'rdonly'), 'F_RDLCK');
  const first = breaker();
  await sched.runFor(seconds(44));
  const second = breaker();
  await sched.runFor(seconds(1));
  t.true(ended(first));
  t.true(ended(second));
});

test('downgrade and unlock are two breaks: two signals, two deadlines', async (t) => {
  const { sched, inode, leases, caller, process, breaker, ended } = setUp();
  const file = new FakeFile(inode, 'rdonly');
  leases.setLease(caller, file, 'F_WRLCK');
  const reader = breaker({ access: 'read' });
  await sched.runFor(seconds(10));
  t.is(leases.getLease(file), 'F_RDLCK');
  const writer = breaker();
  await sched.settle();
  t.is(leases.getLease(file), 'F_UNLCK');
  t.deepEqual(process.signals, ['SIGIO', 'SIGIO']);
  await sched.runFor(seconds(35) - 1);
  t.false(ended(reader));
  await sched.runFor(1);
  t.true(ended(reader), 'its deadline took the lease down to F_RDLCK');
  t.false(ended(writer));
  t.is(leases.leases[0]?.type, 'F_RDLCK');
  await sched.runFor(seconds(10));
  t.true(ended(writer));
  t.is(leases.leases.length, 0);
});

test('a reader does not ask again for what an unlock will give it', async (t) => {
  const { sched, inode, leases, caller, process, breaker } = setUp();
  leases.setLease(caller, new FakeFile(inode, 'rdonly'), 'F_WRLCK');
  breaker();
  await sched.settle();
  breaker({ access: 'read' });
  await sched.settle();
  t.deepEqual(process.signals, ['SIGIO']);
});

// LTP fcntl33, and downgrades that the opens of the breaker forbid.
for (const [access, type, answer, goes] of [
  ['read', 'F_RDLCK', 'ok', true],
  ['read', 'F_UNLCK', 'ok', true],
  ['write', 'F_RDLCK', 'EAGAIN', false],
  ['write', 'F_UNLCK', 'ok', true],
] as const) {
  const what = goes ? 'lets' : 'does not let';
  test(`${type} on a write lease that a ${access}er breaks ${what} it go: ${answer}`, async (t) => {
    const { sched, inode, leases, caller, breaker, ended, unlock } = setUp();
    const file = new FakeFile(inode, 'rdonly');
    leases.setLease(caller, file, 'F_WRLCK');
    new FakeFile(inode, access === 'read' ? 'rdonly' : 'wronly');
    const waiting = breaker({ access });
    await sched.settle();
    if (type === 'F_UNLCK') t.is(await codeOf(unlock(file)), answer);
    else if (answer === 'ok') leases.setLease(caller, file, type);
    else errno(t, () => leases.setLease(caller, file, type), answer);
    await sched.settle();
    t.is(ended(waiting), goes);
  });
}

test('with lease-break-time 0 a breaker waits for ever', async (t) => {
  const { sched, settings, inode, leases, caller, breaker, ended, unlock } = setUp();
  settings.breakTimeNs = 0;
  const file = new FakeFile(inode, 'rdonly');
  leases.setLease(caller, file, 'F_RDLCK');
  const waiting = breaker();
  await sched.runFor(seconds(3000));
  t.false(ended(waiting));
  await unlock(file);
  await sched.settle();
  t.true(ended(waiting));
});

test('a break begun without waiting runs out all the same, when somebody looks', async (t) => {
  const { sched, inode, leases, caller, breaker, unlock } = setUp();
  const file = new FakeFile(inode, 'rdonly');
  leases.setLease(caller, file, 'F_RDLCK');
  t.is(await codeOf(breaker({ nonblock: true }).promise), 'EAGAIN');
  await sched.runFor(seconds(45));
  t.is(leases.leases.length, 1, 'nobody looked');
  t.is(await codeOf(breaker({ nonblock: true }).promise), 'ok');
  t.is(await codeOf(unlock(file)), 'EAGAIN');
});

test('a lease past its time that nobody looked at can still be given up', async (t) => {
  const { sched, inode, leases, caller, breaker, unlock } = setUp();
  const file = new FakeFile(inode, 'rdonly');
  leases.setLease(caller, file, 'F_RDLCK');
  await codeOf(breaker({ nonblock: true }).promise);
  await sched.runFor(seconds(100));
  t.is(await codeOf(unlock(file)), 'ok');
});

test('a signal ends the wait with EINTR, and the break goes on', async (t) => {
  const { sched, inode, leases, caller, breaker } = setUp();
  const file = new FakeFile(inode, 'rdonly');
  leases.setLease(caller, file, 'F_RDLCK');
  const waiting = breaker();
  await sched.settle();
  waiting.task.interrupt('signal');
  t.is(await codeOf(waiting.promise), 'EINTR');
  t.is(leases.nrWaiting, 0);
  t.is(leases.getLease(file), 'F_UNLCK');
});

test('an uninterruptible breaker outlives SIGKILL', async (t) => {
  const { sched, inode, leases, caller, breaker, ended } = setUp();
  leases.setLease(caller, new FakeFile(inode, 'rdonly'), 'F_RDLCK');
  const waiting = breaker({ interruptible: false });
  await sched.settle();
  waiting.task.interrupt('kill');
  await sched.settle();
  t.false(ended(waiting));
  await sched.runFor(seconds(45));
  t.true(ended(waiting));
});

test('every holder must give way, and every waiter goes then', async (t) => {
  const { sched, inode, leases, caller, breaker, ended, unlock } = setUp();
  const files = [1, 2, 3].map(() => new FakeFile(inode, 'rdonly'));
  for (const file of files) leases.setLease(caller, file, 'F_RDLCK');
  const waiting = [breaker(), breaker()];
  await sched.settle();
  for (const file of files) {
    t.deepEqual(waiting.map(ended), [false, false]);
    await unlock(file);
    await sched.settle();
  }
  t.deepEqual(waiting.map(ended), [true, true]);
});

test('the last close gives the lease up', async (t) => {
  const { sched, inode, leases, caller, start, breaker, ended } = setUp();
  const file = new FakeFile(inode, 'rdonly');
  leases.setLease(caller, file, 'F_RDLCK');
  const waiting = breaker();
  await sched.settle();
  await start('fput', (c) => leases.release(c.task, file)).promise;
  await sched.settle();
  t.true(ended(waiting));
  t.is(file.owner, null, 'nobody owns its signals any more');
});

test('setting a lease again does not move its signals to another process', (t) => {
  const { inode, leases, caller, process } = setUp();
  const file = new FakeFile(inode, 'rdonly');
  leases.setLease(caller, file, 'F_RDLCK', { fd: 3 });
  const other = new FakeProcess(11, 'inherited the file');
  const lease = leases.setLease({ ...caller, process: other }, file, 'F_RDLCK', { fd: 9 });
  t.is(file.owner, process);
  t.is(lease.pid, process.pid);
  t.is(lease.fd, 9);
  t.is(leases.leases.length, 1);
});

test('after a timeout has taken a write lease down, F_WRLCK goes down again', async (t) => {
  const { sched, inode, leases, caller, breaker } = setUp();
  const file = new FakeFile(inode, 'rdonly');
  leases.setLease(caller, file, 'F_WRLCK');
  t.is(await codeOf(breaker({ access: 'read', nonblock: true }).promise), 'EAGAIN');
  await sched.runFor(seconds(45));
  t.is(leases.getLease(file), 'F_RDLCK');
  leases.setLease(caller, file, 'F_WRLCK');
  t.is(leases.getLease(file), 'F_RDLCK', 'fl_downgrade_time is not cleared');
});

test('setlease says no in the kernel’s order', async (t) => {
  const { inode, leases, caller, settings, unlock } = setUp();
  const file = new FakeFile(inode, 'rdonly');
  const user = new FakeProcess(12, 'user', 1000);
  const asUser = { ...caller, process: user };
  inode.isRegular = false;
  errno(t, () => leases.setLease(asUser, file, 'F_RDLCK'), 'EACCES');
  errno(t, () => leases.setLease(caller, file, 'F_RDLCK'), 'EINVAL');
  t.is(await codeOf(unlock(file)), 'EINVAL');
  inode.isRegular = true;
  inode.supportsLeases = false;
  errno(t, () => leases.setLease(caller, file, 'F_RDLCK'), 'EINVAL');
  inode.supportsLeases = true;
  settings.enabled = false;
  new FakeFile(inode, 'wronly');
  errno(t, () => leases.setLease(caller, file, 'F_RDLCK'), 'EAGAIN');
  inode.writers = 0;
  errno(t, () => leases.setLease(caller, file, 'F_RDLCK'), 'EINVAL');
  t.is(leases.leases.length, 0);
});

test('with leases disabled one that is there may change its type', (t) => {
  const { inode, leases, caller, settings } = setUp();
  const file = new FakeFile(inode, 'rdonly');
  leases.setLease(caller, file, 'F_RDLCK');
  settings.enabled = false;
  t.is(leases.setLease(caller, file, 'F_WRLCK').type, 'F_WRLCK');
});

test('CAP_LEASE stands in for being the owner', (t) => {
  const { inode, leases, caller } = setUp();
  inode.uid = 1000;
  const file = new FakeFile(inode, 'rdonly');
  t.notThrows(() => leases.setLease(caller, file, 'F_RDLCK'));
});

test('layouts, leases and delegations of one file do not mind each other', async (t) => {
  const { inode, leases, caller, process, breaker } = setUp();
  const file = new FakeFile(inode, 'rdonly');
  leases.setLease(caller, file, 'F_RDLCK', { kind: 'LAYOUT' });
  t.is(await codeOf(breaker({ kind: 'LEASE', nonblock: true }).promise), 'ok');
  t.is(await codeOf(breaker({ kind: 'DELEG', nonblock: true }).promise), 'ok');
  t.deepEqual(process.signals, []);
  t.is(await codeOf(breaker({ kind: 'LAYOUT', nonblock: true }).promise), 'EAGAIN');
  t.deepEqual(process.signals, ['SIGIO']);
});

test('a server’s delegation with no time limit waits for the server', async (t) => {
  const { sched, inode, leases, caller, breaker, ended } = setUp();
  const asked: string[] = [];
  const manager: LeaseManager = {
    onBreak: (lease) => {
      asked.push(lease.pending);
      return 'no-timeout';
    },
    onGone: () => asked.push('gone'),
  };
  const file = new FakeFile(inode, 'rdonly');
  const lease = leases.setLease(caller, file, 'F_RDLCK', { kind: 'LAYOUT', manager });
  const waiting = breaker({ kind: 'LAYOUT' });
  await sched.runFor(seconds(500));
  t.false(ended(waiting));
  leases.drop(lease);
  leases.drop(lease);
  await sched.settle();
  t.true(ended(waiting));
  t.deepEqual(asked, ['unlock', 'gone']);
});

test('a server that gives its lease up in lm_break holds nobody up', async (t) => {
  const { inode, leases, caller, breaker } = setUp();
  const manager: LeaseManager = { onBreak: () => 'gone' };
  const file = new FakeFile(inode, 'rdonly');
  leases.setLease(caller, file, 'F_RDLCK', { kind: 'DELEG', manager });
  t.is(await codeOf(breaker({ nonblock: true }).promise), 'ok');
  t.is(leases.leases.length, 0);
});

for (const [kernel, allowed] of [
  ['6.1', false],
  ['6.12', true],
] as const) {
  test(`${kernel} ${allowed ? 'has' : 'has no'} write delegations`, (t) => {
    const { inode, leases, caller } = setUp(kernel);
    const file = new FakeFile(inode, 'rdonly');
    const manager: LeaseManager = { onBreak: () => 'gone' };
    const set = () => leases.setLease(caller, file, 'F_WRLCK', { kind: 'DELEG', manager });
    if (allowed) t.notThrows(set);
    else errno(t, set, 'EINVAL');
  });
}

test('a downgrade satisfies the break for good: F_WRLCK afterwards is F_WRLCK', async (t) => {
  const { inode, leases, caller, process, breaker } = setUp();
  const file = new FakeFile(inode, 'rdonly');
  leases.setLease(caller, file, 'F_WRLCK');
  t.is(await codeOf(breaker({ access: 'read', nonblock: true }).promise), 'EAGAIN');
  leases.setLease(caller, file, 'F_RDLCK');
  leases.setLease(caller, file, 'F_WRLCK');
  t.is(leases.getLease(file), 'F_WRLCK');
  t.is(await codeOf(breaker({ access: 'read', nonblock: true }).promise), 'EAGAIN');
  t.deepEqual(process.signals, ['SIGIO', 'SIGIO'], 'the second break is a new one');
});

test('F_WRLCK on a lease that is to go does not save it', async (t) => {
  const { sched, inode, leases, caller, breaker } = setUp();
  const file = new FakeFile(inode, 'rdonly');
  leases.setLease(caller, file, 'F_RDLCK');
  await codeOf(breaker({ nonblock: true }).promise);
  t.is(leases.setLease(caller, file, 'F_WRLCK').pending, 'unlock');
  t.is(leases.getLease(file), 'F_UNLCK');
  await sched.runFor(seconds(45));
  t.is(leases.getLease(file), 'F_UNLCK');
  t.is(leases.leases.length, 0);
});
