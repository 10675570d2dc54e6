// Goal: a file system that is called directly, past the system calls, takes no bad argument
// either, and changes nothing for one. Method: every public call of FileSystem and of an open
// file, every argument; sizes, names, blocks, counts and leases are compared before and after.

import test from 'ava';
import { FileSystem, type FileSystemSpec } from '../../lib/fs/file-system.js';
import type { OpenFile } from '../../lib/fs/open-file.js';
import type { Caller } from '../../lib/mm/caller.js';
import { DaxDevice } from '../../lib/mm/dax-device.js';
import { policies } from '../../lib/policy/index.js';
import { bytesOf, FsMachine, MiB, PAGES, type TestProcess } from '../fs/fs-fixture.js';
import {
  assertEveryCall,
  badDirectCalls,
  methodsOf,
  noBytes,
  noCounts,
  noObjects,
  noStrings,
  staticsOf,
  type DirectRow,
} from '../support/direct-calls.js';

const noModes = [-1, 1.5, NaN, 2 ** 53, '7', null, {}, 7n];
const noIds = [undefined, -2, 1.5, NaN, 2 ** 32 - 1, '0', null, {}, 1n];
const noBooleans = [7, 'yes', null, {}];
const noFlags = ['rdwr', 7, null, {}, ['bogus'], [7], ['rdonly', 'wronly']];
const pathErrors = ['EFAULT', 'EINVAL', 'ENOENT', 'ENAMETOOLONG'] as const;
const noPaths = [...noStrings, '', '/a\0b', `/${'x/'.repeat(2500)}`, `/${'x'.repeat(300)}`];
const noLengths = [...noCounts, undefined];
const noWhole = [1.5, NaN, '0', null, undefined, {}, 7n];
const area = { srcFd: 0, srcPos: 0, srcLen: 8, destPos: 0 };
const dedupe = (f: OpenFile, c: Caller, over: object): Promise<unknown> =>
  f.ioctl(c, 'FIDEDUPERANGE', { srcPos: 0, srcLen: 8, dests: [], ...over });
const at = '/f';

interface Bench {
  readonly m: FsMachine;
  readonly fs: FileSystem;
  readonly app: TestProcess;
  readonly file: OpenFile;
  readonly addr: number;
}

async function bench(flavor: 'ext4' | 'tmpfs', dax: boolean): Promise<Bench> {
  const m = new FsMachine({ kernel: '7.2' });
  const fs = await m.make(flavor, { dax });
  const app = m.process('A');
  const file = await app.open(fs, at);
  await app.write(file, 0, bytesOf('a', PAGES(4)));
  const addr = await app.mmap(file, PAGES(4));
  return { m, fs, app, file, addr };
}

/** What no refused call may change. */
const digest = ({ m, fs, file }: Bench): unknown => [
  fs.statfs(),
  file.stat(),
  [file.refs, file.inode.refs, file.inode.leases.leases.length, file.pid, file.signal],
  [m.mm.pinTable.size, m.mm.vmstat.pinsOutstanding, m.mm.allocator.nrFree],
  [...fs.mount.inodes].map(({ ino, record }) => [ino, record.size, record.perm, record.uid]),
  fs.mount.inode(fs.mount.store.rootIno).directory.list(),
];

type Call = (fs: FileSystem, caller: Caller, bad: never) => unknown;

/** Each call that takes a path, with the path varied. */
const paths: readonly (readonly [call: string, make: Call])[] = [
  ['open', (fs, c, v) => fs.open(c, v, ['rdonly'])],
  ['truncate', (fs, c, v) => fs.truncate(c, v, 0)],
  ['unlink', (fs, c, v) => fs.unlink(c, v)],
  ['rmdir', (fs, c, v) => fs.rmdir(c, v)],
  ['rename', (fs, c, v) => fs.rename(c, v, '/g')],
  ['rename', (fs, c, v) => fs.rename(c, at, v)],
  ['mkdir', (fs, c, v) => fs.mkdir(c, v)],
  ['mknod', (fs, c, v) => fs.mknod(c, v)],
  ['symlink', (fs, c, v) => fs.symlink(c, 'target', v)],
  ['link', (fs, c, v) => fs.link(c, v, '/g')],
  ['link', (fs, c, v) => fs.link(c, at, v)],
  ['readlink', (fs, c, v) => fs.readlink(c, v)],
  ['readdir', (fs, c, v) => fs.readdir(c, v)],
  ['stat', (fs, c, v) => fs.stat(c, v)],
  ['chmod', (fs, c, v) => fs.chmod(c, v, 0)],
  ['chown', (fs, c, v) => fs.chown(c, v, 0, 0)],
  ['inode', (fs, c, v) => fs.inode(c, v)],
];

