// Goal: no file call of a process takes bad input: each is refused by the errno that Linux has for
// it, in words that name the argument, and nothing changes. Method: every argument of every call,
// each kind of bad value, with the state of the machine compared before and after.

import test from 'ava';
import { badAnswers, withWorld, type CallRow, type World } from '../support/integrity.js';

const bytes = new Uint8Array(8);

const descriptorCalls = ({ app, observer, fds }: World): CallRow[] => [
  { name: 'close', call: app.close.bind(app), args: [['fd', fds.data]] },
  {
    name: 'dup',
    call: app.dup.bind(app),
    args: [
      ['fd', fds.data],
      ['newFd', 0],
    ],
  },
  {
    name: 'dup2',
    call: app.dup2.bind(app),
    args: [
      ['fd', fds.data],
      ['newFd', 40],
    ],
  },
  {
    name: 'sendFd',
    call: app.sendFd.bind(app),
    args: [
      ['object', observer, /target/],
      ['fd', fds.data],
    ],
  },
  {
    name: 'setNonblock',
    call: app.setNonblock.bind(app),
    args: [
      ['fd', fds.data],
      ['object', true, /nonblock/],
    ],
  },
  {
    name: 'setOwn',
    call: app.setOwn.bind(app),
    args: [
      ['fd', fds.data],
      ['pid', 1],
    ],
  },
  {
    name: 'setSig',
    call: app.setSig.bind(app),
    args: [
      ['fd', fds.data],
      ['signal', 'SIGIO'],
    ],
  },
  {
    name: 'setLease',
    call: app.setLease.bind(app),
    args: [
      ['fd', fds.leased],
      ['name', 'F_RDLCK', /lease/],
    ],
  },
  { name: 'getLease', call: app.getLease.bind(app), args: [['fd', fds.leased]] },
  {
    name: 'setDeleg',
    call: app.setDeleg.bind(app),
    args: [
      ['fd', fds.leased],
      ['name', 'F_RDLCK', /delegation/],
    ],
  },
  { name: 'getDeleg', call: app.getDeleg.bind(app), args: [['fd', fds.leased]] },
];

const byteCalls = ({ app, fds, anonAddr }: World): CallRow[] => {
  const direct = (pos: never, addr: never, len: never) =>
    app.readDirect(fds.data, pos, { addr, len });
  const directWrite = (pos: never, addr: never, len: never) =>
    app.writeDirect(fds.data, pos, { addr, len });
  const at = [
    ['pos', 0],
    ['addr', anonAddr],
    ['len', 4096],
  ] as const;
  return [
    {
      name: 'read',
      call: app.read.bind(app),
      args: [
        ['fd', fds.data],
        ['pos', 0],
        ['len', 8],
      ],
    },
    {
      name: 'readInto',
      call: app.readInto.bind(app),
      args: [
        ['fd', fds.data],
        ['pos', 0],
        ['data', bytes],
      ],
    },
    {
      name: 'write',
      call: app.write.bind(app),
      args: [
        ['fd', fds.data],
        ['pos', 0],
        ['data', bytes],
      ],
    },
    {
      name: 'copyFileRange',
      call: (fd: never, pos: never, toFd: never, toPos: never, len: never) =>
        // null is a position: the open file's own.
        app.copyFileRange(fd, pos === null ? NaN : pos, toFd, toPos === null ? NaN : toPos, len),
      args: [
        ['fd', fds.data],
        ['pos', 0],
        ['fd', fds.data],
        ['pos', 8],
        ['len', 8],
      ],
    },
    {
      name: 'readStream',
      call: app.readStream.bind(app),
      args: [
        ['fd', fds.data],
        ['len', 8],
      ],
    },
    {
      name: 'writeStream',
      call: app.writeStream.bind(app),
      args: [
        ['fd', fds.data],
        ['data', bytes],
      ],
    },
    {
      name: 'lseek',
      call: app.lseek.bind(app),
      args: [
        ['fd', fds.data],
        ['off', 0],
        ['name', 'SEEK_SET', /whence/],
      ],
    },
    {
      name: 'ftruncate',
      call: app.ftruncate.bind(app),
      args: [
        ['fd', fds.data],
        ['len', 0],
      ],
    },
    {
      name: 'fallocate',
      call: app.fallocate.bind(app),
      args: [
        ['fd', fds.data],
        ['name', 'alloc', /mode/],
        ['pos', 0],
        ['someLen', 4096],
      ],
    },
    { name: 'fsync', call: app.fsync.bind(app), args: [['fd', fds.data]] },
    { name: 'fstat', call: app.fstat.bind(app), args: [['fd', fds.data]] },
    { name: 'readDirect', call: direct, args: at },
    { name: 'writeDirect', call: directWrite, args: at },
    {
      name: 'readDirect buffer',
      call: (buffer: never) => app.readDirect(fds.data, 0, buffer),
      args: [['object', { addr: anonAddr, len: 4096 }, /buffer/]],
    },
  ];
};

