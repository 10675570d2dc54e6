// Goal: leases answer as facts 4.2 and 4.3 say, row by row, through the calls of processes.
// Method: a row per fact, citing it; each on a machine of its own, whose balance ends at zero.
//
// Of the mounts here, ext4, xfs and tmpfs, each has leases; simple_nosetlease itself is told by
// test/lease/leased-inode.test.ts. ENOMEM is had as in Linux, by /proc/self/fail-nth.

import test, { type ExecutionContext } from 'ava';
import type { KernelName } from '../../lib/kernel-rules.js';
import type { Machine, Process } from '../../lib/machine.js';
import { seconds } from '../../lib/units.js';
import { answer, makeFile, onMachine } from '../support/machine.js';

interface Scene {
  readonly t: ExecutionContext;
  readonly machine: Machine;
  /** Handles SIGIO. */
  readonly app: Process;
  readonly other: Process;
  /** '/f', open for reading by app alone. */
  readonly fd: number;
}

interface Row {
  readonly fact: string;
  readonly kernel?: KernelName;
  readonly body: (s: Scene) => Promise<void>;
}

async function scene(t: ExecutionContext, machine: Machine): Promise<Scene> {
  const [app, other] = [machine.spawn('app'), machine.spawn('other')];
  for (const process of [app, other]) process.on('SIGIO', () => {});
  await makeFile(app, '/f');
  return { t, machine, app, other, fd: await app.open('/f', ['rdonly']) };
}

const lease = ({ machine, app }: Scene, fd: number, type: 'F_RDLCK' | 'F_WRLCK' | 'F_UNLCK') =>
  answer(machine, app.setLease(fd, type));
const opened = (
  { machine, other }: Scene,
  flags: readonly ('rdonly' | 'rdwr' | 'trunc' | 'nonblock')[],
) => answer(machine, other.open('/f', flags));

/** A module refuses everything: of which kinds of file it hears before they are EINVAL. */
async function askedOf(s: Scene, hears: readonly string[]): Promise<void> {
  await s.app.mkdir('/dir');
  const [pipe] = await s.app.pipe();
  const fds = {
    dir: await s.app.open('/dir', ['rdonly', 'directory']),
    node: await s.app.open('/dev/rdma0', ['rdwr']),
    pipe,
    ring: await s.app.uringRegister(await s.app.mmap({ len: 4096 }), 4096),
  };
  let asked = 0;
  s.machine.security.addFileLock(() => {
    asked++;
    return 'EPERM';
  });
  for (const [kind, fd] of Object.entries(fds)) {
    for (const type of ['F_RDLCK', 'F_UNLCK'] as const) {
      asked = 0;
      const heard = hears.includes(kind);
      s.t.is(await lease(s, fd, type), heard ? 'EPERM' : 'EINVAL', `${kind} ${type}`);
      s.t.is(asked, heard ? 1 : 0);
    }
  }
  s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'EPERM');
  asked = 0;
  const theirs = await s.other.open('/f', ['rdonly']);
  await s.other.setuid(1000);
  s.t.is(await answer(s.machine, s.other.setLease(theirs, 'F_RDLCK')), 'EACCES');
  s.t.is(asked, 0);
}

