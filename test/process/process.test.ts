// Goal: whatever a process is doing when it is killed, it unwinds, gives back all it held in the
// order of exit, and answers nobody any more. Method: random programs of calls that wait in every
// mode, killed after a random number of steps, under random schedules.

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { ProcessKilled } from '../../lib/process/errors.js';
import type { Process } from '../../lib/process/process.js';
import { PAGE_SIZE } from '../../lib/units.js';
import { fixture, type Fixture } from './fixture.js';

type Act =
  | 'open'
  | 'close'
  | 'dup'
  | 'pipe'
  | 'mmap'
  | 'store'
  | 'uring'
  | 'send'
  | 'wait interruptible'
  | 'wait killable'
  | 'poll'
  | 'ioctl'
  | 'stop';

const acts: readonly Act[] = [
  'open',
  'close',
  'dup',
  'pipe',
  'mmap',
  'store',
  'uring',
  'send',
  'wait interruptible',
  'wait killable',
  'poll',
  'ioctl',
  'stop',
];

/** Open file descriptions of the scene that somebody still refers to. */
const openFiles = (f: Fixture): string[] => [
  ...f.fs.opened.filter(({ refs }) => refs > 0).map(({ label }) => label),
  ...[...f.devices.values()].filter(({ refs }) => refs > 0).map(({ label }) => label),
];

const makeFile = (app: Process, n: number): Promise<number> =>
  app.open(`/f${n}`, ['rdwr', 'creat']);

async function perform(app: Process, other: Process, act: Act, n: number): Promise<unknown> {
  switch (act) {
    case 'open':
      return makeFile(app, n);
    case 'close':
      return app.close(0);
    case 'dup':
      return app.dup(0);
    case 'pipe':
      return app.pipe();
    case 'mmap':
      return app.mmap({ fd: await makeFile(app, n), len: 2 * PAGE_SIZE });
    case 'store':
      return app.store(await app.mmap({ len: PAGE_SIZE }), Uint8Array.of(1));
    case 'uring':
      return app.uringRegister(await app.mmap({ len: 2 * PAGE_SIZE }), 2 * PAGE_SIZE);
    case 'send':
      return app.sendFd(other, 0);
    case 'wait interruptible':
      return app.read(await makeFile(app, n), 0, 1);
    case 'wait killable':
      return app.read(await makeFile(app, n), 0, 2);
    case 'poll':
      return app.poll((await app.openDevice(`d${n}`)).fd);
    case 'ioctl':
      return (await app.openDevice(`d${n}`)).ioctl('WAIT');
    case 'stop':
      return app.sendSignal('SIGSTOP');
  }
}

const program = fc.array(fc.constantFrom(...acts), { minLength: 1, maxLength: 12 });

testProp(
  'killed at any moment, a process unwinds and gives back everything',
  [fc.array(program, { minLength: 1, maxLength: 4 }), fc.nat(400), fc.integer(), fc.boolean()],
  async (t, programs, delay, seed, byExit) => {
    const f = fixture({ seed });
    const { sched, table, kernel } = f;
    const app = table.spawn('app');
    const other = table.spawn('other');
    let ended = 0;
    let n = 0;
    await sched.run('main', async (main) => {
      const threads = programs.map((acts, i) =>
        sched.spawn(`thread ${i}`, async () => {
          for (const act of acts) {
            try {
              await perform(app, other, act, n++);
            } catch (e) {
              if (e instanceof ProcessKilled) break;
              if (!isErrno(e)) throw e;
            }
          }
          ended++;
        }),
      );
      const point = sched.newObject('delay');
      for (let i = 0; i < delay; i++) if (sched.on) await sched.at(point, 'read');
      if (byExit) await app.exit(1);
      else app.sendSignal('SIGKILL');
      t.is(await app.wait(), byExit ? 'exit:1' : 'SIGKILL');
      for (const thread of threads) await thread.join(main);
      await t.throwsAsync(app.open('/late', ['creat']), { instanceOf: ProcessKilled });
      await other.exit();
    });
    t.is(ended, programs.length);
    t.deepEqual(app.callsUnderWay, []);
    t.deepEqual(openFiles(f), []);
    t.is(app.fds.nrOpen, 0);
    t.is(app.mm.vmas.size, 0);
    t.is(app.mm.pinnedVm, 0);
    t.is(app.user.lockedVm, 0);
    t.is(kernel.mmEnv.vmstat.pinsOutstanding, 0);
    t.is(kernel.mmEnv.pinTable.size, 0);
    t.false(f.fs.names.has('/late'));
    t.is(sched.failure, null);
  },
  { numRuns: 300 },
);

for (const order of ['data below device', 'device below data'] as const) {
  test(`${order}: killed, the higher descriptor is released first`, async (t) => {
    const { table, journal } = fixture();
    const app = table.spawn('app');
    const data = () => app.open('/data', ['rdwr', 'creat']);
    const device = () => app.openDevice('uverbs0');
    const steps = order === 'data below device' ? [data, device] : [device, data];
    for (const step of steps) await step();
    const mapped = await app.open('/mapped', ['rdwr', 'creat']);
    await app.mmap({ fd: mapped, len: PAGE_SIZE });
    await app.close(mapped);
    app.sendSignal('SIGKILL');
    await app.ended;
    const released = journal.filter((line) => line.startsWith('release'));
    t.deepEqual(
      released,
      order === 'data below device'
        ? ['release /dev/uverbs0', 'release data', 'release mapped']
        : ['release data', 'release /dev/uverbs0', 'release mapped'],
    );
  });
}

test('a call in an uninterruptible wait holds the exit up, and no longer', async (t) => {
  const { sched, table, fs, journal } = fixture();
  const app = table.spawn('app');
  const fd = await app.open('/f', ['rdonly', 'creat']);
  const read = app.read(fd, 0, 3);
  await sched.settle();
  app.sendSignal('SIGKILL');
  await sched.settle();
  t.is(app.waitStatus(), 'running');
  t.true(app.fatalSignalPending);
  t.false(app.exiting);
  fs.last('f').wake();
  await t.throwsAsync(read, { instanceOf: ProcessKilled });
  t.is(await app.ended, 'SIGKILL');
  t.deepEqual(journal, ['enter f', 'leave f', 'flush f', 'release f']);
});

test('in live mode a process lives and dies the same', async (t) => {
  const { table, journal, fs } = fixture({ live: true });
  const app = table.spawn('app');
  const fd = await app.open('/f', ['rdonly', 'creat']);
  app.on('SIGIO', () => {});
  const first = app.read(fd, 0, 1);
  app.sendSignal('SIGIO');
  await t.throwsAsync(first, { code: 'EINTR' });
  const second = app.read(fd, 0, 1);
  app.sendSignal('SIGKILL');
  await t.throwsAsync(second, { instanceOf: ProcessKilled });
  t.is(await app.ended, 'SIGKILL');
  t.is(fs.last('f').refs, 0);
  t.is(journal.at(-1), 'release f');
});

test('an EFAULT names the call that met the bad address', async (t) => {
  const app = fixture().table.spawn('app');
  const refusal = await t.throwsAsync(app.uringRegister(PAGE_SIZE, 1), { code: 'EFAULT' });
  t.like(refusal, { syscall: 'io_uring_register' });
});
