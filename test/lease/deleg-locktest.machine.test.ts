// Goal: delegations are granted and broken as generic/786 (locktest -D) and 787 (locktest -F) want:
// each test is one of their cases, C the client process, S the server process on the same path.
// Method: as there, the holder's handler of SIGIO gives the delegation up, and calls go on after a
// signal; each case on a machine of its own, whose balance ends at zero.

import test, { type ExecutionContext } from 'ava';
import type { KernelName } from '../../lib/kernel-rules.js';
import type { LeaseArg } from '../../lib/lease/lease.js';
import type { Machine, Process } from '../../lib/machine.js';
import type { OpenFlag } from '../../lib/process/file.js';
import { seconds } from '../../lib/units.js';
import { answer, makeFile, onMachine } from '../support/machine.js';

const kernels: readonly KernelName[] = ['7.2', 'proposed'];
/** generic/786 and 787 on each kind of mount that the machine has. */
const mounts = {
  '/': { flavor: 'ext4', dax: true },
  '/xfs': { flavor: 'xfs', dax: true },
  '/tmp': { flavor: 'tmpfs' },
} as const;

interface Scene {
  readonly t: ExecutionContext;
  readonly machine: Machine;
  readonly C: Process;
  readonly S: Process;
  /** The directory of 786, the file of 787. */
  readonly path: string;
  /** The signals that each got. */
  readonly came: Map<Process, number>;
}

/** Run body with C and S on each kernel and mount. */
function each(name: string, dir: boolean, body: (s: Scene) => Promise<void>): void {
  for (const kernel of kernels) {
    for (const mount of Object.keys(mounts)) {
      test(`${name} (${kernel}, ${mounts[mount as '/'].flavor})`, (t) =>
        onMachine(t, { kernel, mounts }, async (machine) => {
          const [C, S] = [machine.spawn('C'), machine.spawn('S')];
          const path = `${mount === '/' ? '' : mount}/${dir ? 'dirdeleg' : 'lock_file'}`;
          if (dir) await S.mkdir(path);
          else await makeFile(S, path, 1024);
          await body({ t, machine, C, S, path, came: new Map() });
        }));
    }
  }
}

/** Open the path, delegate it, and give it up when SIGIO comes. */
async function delegate(s: Scene, who: Process, flags: readonly OpenFlag[], type: LeaseArg) {
  const fd = await who.open(s.path, flags);
  await who.setDeleg(fd, type);
  s.t.is(await who.getDeleg(fd), type);
  const onSigio = async (): Promise<void> => {
    s.came.set(who, (s.came.get(who) ?? 0) + 1);
    await who.setDeleg(fd, 'F_UNLCK');
  };
  who.on('SIGIO', onSigio, { restart: true });
  return fd;
}

/** The breaker's call ends well, and SIGIO came within 5 s or not at all. */
async function breaks(s: Scene, holder: Process, call: Promise<unknown>, sigio: boolean) {
  s.t.is(await answer(s.machine, call, seconds(5)), 'ok');
  await s.machine.sched.runFor(seconds(5));
  s.t.is(s.came.get(holder) ?? 0, sigio ? 1 : 0);
}

const inDir: readonly OpenFlag[] = ['rdonly', 'directory'];

each('786 case 1: take a read delegation of a directory, and release it', true, async (s) => {
  const { t, S, path } = s;
  const fd = await S.open(path, inDir);
  await S.setDeleg(fd, 'F_RDLCK');
  t.is(await S.getDeleg(fd), 'F_RDLCK');
  await S.setDeleg(fd, 'F_UNLCK');
  t.is(await S.getDeleg(fd), 'F_UNLCK');
});

each('786 case 2: a write delegation of a directory fails', true, async (s) => {
  const { t, machine, S, path } = s;
  const fd = await S.open(path, inDir);
  t.is(await answer(machine, S.setDeleg(fd, 'F_WRLCK')), 'EINVAL');
  t.is(await S.getDeleg(fd), 'F_UNLCK');
});

interface DirCase {
  readonly by: string;
  /** What S makes in the directory first. */
  readonly first?: (s: Process, dir: string) => Promise<unknown>;
  readonly call: (c: Process, dir: string) => Promise<unknown>;
}
const create = async (who: Process, dir: string): Promise<void> =>
  who.close(await who.open(`${dir}/child0`, ['wronly', 'creat'], 0o666));