/** facts 4.2: F_SETLEASE and F_GETLEASE. */
const setting: readonly Row[] = [
  {
    fact: 'neither owner nor CAP_LEASE: EACCES',
    body: async (s) => {
      const fd = await s.other.open('/f', ['rdonly']);
      await s.other.setuid(1000);
      s.t.is(await answer(s.machine, s.other.setLease(fd, 'F_RDLCK')), 'EACCES');
    },
  },
  {
    fact: 'no regular file: EINVAL',
    body: async (s) => {
      await s.app.mkdir('/dir');
      const dir = await s.app.open('/dir', ['rdonly', 'directory']);
      s.t.is(await lease(s, dir, 'F_RDLCK'), 'EINVAL');
      const [readEnd] = await s.app.pipe();
      s.t.is(await lease(s, readEnd, 'F_RDLCK'), 'EINVAL');
    },
  },
  {
    fact: 'a device or a ring of root’s, asked by another: EACCES, before EINVAL',
    body: async (s) => {
      const ring = await s.app.uringRegister(await s.app.mmap({ len: 4096 }), 4096);
      const node = await s.app.open('/dev/rdma0', ['rdwr']);
      for (const fd of [ring, node]) s.t.is(await lease(s, fd, 'F_RDLCK'), 'EINVAL');
      await s.app.setuid(1000);
      for (const fd of [ring, node]) {
        s.t.is(await lease(s, fd, 'F_RDLCK'), 'EACCES');
        s.t.is(await s.app.getLease(fd), 'F_UNLCK');
      }
    },
  },
  {
    fact: 'a file with simple_nosetlease, since 7.0 one without ->setlease: EINVAL',
    kernel: '7.2',
    body: async (s) => {
      const secret = await s.app.memfdSecret();
      s.t.is(await lease(s, secret, 'F_RDLCK'), 'EINVAL');
      s.t.is(await lease(s, secret, 'F_UNLCK'), 'EINVAL');
      s.t.is(await s.app.getLease(secret), 'F_UNLCK');
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ok', 'ext4 has generic_setlease');
    },
  },
  {
    fact: 'before 7.0 a file without ->setlease had leases as any other',
    body: async (s) => {
      const secret = await s.app.memfdSecret();
      s.t.is(await lease(s, secret, 'F_WRLCK'), 'EAGAIN', 'its opener was never counted a writer');
      s.t.is(await lease(s, secret, 'F_RDLCK'), 'ok');
      s.t.is(await s.app.getLease(secret), 'F_RDLCK');
      s.t.is(await lease(s, secret, 'F_UNLCK'), 'ok');
      s.t.is(await lease(s, secret, 'F_UNLCK'), 'EAGAIN');
      s.t.is(await lease(s, secret, 'F_RDLCK'), 'ok', 'and the last reference gives it up');
    },
  },
  {
    fact: 'a bad argument: EINVAL',
    body: async (s) => {
      s.t.is(await answer(s.machine, s.app.setLease(s.fd, 'F_BOGUS' as 'F_RDLCK')), 'EINVAL');
    },
  },
  {
    fact: 'leases-enable 0 and a new lease: EINVAL',
    body: async (s) => {
      s.machine.leases.enabled = false;
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'EINVAL');
    },
  },
  {
    fact: 'F_RDLCK while open for writing, also through this descriptor: EAGAIN',
    body: async (s) => {
      const own = await s.app.open('/f', ['rdwr']);
      s.t.is(await lease(s, own, 'F_RDLCK'), 'EAGAIN');
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'EAGAIN');
      await s.app.close(own);
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ok');
    },
  },
  {
    fact: 'F_WRLCK while anybody else has it open, or another lease is there: EAGAIN',
    body: async (s) => {
      const theirs = await s.other.open('/f', ['rdonly']);
      s.t.is(await lease(s, s.fd, 'F_WRLCK'), 'EAGAIN');
      s.t.is(await answer(s.machine, s.other.setLease(theirs, 'F_RDLCK')), 'ok');
      s.t.is(await lease(s, s.fd, 'F_WRLCK'), 'EAGAIN');
      await s.other.close(theirs);
      s.t.is(await lease(s, s.fd, 'F_WRLCK'), 'ok');
    },
  },
  {
    fact: 'a new lease while some lease is to go: EAGAIN',
    body: async (s) => {
      const second = await s.app.open('/f', ['rdonly']);
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ok');
      s.t.is(await opened(s, ['rdwr', 'nonblock']), 'EAGAIN');
      s.t.is(await lease(s, second, 'F_RDLCK'), 'EAGAIN');
    },
  },
  {
    fact: 'F_RDLCK again on a lease that a writer is breaking: EAGAIN',
    body: async (s) => {
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ok');
      s.t.is(await opened(s, ['rdwr']), 'waits');
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'EAGAIN');
    },
  },
  {
    fact: 'F_UNLCK with none held, also after its time ran out: EAGAIN',
    body: async (s) => {
      s.t.is(await lease(s, s.fd, 'F_UNLCK'), 'EAGAIN');
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ok');
      const breaking = s.other.open('/f', ['rdwr']);
      s.t.is(await answer(s.machine, breaking, seconds(46)), 'ok');
      s.t.is(await lease(s, s.fd, 'F_UNLCK'), 'EAGAIN');
    },
  },
  {
    fact: 'the type of one’s own lease may change, with the same checks',
    body: async (s) => {
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ok');
      s.t.is(await lease(s, s.fd, 'F_WRLCK'), 'ok');
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ok');
      await s.other.open('/f', ['rdonly']);
      s.t.is(await lease(s, s.fd, 'F_WRLCK'), 'EAGAIN');
      s.t.is(await s.app.getLease(s.fd), 'F_RDLCK');
    },
  },
  {
    fact: 'OOM: ENOMEM, before anybody asks who calls or on what',
    body: async (s) => {
      const [pipe] = await s.other.pipe();
      const node = await s.other.open('/dev/rdma0', ['rdwr']);
      const theirs = await s.other.open('/f', ['rdonly']);
      await s.other.setuid(1000);
      for (const fd of [pipe, node, theirs]) {
        for (const nth of [1, 2]) {
          s.other.setFailNth(nth);
          s.t.is(await answer(s.machine, s.other.setLease(fd, 'F_RDLCK')), 'ENOMEM');
          s.t.is(s.other.failNth(), 0);
        }
      }
      s.other.setFailNth(1);
      s.t.is(await answer(s.machine, s.other.setLease(theirs, 'F_BOGUS' as 'F_RDLCK')), 'ENOMEM');
      s.other.setFailNth(2);
      s.t.is(await answer(s.machine, s.other.setLease(theirs, 'F_BOGUS' as 'F_RDLCK')), 'EINVAL');
      s.other.setFailNth(3);
      s.t.is(await answer(s.machine, s.other.setLease(theirs, 'F_RDLCK')), 'EACCES');
      s.t.is(s.other.failNth(), 1, 'two allocations, and then the owner is asked for');
    },
  },
  {
    fact: 'OOM: ENOMEM, and there is no lease; once there is memory there is one',
    body: async (s) => {
      for (const nth of [1, 2, 3, 4, 3]) {
        s.app.setFailNth(nth);
        s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ENOMEM', `allocation ${nth}`);
        s.t.is(await s.app.getLease(s.fd), 'F_UNLCK');
        s.t.is(await opened(s, ['rdwr', 'nonblock']), 'ok', 'nothing is to be broken');
        await s.other.close([...s.other.fds.entries()].at(-1)![0]);
      }
      for (const nth of [4, 3]) {
        s.app.setFailNth(nth);
        s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ok');
        s.t.is(s.app.failNth(), 1, 'what was made before is made no more');
        s.t.is(await lease(s, s.fd, 'F_UNLCK'), 'ok', 'giving up needs no memory');
        s.t.is(s.app.failNth(), 1);
      }
    },
  },
  {
    fact: 'OOM: before 6.12 the owner was part of the open file, and one allocation less',
    kernel: '6.1',
    body: async (s) => {
      for (const nth of [1, 2, 3]) {
        s.app.setFailNth(nth);
        s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ENOMEM', `allocation ${nth}`);
      }
      s.app.setFailNth(3);
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ENOMEM', 'the lock context is still to be made');
      s.app.setFailNth(4);
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ok');
      s.t.is(s.app.failNth(), 1);
    },
  },
  {
    fact: 'LSM may add EACCES, or whatever it likes, for types and for F_UNLCK',
    body: async (s) => {
      const asked: string[] = [];
      const takeAway = s.machine.security.addFileLock((process, file, type) => {
        asked.push(`${process.name} ${file.label} ${type}`);
        return type === 'F_WRLCK' ? 'EPERM' : process === s.app ? 'EACCES' : undefined;
      });
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'EACCES');
      s.t.is(await lease(s, s.fd, 'F_WRLCK'), 'EPERM');
      s.t.is(await s.app.getLease(s.fd), 'F_UNLCK');
      const theirs = await s.other.open('/f', ['rdonly']);
      s.t.is(await answer(s.machine, s.other.setLease(theirs, 'F_RDLCK')), 'ok');
      takeAway();
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ok');
      s.machine.security.addFileLock((_p, _f, type) => (type === 'F_UNLCK' ? 'EACCES' : undefined));
      s.t.is(await lease(s, s.fd, 'F_UNLCK'), 'EACCES');
      s.t.is(await s.app.getLease(s.fd), 'F_RDLCK', 'a refused call changes nothing');
      s.t.deepEqual(asked, ['app /f F_RDLCK', 'app /f F_WRLCK', 'other /f F_RDLCK']);
    },
  },
  {
    fact: 'LSM: asked after the owner, and of regular files only',
    body: (s) => askedOf(s, []),
  },
  {
    // fcntl_setlease refuses a directory itself; of its delegations the module hears.
    fact: 'LSM: since 6.19 asked of any file that is no directory, before its kind is looked at',
    kernel: '7.2',
    body: async (s) => {
      await askedOf(s, ['node', 'pipe', 'ring']);
      const dir = await s.app.open('/dir', ['rdonly', 'directory']);
      s.t.is(await answer(s.machine, s.app.setDeleg(dir, 'F_RDLCK')), 'EPERM');
      s.t.is(await answer(s.machine, s.app.setDeleg(dir, 'F_WRLCK')), 'EPERM');
    },
  },
  {
    fact: 'a layout lease asks for no open counts',
    kernel: 'proposed',
    body: async (s) => {
      const own = await s.app.open('/f', ['rdwr']);
      s.t.is(await answer(s.machine, s.app.setLease(own, 'F_LAYOUT')), 'ok');
    },
  },
  {
    fact: 'F_GETLEASE while breaking: what the lease is to become',
    body: async (s) => {
      s.t.is(await lease(s, s.fd, 'F_WRLCK'), 'ok');
      s.t.is(await opened(s, ['rdonly', 'nonblock']), 'EAGAIN');
      s.t.is(await s.app.getLease(s.fd), 'F_RDLCK');
      s.t.is(await opened(s, ['rdwr', 'nonblock']), 'EAGAIN');
      s.t.is(await s.app.getLease(s.fd), 'F_UNLCK');
    },
  },
  {
    fact: 'the setter is who gets SIGIO; F_SETSIG chooses the signal, with si_fd',
    body: async (s) => {
      const fds: (number | undefined)[] = [];
      s.app.on('SIGUSR1', ({ fd }) => void fds.push(fd));
      await s.app.setSig(s.fd, 'SIGUSR1');
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ok');
      s.t.is(await opened(s, ['rdwr', 'nonblock']), 'EAGAIN');
      s.t.deepEqual(s.app.takeSignals(), ['SIGUSR1']);
      await s.machine.sched.settle();
      s.t.deepEqual(fds, [s.fd]);
    },
  },
];