type Row<Make> = readonly [
  call: string,
  arg: string,
  values: readonly unknown[],
  make: Make,
  codes?: DirectRow['codes'],
];

const others: readonly Row<Call>[] = [
  ['open', 'flags', noFlags, (fs, c, v) => fs.open(c, at, v)],
  ['open', 'mode', noModes, (fs, c, v) => fs.open(c, '/new', ['creat', 'rdwr'], v)],
  ['truncate', 'length', noLengths, (fs, c, v) => fs.truncate(c, at, v)],
  ['shutDown', 'first', ['later', ...noStrings], (fs, c, v) => fs.shutDown(c.task, v)],
  ['rename', 'flags', ['x', 7, null, ['bogus']], (fs, c, v) => fs.rename(c, at, '/g', v)],
  ['mkdir', 'mode', noModes, (fs, c, v) => fs.mkdir(c, '/d', v)],
  ['mknod', 'mode', noModes, (fs, c, v) => fs.mknod(c, '/n', v)],
  [
    'symlink',
    'target',
    [...noStrings, '', 'a\0b', 'x'.repeat(5000)],
    (fs, c, v) => fs.symlink(c, v, '/l'),
    pathErrors,
  ],
  ['stat', 'follow', noBooleans, (fs, c, v) => fs.stat(c, at, v)],
  ['chmod', 'mode', [undefined, ...noModes], (fs, c, v) => fs.chmod(c, at, v)],
  ['chown', 'uid', noIds, (fs, c, v) => fs.chown(c, at, v, 0)],
  ['chown', 'gid', noIds, (fs, c, v) => fs.chown(c, at, 0, v)],
  ['nameOf', 'owner', noObjects, (fs, _c, v) => fs.nameOf(v)],
  ['admitPin', 'intent', noObjects, (fs, _c, v) => fs.admitPin(v)],
];

const fsRows = ({ fs, app }: Bench): DirectRow[] => [
  ...paths.map(([call, make]): DirectRow => {
    const run = (bad: never) => app.call(async (c) => make(fs, c, bad));
    return { call, arg: 'path', values: noPaths, make: run, codes: pathErrors };
  }),
  ...others.map(([call, arg, values, make, codes = ['EINVAL']]): DirectRow => {
    const run = (bad: never) => app.call(async (c) => make(fs, c, bad));
    return { call, arg, values, make: run, codes };
  }),
];

const spec = (m: FsMachine): FileSystemSpec => ({
  device: m.device,
  region: m.mm.pages.regions[1]!,
  startPos: MiB,
  len: MiB,
  flavor: 'ext4',
  dax: false,
  policy: policies.linux,
  mountId: 7,
});

const badSpec: Readonly<Record<string, readonly unknown[]>> = {
  device: [...noObjects, {}],
  region: [...noObjects, {}],
  startPos: [...noLengths, 1, 4097, 64 * MiB],
  len: [...noLengths, 0, 1, 4097, 64 * MiB],
  flavor: ['ntfs', ...noStrings, 'toString'],
  dax: noBooleans,
  policy: [...noObjects, {}],
  mountId: noLengths,
  readOnly: noBooleans,
  persistence: [null, 7, {}],
};
const badMkfs: Readonly<Record<string, readonly unknown[]>> = {
  startPos: badSpec['startPos']!,
  len: badSpec['len']!,
  flavor: [...badSpec['flavor']!, 'tmpfs'],
  nrInodes: [0, ...noCounts],
  journalBlocks: [0, 7, ...noCounts],
  nowNs: [-1, NaN, '1', null],
  rootPerm: noModes,
};

const makeRows = ({ m }: Bench): DirectRow[] => [
  ...Object.entries(badSpec).map(([arg, values]): DirectRow => {
    const make = (v: never) => FileSystem.mount(m.env, { ...spec(m), [arg]: v });
    return { call: 'mount', arg, values, make };
  }),
  { call: 'mount', arg: 'spec', values: noObjects, make: (v) => FileSystem.mount(m.env, v) },
  { call: 'mount', arg: 'env', values: noObjects, make: (v) => FileSystem.mount(v, spec(m)) },
  ...Object.entries(badMkfs).map(([arg, values]): DirectRow => {
    const good = { startPos: MiB, len: MiB, flavor: 'ext4' } as const;
    const make = (v: never) => FileSystem.mkfs(m.device, { ...good, [arg]: v });
    return { call: 'mkfs', arg, values, make };
  }),
  { call: 'mkfs', arg: 'spec', values: noObjects, make: (v) => FileSystem.mkfs(m.device, v) },
  {
    call: 'mkfs',
    arg: 'device',
    values: [...noObjects, {}],
    make: (v) => FileSystem.mkfs(v, { startPos: MiB, len: MiB, flavor: 'ext4' }),
  },
];

