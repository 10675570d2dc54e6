// Goal: no call on a process itself, its signals, limits, users and device nodes, takes bad input;
// a call of a process that is gone says so, and one on a machine that is off says that.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { ProcessKilled } from '../../lib/machine.js';
import { methodsOf } from '../support/direct-calls.js';
import {
  badAnswers,
  bootWorld,
  judge,
  outcome,
  withWorld,
  type CallRow,
  type World,
} from '../support/integrity.js';

const selfCalls = ({ app }: World): CallRow[] => [
  {
    name: 'kill',
    call: app.kill.bind(app),
    args: [
      ['pid', 2],
      ['signal', '0'],
    ],
  },
  {
    name: 'setrlimit',
    call: app.setrlimit.bind(app),
    args: [
      ['name', 'nofile', /limit/],
      ['limit', 64],
    ],
  },
  { name: 'umask', call: app.umask.bind(app), args: [['mode', 0o22]] },
  { name: 'setuid', call: app.setuid.bind(app), args: [['uid', 0]] },
  { name: 'setFailNth', call: app.setFailNth.bind(app), args: [['nth', 0]] },
  { name: 'exit', call: app.exit.bind(app), args: [['exitCode', 0]] },
  { name: 'sendSignal', call: app.sendSignal.bind(app), args: [['signal', 'SIGCHLD']] },
  {
    name: 'on',
    call: app.on.bind(app),
    args: [
      ['signal', 'SIGUSR1'],
      ['handler', () => {}],
    ],
  },
  { name: 'off', call: app.off.bind(app), args: [['signal', 'SIGUSR1']] },
  { name: 'ignore', call: app.ignore.bind(app), args: [['signal', 'SIGUSR1']] },
  {
    name: 'sigmask',
    call: app.sigmask.bind(app),
    args: [
      ['name', 'block', /how/],
      ['signals', ['SIGUSR1']],
    ],
  },
];

const nodeCalls = ({ app }: World): CallRow[] => {
  const [device] = [...app.fds.entries()].find(([, file]) => file.label === '/dev/rdma0')!;
  return [
    {
      name: 'openDevice',
      call: app.openDevice.bind(app),
      args: [
        ['node', 'rdma0'],
        ['flags', ['rdwr']],
      ],
    },
    {
      name: 'ioctl',
      call: app.ioctl.bind(app),
      args: [
        ['fd', device],
        ['request', 'ALLOC_PD'],
        [null, {}],
      ],
    },
    {
      name: 'poll',
      call: app.poll.bind(app),
      args: [
        ['fd', device],
        ['pollOptions', { timeoutNs: 0 }],
      ],
    },
  ];
};

const tables: readonly (readonly [string, (w: World) => CallRow[]])[] = [
  ['the process itself', selfCalls],
  ['device nodes', nodeCalls],
];

for (const [what, rows] of tables) {
  test(`no call on ${what} takes a bad argument, or changes anything for one`, async (t) => {
    const tally = { calls: 0, inputs: 0 };
    await withWorld(t, async (w) => {
      const problems: string[] = [];
      for (const row of rows(w)) problems.push(...(await badAnswers(w, row, tally)));
      t.deepEqual(problems, []);
    });
    t.log(`${tally.calls} calls, ${tally.inputs} bad inputs`);
  });
}

test('SIGKILL and SIGSTOP can be neither caught nor ignored: EINVAL', async (t) => {
  await withWorld(t, async (w) => {
    for (const sig of ['SIGKILL', 'SIGSTOP']) {
      for (const call of [() => w.app.on(sig, () => {}), () => w.app.ignore(sig)]) {
        t.is(await judge(w, sig, call, ['EINVAL'], new RegExp(sig)), null);
      }
    }
  });
});

test('options that are none are EINVAL, whatever the call', async (t) => {
  await withWorld(t, async (w) => {
    for (const signal of [7, 'abort', {}, null]) {
      const opts = { signal } as never;
      const call = () => w.app.read(w.fds.data, 0, 1, opts);
      t.is(await judge(w, `signal ${String(signal)}`, call, ['EINVAL'], /signal/), null);
    }
  });
});