/** facts 4.3: how a lease is broken. */
const breaking: readonly Row[] = [
  {
    fact: 'item 1: without a conflicting lease nobody waits',
    body: async (s) => {
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ok');
      s.t.is(await opened(s, ['rdonly']), 'ok');
      s.t.deepEqual(s.app.takeSignals(), []);
    },
  },
  {
    fact: 'item 2: one signal and deadline per pending break; later breakers wait the rest',
    body: async (s) => {
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ok');
      const first = s.other.open('/f', ['rdwr']);
      s.t.is(await answer(s.machine, first, seconds(40)), 'waits');
      const second = s.other.open('/f', ['rdwr']);
      s.t.is(await answer(s.machine, second, seconds(4)), 'waits');
      s.t.is(await answer(s.machine, second, seconds(1)), 'ok');
      s.t.is(await answer(s.machine, first), 'ok');
      s.t.deepEqual(s.app.takeSignals(), ['SIGIO']);
    },
  },
  {
    fact: 'item 3: a read-open downgrades a write lease and leaves a read lease alone',
    body: async (s) => {
      s.t.is(await lease(s, s.fd, 'F_WRLCK'), 'ok');
      const reading = s.other.open('/f', ['rdonly']);
      s.t.is(await answer(s.machine, reading), 'waits');
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ok');
      s.t.is(await answer(s.machine, reading), 'ok');
      s.t.is(await s.app.getLease(s.fd), 'F_RDLCK');
    },
  },
  {
    fact: 'item 4: O_NONBLOCK is EWOULDBLOCK, but the break runs',
    body: async (s) => {
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ok');
      s.t.is(await opened(s, ['rdwr', 'nonblock']), 'EAGAIN');
      s.t.deepEqual(s.app.takeSignals(), ['SIGIO']);
      await s.machine.sched.runFor(seconds(46));
      s.t.is(await opened(s, ['rdwr', 'nonblock']), 'ok');
    },
  },
  {
    fact: 'item 5: a signal ends the wait with EINTR; after the time the lease goes by force',
    body: async (s) => {
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ok');
      const waiting = s.other.open('/f', ['rdwr']);
      s.t.is(await answer(s.machine, waiting), 'waits');
      s.other.on('SIGUSR2', () => {});
      s.other.sendSignal('SIGUSR2');
      s.t.is(await answer(s.machine, waiting), 'EINTR');
      s.t.is(await s.app.getLease(s.fd), 'F_UNLCK', 'it is to go still');
      s.t.is(await answer(s.machine, s.other.open('/f', ['rdwr']), seconds(46)), 'ok');
    },
  },
  {
    fact: 'item 6: lease-break-time 0 waits for ever, until the holder acts',
    body: async (s) => {
      s.machine.leases.breakTimeNs = 0;
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ok');
      const waiting = s.other.open('/f', ['rdwr']);
      s.t.is(await answer(s.machine, waiting, seconds(100_000)), 'waits');
      s.t.is(await lease(s, s.fd, 'F_UNLCK'), 'ok');
      s.t.is(await answer(s.machine, waiting), 'ok');
    },
  },
  {
    fact: 'item 6: or dies',
    body: async (s) => {
      s.machine.leases.breakTimeNs = 0;
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ok');
      const waiting = s.other.open('/f', ['rdwr']);
      s.t.is(await answer(s.machine, waiting, seconds(1)), 'waits');
      s.app.sendSignal('SIGKILL');
      s.t.is(await answer(s.machine, waiting), 'ok');
    },
  },
  {
    fact: 'conflict matrix: a layout lease minds layout changes only',
    kernel: 'proposed',
    body: async (s) => {
      s.t.is(await answer(s.machine, s.app.setLease(s.fd, 'F_LAYOUT')), 'ok');
      s.t.is(await opened(s, ['rdwr']), 'ok');
      s.t.deepEqual(s.app.takeSignals(), []);
    },
  },
  {
    fact: 'the holder’s own open for writing breaks its lease too',
    body: async (s) => {
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ok');
      const own = s.app.open('/f', ['rdwr', 'nonblock']);
      s.t.is(await answer(s.machine, own), 'EAGAIN');
      s.t.deepEqual(s.app.takeSignals(), ['SIGIO']);
    },
  },
  {
    fact: 'breakers are opens and truncate(2); ftruncate, write, mmap and fallocate are none',
    body: async (s) => {
      const writer = await s.other.open('/f', ['rdwr']);
      await s.app.close(s.fd);
      const fd = await s.app.open('/f', ['rdonly']);
      await s.other.close(writer);
      // A layout lease is no matter here; F_WRLCK is had by the one who has the file open.
      const own = await s.app.open('/g', ['rdwr', 'creat']);
      s.t.is(await lease(s, own, 'F_WRLCK'), 'ok');
      await s.app.write(own, 0, new Uint8Array(8192));
      await s.app.ftruncate(own, 4096);
      await s.app.fallocate(own, 'punch', 0, 4096);
      await s.app.mmap({ fd: own, len: 4096 });
      s.t.deepEqual(s.app.takeSignals(), []);
      s.t.is(await lease(s, fd, 'F_RDLCK'), 'ok');
      s.t.is(await answer(s.machine, s.other.truncate('/f', 0)), 'waits');
      s.t.deepEqual(s.app.takeSignals(), ['SIGIO']);
    },
  },
  {
    fact: 'unlink, rename, link, chmod and chown break no lease of user space',
    body: async (s) => {
      s.t.is(await lease(s, s.fd, 'F_RDLCK'), 'ok');
      await s.other.chmod('/f', 0o600);
      await s.other.chown('/f', 0, 0);
      await s.other.link('/f', '/g');
      await s.other.rename('/f', '/h');
      await s.other.unlink('/h');
      s.t.deepEqual(s.app.takeSignals(), []);
      s.t.is(await s.app.getLease(s.fd), 'F_RDLCK');
    },
  },
  {
    fact: 'truncate(2) asks what kind of file it is before it breaks a lease',
    body: async (s) => {
      await s.app.mkdir('/dir');
      s.t.is(await answer(s.machine, s.other.truncate('/dir', 0)), 'EISDIR');
    },
  },
];

for (const [section, rows] of [
  ['4.2', setting],
  ['4.3', breaking],
] as const) {
  for (const { fact, kernel = '6.12', body } of rows) {
    test(`facts ${section}: ${fact}`, (t) =>
      onMachine(t, { kernel }, async (machine) => body(await scene(t, machine))));
  }
}
