// Goal: no memory call of a process takes bad input, and none changes anything for it. Method: as
// for files; ranges that are well formed and lead nowhere have rows of their own.

import test from 'ava';
import type { ErrnoCode } from '../../lib/errno.js';
import { GiB, MiB } from '../../lib/units.js';
import {
  badAnswers,
  judge,
  outcome,
  snapshot,
  withWorld,
  type CallRow,
  type World,
} from '../support/integrity.js';

const mappingCalls = ({ app, fds, fileAddr }: World): CallRow[] => {
  const mmap = (fd: never, len: never, pos: never) => app.mmap({ fd, len, pos });
  const fixed = (addr: never, len: never) => app.mmap({ len, addr, fixed: true });
  return [
    { name: 'mmap', call: app.mmap.bind(app), args: [['object', { len: 4096 }, /request/]] },
    {
      name: 'mmap of a file',
      call: mmap,
      args: [
        ['fd', fds.data],
        ['someLen', 4096],
        ['pos', 0],
      ],
      takes: ['undefined', 'null'],
    },
    {
      name: 'mmap at an address',
      call: fixed,
      args: [
        ['pageAddr', fileAddr],
        ['someLen', 4096],
      ],
      takes: ['undefined'],
    },
    {
      name: 'mmap protection',
      call: (prot: never, share: never) => app.mmap({ len: 4096, prot, share }),
      args: [
        ['name', 'rw', /prot/],
        ['name', 'shared', /share/],
      ],
      takes: ['undefined', 'null'],
    },
    {
      name: 'munmap',
      call: app.munmap.bind(app),
      args: [
        ['pageAddr', fileAddr],
        ['someLen', 4096],
      ],
    },
    {
      name: 'mprotect',
      call: app.mprotect.bind(app),
      args: [
        ['pageAddr', fileAddr],
        ['len', 4096],
        ['name', 'r', /prot/],
      ],
    },
    {
      name: 'madvise',
      call: app.madvise.bind(app),
      args: [
        ['pageAddr', fileAddr],
        ['len', 4096],
        ['name', 'dontneed', /advice/],
      ],
    },
  ];
};

const rangeCalls = ({ app, fds, anonAddr }: World): CallRow[] => {
  const range = [
    ['addr', anonAddr],
    ['len', 4096],
  ] as const;
  return [
    { name: 'mlock', call: app.mlock.bind(app), args: range },
    { name: 'munlock', call: app.munlock.bind(app), args: range },
    { name: 'msync', call: app.msync.bind(app), args: [['pageAddr', anonAddr], range[1]] },
    { name: 'load', call: app.load.bind(app), args: range },
    { name: 'store', call: app.store.bind(app), args: [range[0], ['data', new Uint8Array(8)]] },
    {
      name: 'vmsplice',
      call: app.vmsplice.bind(app),
      args: [['fd', fds.writeEnd], ...range],
    },
    {
      name: 'readPipe',
      call: app.readPipe.bind(app),
      args: [
        ['fd', fds.readEnd],
        ['len', 8],
      ],
    },
    {
      name: 'memfdSecret',
      call: (flag: never) => app.memfdSecret([flag]),
      args: [['name', 'cloexec', /flags/]],
    },
    {
      name: 'uringRegister',
      call: app.uringRegister.bind(app),
      args: [range[0], ['uringLen', 4096]],
    },
  ];
};