const dirCases: readonly DirCase[] = [
  { by: 'create', call: create },
  { by: 'unlink', first: create, call: (C, dir) => C.unlink(`${dir}/child0`) },
  { by: 'rename', first: create, call: (C, dir) => C.rename(`${dir}/child0`, `${dir}/child1`) },
  { by: 'symlink', call: (C, dir) => C.symlink('child1', `${dir}/child0`) },
  { by: 'mknod', call: (C, dir) => C.mknod(`${dir}/child0`, 0) },
  { by: 'chmod', call: (C, dir) => C.chmod(dir, 0o775) },
  { by: 'mkdir', call: (C, dir) => C.mkdir(`${dir}/child0`) },
  {
    by: 'rmdir',
    first: (S, dir) => S.mkdir(`${dir}/child0`),
    call: (C, dir) => C.rmdir(`${dir}/child0`),
  },
];
for (const [i, { by, first, call }] of dirCases.entries()) {
  each(`786 case ${i + 3}: a delegation of a directory is broken by ${by}`, true, async (s) => {
    await first?.(s.S, s.path);
    await delegate(s, s.S, inDir, 'F_RDLCK');
    await breaks(s, s.S, call(s.C, s.path), true);
  });
}

each('787 case 1: take a read delegation of a file that is read elsewhere', false, async (s) => {
  const { t, C, S, path } = s;
  await C.open(path, ['rdonly']);
  const fd = await S.open(path, ['rdonly']);
  await S.setDeleg(fd, 'F_RDLCK');
  t.is(await S.getDeleg(fd), 'F_RDLCK');
  await S.setDeleg(fd, 'F_UNLCK');
});

each('787 case 2: take a write delegation of a file', false, async (s) => {
  const { t, S, path } = s;
  const fd = await S.open(path, ['rdwr']);
  await S.setDeleg(fd, 'F_WRLCK');
  t.is(await S.getDeleg(fd), 'F_WRLCK');
  await S.setDeleg(fd, 'F_UNLCK');
});

const refused = [
  ['3: a write delegation fails if the file is open elsewhere', 'F_WRLCK', true],
  ['4: a read delegation fails if the file is open for writing', 'F_RDLCK', false],
] as const;
for (const [name, type, elsewhere] of refused) {
  each(`787 case ${name}`, false, async (s) => {
    const { t, machine, C, S, path } = s;
    if (elsewhere) await C.open(path, ['rdonly']);
    const fd = await S.open(path, ['rdwr']);
    t.is(await answer(machine, S.setDeleg(fd, type)), 'EAGAIN');
    t.is(await S.getDeleg(fd), 'F_UNLCK');
  });
}

interface FileCase {
  readonly name: string;
  readonly flags: readonly OpenFlag[];
  readonly type: LeaseArg;
  readonly call: (s: Scene) => Promise<unknown>;
  readonly sigio?: false;
}
const read = { flags: ['rdonly'], type: 'F_RDLCK' } as const;
const write = { flags: ['rdwr'], type: 'F_WRLCK' } as const;
const fileCases: readonly FileCase[] = [
  { name: '5: by an open to write', ...read, call: ({ S, path }) => S.open(path, ['rdwr']) },
  { name: '6: by an open to read', ...write, call: ({ S, path }) => S.open(path) },
  { name: '7: not by an open to read', ...read, call: (s) => s.S.open(s.path), sigio: false },
  { name: '8: by an open to write', ...read, call: ({ S, path }) => S.open(path, ['wronly']) },
  { name: '9: by its own truncate', ...write, call: ({ C, path }) => C.truncate(path, 512) },
  { name: '10: by truncate', ...read, call: ({ S, path }) => S.truncate(path, 512) },
  { name: '11: by chmod', ...read, call: ({ S, path }) => S.chmod(path, 0o644) },
  { name: '12: by unlink', ...read, call: ({ S, path }) => S.unlink(path) },
  { name: '13: by rename', ...read, call: ({ S, path }) => S.rename(path, `${path}2`) },
];
for (const { name, flags, type, call, sigio } of fileCases) {
  const [nr, by] = name.split(': ');
  const what = type === 'F_RDLCK' ? 'a read delegation' : 'a write delegation';
  each(`787 case ${nr}: ${what} is broken, ${by}`, false, async (s) => {
    await delegate(s, s.C, flags, type);
    await breaks(s, s.C, call(s), sigio ?? true);
  });
}

for (const kernel of ['6.1', '6.12'] as const) {
  test(`786 and 787 on ${kernel}: F_SETDELEG and F_GETDELEG are unknown, EINVAL`, (t) =>
    onMachine(t, { kernel }, async (machine) => {
      const app = machine.spawn('app');
      await app.mkdir('/dirdeleg');
      await makeFile(app, '/lock_file');
      const [readEnd] = await app.pipe();
      const fds = [await app.open('/dirdeleg', inDir), await app.open('/lock_file'), readEnd];
      for (const fd of fds) {
        for (const type of ['F_RDLCK', 'F_WRLCK', 'F_UNLCK'] as const) {
          t.is(await answer(machine, app.setDeleg(fd, type)), 'EINVAL');
        }
        t.is(await answer(machine, app.getDeleg(fd)), 'EINVAL');
      }
    }));
}