type FileCall = (file: OpenFile, caller: Caller, bad: never) => unknown;

const someBytes = new Uint8Array(8);
const fileCalls = (addr: number): readonly Row<FileCall>[] => {
  const buffers = [...noObjects, {}];
  return [
    ['read', 'position', noLengths, (f, c, v) => f.read(c, v, someBytes)],
    ['read', 'data', noBytes, (f, c, v) => f.read(c, 0, v), ['EFAULT']],
    ['write', 'position', noLengths, (f, c, v) => f.write(c, v, someBytes)],
    ['write', 'data', noBytes, (f, c, v) => f.write(c, 0, v), ['EFAULT']],
    ...(['readToUser', 'writeFromUser'] as const).flatMap((call) => {
      const buffer = (c: Caller, part: object) => ({ mm: c.process.mm, addr, len: 8, ...part });
      return [
        [call, 'position', noLengths, (f, c, v) => f[call](c, v, buffer(c, {}))],
        [call, 'buffer', buffers, (f, c, v) => f[call](c, 0, v), ['EFAULT', 'EINVAL']],
        [call, 'address', noLengths, (f, c, v) => f[call](c, 0, buffer(c, { addr: v }))],
        [call, 'length', noLengths, (f, c, v) => f[call](c, 0, buffer(c, { len: v }))],
        [call, 'mm', noObjects, (f, c, v) => f[call](c, 0, buffer(c, { mm: v }))],
      ] as const satisfies readonly Row<FileCall>[];
    }),
    ...(['readDirect', 'writeDirect'] as const).flatMap((call) => {
      const run = (f: OpenFile, c: Caller, a: unknown, n: unknown) =>
        f[call](c, 0, c.process.mm, a as number, n as number);
      return [
        [call, 'position', noLengths, (f, c, v) => f[call](c, v, c.process.mm, addr, 8)],
        [call, 'mm', noObjects, (f, c, v) => f[call](c, 0, v, addr, 8)],
        [call, 'address', noLengths, (f, c, v) => run(f, c, v, 8)],
        [call, 'length', noLengths, (f, c, v) => run(f, c, addr, v)],
      ] as const satisfies readonly Row<FileCall>[];
    }),
    ['ftruncate', 'length', noLengths, (f, c, v) => f.ftruncate(c, v)],
    [
      'fallocate',
      'mode',
      ['bogus', ...noStrings, 'toString', '__proto__'],
      (f, c, v) => f.fallocate(c, v, 0, 4096),
      ['EOPNOTSUPP'],
    ],
    ['fallocate', 'position', noLengths, (f, c, v) => f.fallocate(c, 'alloc', v, 4096)],
    ['fallocate', 'length', [0, ...noLengths], (f, c, v) => f.fallocate(c, 'alloc', 0, v)],
    ['copyFrom', 'file', noObjects, (f, c, v) => f.copyFrom(c, v, 0, 8, 8)],
    ['copyFrom', 'position', noLengths, (f, c, v) => f.copyFrom(c, f, v, 8, 8)],
    ['copyFrom', 'position', noLengths, (f, c, v) => f.copyFrom(c, f, 0, v, 8)],
    ['copyFrom', 'length', noLengths, (f, c, v) => f.copyFrom(c, f, 0, 8, v)],
    ['seek', 'whence', ['bogus', ...noStrings], (f, _c, v) => f.seek(v, 0)],
    ['seek', 'position', noLengths, (f, _c, v) => f.seek('data', v), ['ENXIO', 'EINVAL']],
    ['setLease', 'lease', ['bogus', ...noStrings], (f, c, v) => f.setLease(c, v, 3)],
    ['setLease', 'fd', noLengths, (f, c, v) => f.setLease(c, 'F_RDLCK', v), ['EBADF']],
    ['setDeleg', 'delegation', ['bogus', ...noStrings], (f, c, v) => f.setDeleg(c, v, 3)],
    ['setDeleg', 'fd', noLengths, (f, c, v) => f.setDeleg(c, 'F_RDLCK', v), ['EBADF']],
    ['setOwner', 'owner', noObjects, (f, _c, v) => f.setOwner(v)],
    ['setSignal', 'signal', [undefined, 7, '', 'BOGUS', {}], (f, _c, v) => f.setSignal(v)],
    ['checkMmap', 'prot', noObjects, (f, _c, v) => f.checkMmap(v, 'shared')],
    ['checkMmap', 'share', ['bogus', ...noStrings], (f, _c, v) => f.checkMmap({ write: false }, v)],
    [
      'ioctl',
      'request',
      ['bogus', ...noStrings],
      (f, c, v) => f.ioctl(c, v, undefined),
      ['ENOTTY'],
    ],
    ['ioctl', 'arg', noObjects, (f, c, v) => f.ioctl(c, 'FS_IOC_SETFLAGS', v)],
    ['ioctl', 'arg', noObjects, (f, c, v) => f.ioctl(c, 'FS_IOC_FSSETXATTR', v)],
    ['ioctl', 'arg', noObjects, (f, c, v) => f.ioctl(c, 'FICLONERANGE', v), ['EFAULT']],
    ['ioctl', 'arg', noObjects, (f, c, v) => f.ioctl(c, 'FIDEDUPERANGE', v), ['EFAULT']],
    ['ioctl', 'dests', noObjects, (f, c, v) => dedupe(f, c, { dests: v })],
    ['ioctl', 'dests', noObjects, (f, c, v) => dedupe(f, c, { dests: [v] }), ['EFAULT']],
    ['ioctl', 'srcPos', noWhole, (f, c, v) => dedupe(f, c, { srcPos: v })],
    ['ioctl', 'srcPos', noWhole, (f, c, v) => f.ioctl(c, 'FICLONERANGE', { ...area, srcPos: v })],
    ['ioctl', 'destPos', noWhole, (f, c, v) => f.ioctl(c, 'FICLONERANGE', { ...area, destPos: v })],
    [
      'ioctl',
      'xflags',
      [null, 7, 'dax', ['bogus'], [7]],
      (f, c, v) => f.ioctl(c, 'FS_IOC_FSSETXATTR', { xflags: v }),
    ],
    ['mapDirect', 'vma', noObjects, (f, c, v) => f.mapDirect(c, v)],
  ];
};