/** Every method that is a system call, with arguments that would be good. */
const deadCalls = ({ app, fds, anonAddr, observer }: World): Record<string, () => unknown> => ({
  chmod: () => app.chmod('/data', 0o600),
  chown: () => app.chown('/data', 0, 0),
  close: () => app.close(fds.data),
  dup: () => app.dup(fds.data),
  dup2: () => app.dup2(fds.data, 40),
  fallocate: () => app.fallocate(fds.data, 'alloc', 0, 4096),
  fstat: () => app.fstat(fds.data),
  fsync: () => app.fsync(fds.data),
  ftruncate: () => app.ftruncate(fds.data, 0),
  getDeleg: () => app.getDeleg(fds.leased),
  getLease: () => app.getLease(fds.leased),
  ioctl: () => app.ioctl(fds.data, 'X'),
  kill: () => app.kill(1, '0'),
  link: () => app.link('/data', '/new'),
  load: () => app.load(anonAddr, 1),
  lseek: () => app.lseek(fds.data, 0, 'SEEK_SET'),
  lstat: () => app.lstat('/data'),
  madvise: () => app.madvise(anonAddr, 4096, 'dontneed'),
  memfdSecret: () => app.memfdSecret(),
  mkdir: () => app.mkdir('/new'),
  mknod: () => app.mknod('/new'),
  mlock: () => app.mlock(anonAddr, 4096),
  mmap: () => app.mmap({ len: 4096 }),
  mprotect: () => app.mprotect(anonAddr, 4096, 'r'),
  msync: () => app.msync(anonAddr, 4096),
  munlock: () => app.munlock(anonAddr, 4096),
  munmap: () => app.munmap(anonAddr, 4096),
  open: () => app.open('/data'),
  openDevice: () => app.openDevice('rdma0'),
  pipe: () => app.pipe(),
  poll: () => app.poll(fds.data),
  read: () => app.read(fds.data, 0, 1),
  readDirect: () => app.readDirect(fds.data, 0, { addr: anonAddr, len: 4096 }),
  readInto: () => app.readInto(fds.data, 0, new Uint8Array(1)),
  readPipe: () => app.readPipe(fds.readEnd, 1),
  copyFileRange: () => app.copyFileRange(fds.data, 0, fds.data, 8, 8),
  readStream: () => app.readStream(fds.data, 1),
  readdir: () => app.readdir('/'),
  readlink: () => app.readlink('/data'),
  rename: () => app.rename('/data', '/new'),
  rmdir: () => app.rmdir('/dir'),
  sendFd: () => app.sendFd(observer, fds.data),
  setDeleg: () => app.setDeleg(fds.dir, 'F_RDLCK'),
  setLease: () => app.setLease(fds.leased, 'F_UNLCK'),
  setNonblock: () => app.setNonblock(fds.data, true),
  setOwn: () => app.setOwn(fds.data, 1),
  setSig: () => app.setSig(fds.data, 'SIGIO'),
  setrlimit: () => app.setrlimit('nofile', 10),
  setuid: () => app.setuid(1000),
  stat: () => app.stat('/data'),
  statfs: () => app.statfs('/'),
  store: () => app.store(anonAddr, new Uint8Array(1)),
  symlink: () => app.symlink('data', '/new'),
  truncate: () => app.truncate('/data', 0),
  unlink: () => app.unlink('/data'),
  umask: () => app.umask(0),
  uringRegister: () => app.uringRegister(anonAddr, 4096),
  vmsplice: () => app.vmsplice(fds.writeEnd, anonAddr, 4096),
  write: () => app.write(fds.data, 0, new Uint8Array(1)),
  writeDirect: () => app.writeDirect(fds.data, 0, { addr: anonAddr, len: 4096 }),
  writeStream: () => app.writeStream(fds.data, new Uint8Array(1)),
});

const verbsCalls = ({ verbs, pd, mr, video }: World): Record<string, () => unknown> => ({
  allocPD: () => verbs.allocPD(),
  deregMR: () => verbs.deregMR(mr),
  queryMR: () => verbs.queryMR(mr),
  regMR: () => verbs.regMR(pd, mr.addr, mr.len),
  streamOn: () => video.streamOn(),
});

test('every call of a killed process is ProcessKilled, and changes nothing', async (t) => {
  await withWorld(t, async (w) => {
    w.app.sendSignal('SIGKILL');
    await w.app.ended;
    const free = () => [...w.machine.mounts].map(([, fs]) => JSON.stringify(fs.statfs()));
    const before = free();
    for (const [name, call] of Object.entries({ ...deadCalls(w), ...verbsCalls(w) })) {
      const { text } = await outcome(w.machine, call);
      t.regex(text, /^ProcessKilled.*SIGKILL/, name);
    }
    t.deepEqual(free(), before);
    t.deepEqual(
      await outcome(w.machine, () => w.app.exit(3)).then(({ text }) => text),
      'answered SIGKILL',
    );
  });
});

test('every call after power-off is ProcessKilled, and nothing can be spawned: ESHUTDOWN', async (t) => {
  const w = await bootWorld();
  t.deepEqual(await w.machine.powerOff(), []);
  for (const [name, call] of Object.entries({ ...deadCalls(w), ...verbsCalls(w) })) {
    const e: unknown = await Promise.resolve()
      .then(call)
      .then(
        () => null,
        (error: unknown) => error,
      );
    t.true(e instanceof ProcessKilled, `${name}: ${String(e)}`);
  }
  t.true(
    isErrno(
      t.throws(() => w.machine.spawn('late')),
      'ESHUTDOWN',
    ),
  );
  t.deepEqual(await w.machine.powerOff(), [], 'twice is harmless');
});

test('the list of calls is the whole of them', (t) => {
  t.timeout(10_000);
  return withWorld(t, async (w) => {
    const own = methodsOf(Object.getPrototypeOf(w.app) as object);
    const noCalls = ['filePins', 'getpid', 'status'];
    t.deepEqual(
      own.filter((name) => !noCalls.includes(name)).sort(),
      Object.keys(deadCalls(w)).sort(),
    );
  });
});