const pathCalls = ({ app }: World): CallRow[] => [
  {
    name: 'open',
    call: app.open.bind(app),
    args: [
      ['path', '/data'],
      ['flags', ['rdonly']],
      ['mode', 0o666],
    ],
  },
  {
    name: 'truncate',
    call: app.truncate.bind(app),
    args: [
      ['path', '/data'],
      ['len', 0],
    ],
  },
  { name: 'stat', call: app.stat.bind(app), args: [['path', '/data']] },
  { name: 'lstat', call: app.lstat.bind(app), args: [['path', '/data']] },
  { name: 'unlink', call: app.unlink.bind(app), args: [['path', '/data']] },
  {
    name: 'mkdir',
    call: app.mkdir.bind(app),
    args: [
      ['path', '/new'],
      ['mode', 0o777],
    ],
  },
  {
    name: 'mknod',
    call: app.mknod.bind(app),
    args: [
      ['path', '/new'],
      ['mode', 0o666],
    ],
  },
  { name: 'rmdir', call: app.rmdir.bind(app), args: [['path', '/dir']] },
  { name: 'readdir', call: app.readdir.bind(app), args: [['path', '/dir']] },
  {
    name: 'chmod',
    call: app.chmod.bind(app),
    args: [
      ['path', '/data'],
      ['mode', 0o600],
    ],
  },
  {
    name: 'chown',
    call: app.chown.bind(app),
    args: [
      ['path', '/data'],
      ['id', 0],
      ['id', 0],
    ],
  },
  {
    name: 'symlink',
    call: app.symlink.bind(app),
    args: [
      ['path', 'data', /target/],
      ['path', '/new'],
    ],
    takes: ['one with a name of 300 bytes'],
  },
  { name: 'readlink', call: app.readlink.bind(app), args: [['path', '/data']] },
  {
    name: 'rename',
    call: app.rename.bind(app),
    args: [
      ['path', '/data'],
      ['path', '/new'],
    ],
  },
  {
    name: 'link',
    call: app.link.bind(app),
    args: [
      ['path', '/data'],
      ['path', '/new'],
    ],
  },
];

const missingCalls = ({ app }: World): CallRow[] => [
  { name: 'open', call: app.open.bind(app), args: [['missingPath', '/data']] },
  {
    name: 'truncate',
    call: app.truncate.bind(app),
    args: [
      ['missingPath', '/data'],
      [null, 0],
    ],
  },
  { name: 'stat', call: app.stat.bind(app), args: [['missingPath', '/data']] },
  { name: 'unlink', call: app.unlink.bind(app), args: [['missingPath', '/data']] },
  { name: 'mkdir', call: app.mkdir.bind(app), args: [['missingPath', '/new']], takes: [] },
  { name: 'mknod', call: app.mknod.bind(app), args: [['missingPath', '/new']], takes: [] },
  { name: 'rmdir', call: app.rmdir.bind(app), args: [['missingPath', '/dir']] },
  { name: 'readdir', call: app.readdir.bind(app), args: [['missingPath', '/dir']] },
  {
    name: 'chmod',
    call: app.chmod.bind(app),
    args: [
      ['missingPath', '/data'],
      [null, 0o600],
    ],
  },
  {
    name: 'rename',
    call: app.rename.bind(app),
    args: [
      ['missingPath', '/data'],
      [null, '/new'],
    ],
  },
  {
    name: 'link',
    call: app.link.bind(app),
    args: [
      ['missingPath', '/data'],
      [null, '/new'],
    ],
  },
];

const tables: readonly (readonly [string, (w: World) => CallRow[]])[] = [
  ['descriptors', descriptorCalls],
  ['bytes of files', byteCalls],
  ['paths', pathCalls],
  ['paths that lead nowhere', missingCalls],
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