const fileRows = ({ app, file, addr }: Bench): DirectRow[] =>
  fileCalls(addr).map(([call, arg, values, make, codes = ['EINVAL']]) => {
    const run = (bad: never) => app.call(async (c) => make(file, c, bad));
    return { call, arg, values, make: run, codes };
  });

/** Calls without arguments of their own, and those that only the lease room makes. */
const noFileArguments = [
  ...['fsync', 'getDeleg', 'getFile', 'getLease', 'putFile', 'stat'],
  ...['leaseGone', 'leaseGranted', 'notify'],
];

for (const [flavor, dax] of [
  ['ext4', true],
  ['ext4', false],
  ['tmpfs', false],
] as const) {
  test(`${flavor} (dax ${dax}): no call on the file system takes or acts on a bad argument`, async (t) => {
    const b = await bench(flavor, dax);
    const rows = [...fsRows(b), ...makeRows(b)];
    const { problems, inputs } = await badDirectCalls(rows, () => digest(b));
    t.deepEqual(problems, []);
    const calls = [...methodsOf(FileSystem.prototype), ...staticsOf(FileSystem)];
    assertEveryCall(t, calls, rows, ['holders', 'statfs', 'sync', 'unmount']);
    t.log(`${calls.length} calls, ${inputs} bad inputs`);
    await b.m.end(t);
  });

  test(`${flavor} (dax ${dax}): no call on an open file takes or acts on a bad argument`, async (t) => {
    const b = await bench(flavor, dax);
    const rows = fileRows(b);
    const { problems, inputs } = await badDirectCalls(rows, () => digest(b));
    t.deepEqual(problems, []);
    const { constructor } = b.file;
    assertEveryCall(t, methodsOf(constructor.prototype as object), rows, noFileArguments);
    t.log(`${new Set(rows.map(({ call }) => call)).size} calls, ${inputs} bad inputs`);
    await b.m.end(t);
  });
}

test('a file put twice, or used after its end, is stopped by an assertion that names it', async (t) => {
  const b = await bench('ext4', true);
  const gone = await b.app.open(b.fs, '/gone');
  await b.app.close(gone);
  const rows: DirectRow[] = [
    { call: 'getFile', arg: '/gone', values: [0], make: () => gone.getFile(), bug: true },
    {
      ...{ call: 'putFile', arg: '/gone', values: [0], bug: true },
      make: () => b.app.call(async ({ task }) => gone.putFile(task)),
    },
  ];
  t.deepEqual((await badDirectCalls(rows, () => digest(b))).problems, []);
  await b.m.end(t);
});

test('a device that is closed is mounted by nobody', async (t) => {
  const m = new FsMachine();
  const device = DaxDevice.memory(MiB);
  device.close();
  const closed = { ...spec(m), device, startPos: 0 };
  await t.throwsAsync(() => FileSystem.mount(m.env, closed), { message: /EBADF.*closed/ });
  const made = { startPos: 0, len: MiB, flavor: 'ext4' } as const;
  await t.throwsAsync(() => FileSystem.mkfs(device, made), { message: /EBADF.*closed/ });
  await m.end(t);
});