const tables: readonly (readonly [string, (w: World) => CallRow[]])[] = [
  ['mappings', mappingCalls],
  ['ranges of memory', rangeCalls],
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

const nowhere = 0x1000;
const TiB = 1024 * GiB;

type Refusal = readonly [name: string, call: (w: World) => unknown, code: ErrnoCode, says: RegExp];

/** Well formed, and refused: the errno of the man page. */
const refusals: readonly Refusal[] = [
  [
    'mmap of a directory',
    ({ app, fds }) => app.mmap({ fd: fds.dir, len: 4096, prot: 'r' }),
    'ENODEV',
    /dir/,
  ],
  ['mmap of a pipe', ({ app, fds }) => app.mmap({ fd: fds.readEnd, len: 4096 }), 'ENODEV', /pipe/],
  [
    'a writable shared mapping of a read-only file',
    ({ app, fds }) => app.mmap({ fd: fds.readOnly, len: 4096, prot: 'rw' }),
    'EACCES',
    /writ/,
  ],
  [
    'mmap at half a page of a file',
    ({ app, fds }) => app.mmap({ fd: fds.data, len: 4096, pos: 512 }),
    'EINVAL',
    /position 512/,
  ],
  [
    'mmap of more than there are addresses',
    ({ app }) => app.mmap({ len: 512 * TiB }),
    'ENOMEM',
    /./,
  ],
  [
    'mprotect of write on a mapping of a read-only file',
    async ({ app, fds }) => {
      const addr = await app.mmap({ fd: fds.readOnly, len: 4096, prot: 'r' });
      try {
        await app.mprotect(addr, 4096, 'rw');
      } finally {
        await app.munmap(addr, 4096);
      }
    },
    'EACCES',
    /./,
  ],
  ['mprotect where nothing is', ({ app }) => app.mprotect(nowhere, 4096, 'r'), 'ENOMEM', /./],
  ['madvise where nothing is', ({ app }) => app.madvise(nowhere, 4096, 'dontneed'), 'ENOMEM', /./],
  ['mlock where nothing is', ({ app }) => app.mlock(nowhere, 4096), 'ENOMEM', /./],
  ['munlock where nothing is', ({ app }) => app.munlock(nowhere, 4096), 'ENOMEM', /./],
  ['msync where nothing is', ({ app }) => app.msync(nowhere, 4096), 'ENOMEM', /hole/],
  [
    'vmsplice of nothing',
    ({ app, fds }) => app.vmsplice(fds.writeEnd, nowhere, 4096),
    'EFAULT',
    /./,
  ],
  [
    'vmsplice into a file',
    ({ app, fds, anonAddr }) => app.vmsplice(fds.data, anonAddr, 4096),
    'EBADF',
    /pipe/,
  ],
  [
    'vmsplice into the read end',
    ({ app, fds, anonAddr }) => app.vmsplice(fds.readEnd, anonAddr, 4096),
    'EBADF',
    /read end/,
  ],
  ['a ring over nothing', ({ app }) => app.uringRegister(nowhere, 4096), 'EFAULT', /./],
  [
    'a direct read into nothing',
    ({ app, fds }) => app.readDirect(fds.data, 0, { addr: nowhere, len: 4096 }),
    'EFAULT',
    /./,
  ],
  [
    'a direct write of a file that is read-only',
    ({ app, fds, anonAddr }) => app.writeDirect(fds.readOnly, 0, { addr: anonAddr, len: 4096 }),
    'EBADF',
    /writ/,
  ],
  [
    'a direct read into memory that is read-only',
    ({ app, fds, readOnlyAddr }) => app.readDirect(fds.data, 0, { addr: readOnlyAddr, len: 4096 }),
    'EFAULT',
    /./,
  ],
];

for (const [name, call, code, says] of refusals) {
  test(`${name} is ${code}`, async (t) => {
    await withWorld(t, async (w) => {
      t.is(await judge(w, name, () => call(w), [code], says), null);
    });
  });
}

test('an access past every mapping is a fault, however long it is, and no allocation', async (t) => {
  await withWorld(t, async (w) => {
    const { app, machine, fileAddr } = w;
    for (const sig of ['SIGSEGV', 'SIGBUS']) app.on(sig, () => {});
    const before = await snapshot(w);
    for (const len of [1, 4096, 4 * MiB, 4 * TiB, 2 ** 52]) {
      const { text } = await outcome(machine, () => app.load(nowhere, len));
      t.regex(text, /MemoryFault.*SIGSEGV/, `load of ${len}`);
    }
    const { text } = await outcome(machine, () => app.load(fileAddr, 4 * TiB));
    t.regex(text, /MemoryFault/);
    t.regex((await outcome(machine, () => app.store(nowhere, new Uint8Array(1)))).text, /SIGSEGV/);
    t.deepEqual(await snapshot(w), before);
  });
});

test('a read of more than there is answers what there is', async (t) => {
  await withWorld(t, async ({ app, fds }) => {
    t.is((await app.read(fds.data, 0, 2 ** 52)).length, 64 * 1024);
    t.is((await app.read(fds.data, 2 ** 40, 4096)).length, 0);
    t.is((await app.readStream(fds.readOnly, 2 ** 52)).length, 64 * 1024);
  });
});
