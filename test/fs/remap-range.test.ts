// Goal: who asks for blocks that two files share, or for an exchange, hears what Linux would say on
// a file system that can do neither, in the order in which Linux says it.
// Method: a row for each refusal, with the file systems and kernels it is for, and its source.

import test from 'ava';
import type { Flavor } from '../../lib/fs/layout-table.js';
import type { OpenFile } from '../../lib/fs/open-file.js';
import { kernelNames, type KernelName } from '../../lib/kernel-rules.js';
import { FsMachine, outcome, PAGES, type TestProcess } from './fs-fixture.js';

const flavors: readonly Flavor[] = ['ext4', 'xfs', 'tmpfs'];
const diskless: readonly Flavor[] = ['ext4', 'tmpfs'];
const since68: readonly KernelName[] = ['6.12', '7.2', 'proposed'];

/** Files of one process: two of two pages, as they are opened, and what is none. */
interface Files {
  readonly app: TestProcess;
  readonly file: OpenFile;
  readonly other: OpenFile;
  readonly reading: OpenFile;
  readonly writing: OpenFile;
  readonly appending: OpenFile;
  readonly dir: OpenFile;
  readonly elsewhere: OpenFile;
  fd(file: OpenFile): number;
}

async function files(m: FsMachine, flavor: Flavor): Promise<Files> {
  const fs = await m.make(flavor);
  const second = await m.make(flavor);
  const app = m.process();
  const file = await app.open(fs, '/f');
  const other = await app.open(fs, '/g');
  const elsewhere = await app.open(second, '/f');
  for (const f of [file, other, elsewhere]) await app.write(f, 0, new Uint8Array(PAGES(2)).fill(7));
  const reading = await app.open(fs, '/f', ['rdonly']);
  const writing = await app.open(fs, '/f', ['wronly']);
  const appending = await app.open(fs, '/f', ['rdwr', 'append']);
  const dir = await app.open(fs, '/', ['rdonly']);
  const fd = (f: OpenFile): number => app.fdOf(f);
  return { app, file, other, reading, writing, appending, dir, elsewhere, fd };
}

type Ask = (f: Files) => readonly [file: OpenFile, request: string, arg: unknown];
interface Row {
  readonly what: string;
  readonly ask: Ask;
  readonly code: string;
  readonly on?: readonly Flavor[];
  readonly kernels?: readonly KernelName[];
}

const range = { srcPos: 0, srcLen: PAGES(1), destPos: PAGES(1) };
const clone =
  (from: keyof Files, to: keyof Files, over: object = {}): Ask =>
  (f) => [
    f[to] as OpenFile,
    'FICLONERANGE',
    { srcFd: f.fd(f[from] as OpenFile), ...range, ...over },
  ];

// fs/ioctl.c:ioctl_file_clone, fs/remap_range.c:vfs_clone_file_range, fs/read_write.c:
// generic_file_rw_checks; fs/xfs/xfs_file.c:xfs_file_remap_range without reflink.
const clones: readonly Row[] = [
  { what: 'a range of the same file', ask: clone('file', 'file'), code: 'EOPNOTSUPP' },
  { what: 'another file', ask: clone('other', 'file'), code: 'EOPNOTSUPP' },
  {
    what: 'FICLONE, all of a file',
    ask: (f) => [f.file, 'FICLONE', f.fd(f.other)],
    code: 'EOPNOTSUPP',
  },
  { what: 'a bad descriptor', ask: (f) => [f.file, 'FICLONE', 99], code: 'EBADF' },
  {
    what: 'a bad descriptor before all else',
    ask: (f) => [f.dir, 'FICLONERANGE', { srcFd: 99, ...range, srcPos: -1 }],
    code: 'EBADF',
  },
  { what: 'another mount', ask: clone('elsewhere', 'file'), code: 'EXDEV' },
  { what: 'another mount before the mode', ask: clone('elsewhere', 'reading'), code: 'EXDEV' },
  { what: 'a directory', ask: clone('dir', 'file'), code: 'EISDIR' },
  { what: 'into a directory', ask: clone('file', 'dir'), code: 'EISDIR' },
  { what: 'a file not open for reading', ask: clone('writing', 'other'), code: 'EBADF' },
  { what: 'into a file not open for writing', ask: clone('other', 'reading'), code: 'EBADF' },
  { what: 'into a file open for appending', ask: clone('other', 'appending'), code: 'EBADF' },
  {
    what: 'a negative position, which comes first since 6.8',
    ask: clone('elsewhere', 'file', { srcPos: -1 }),
    ...{ code: 'EINVAL', kernels: since68 },
  },
  {
    what: 'a negative position, which came last before',
    ask: clone('elsewhere', 'file', { srcPos: -1 }),
    ...{ code: 'EXDEV', kernels: ['6.1'] },
  },
  {
    what: 'an end past every file, of which only xfs heard before 6.8',
    ask: clone('other', 'file', { srcLen: Number.MAX_SAFE_INTEGER }),
    ...{ code: 'EOPNOTSUPP', on: diskless, kernels: ['6.1'] },
  },
  {
    what: 'an end past every file on xfs',
    ask: clone('other', 'file', { srcLen: Number.MAX_SAFE_INTEGER }),
    ...{ code: 'EINVAL', on: ['xfs'] },
  },
];

const dedupe =
  (from: keyof Files, over: object = {}, to: keyof Files = 'file'): Ask =>
  (f) => [
    f[from] as OpenFile,
    'FIDEDUPERANGE',
    {
      ...{ srcPos: 0, srcLen: PAGES(1), dests: [{ fd: f.fd(f[to] as OpenFile), pos: PAGES(1) }] },
      ...over,
    },
  ];

// fs/ioctl.c:ioctl_file_dedupe_range, fs/remap_range.c:vfs_dedupe_file_range.
const dedupes: readonly Row[] = [
  { what: 'two ranges of a file', ask: dedupe('file'), code: 'EOPNOTSUPP', on: diskless },
  { what: 'two ranges of a file on xfs', ask: dedupe('file'), code: '[EOPNOTSUPP]', on: ['xfs'] },
  { what: 'a source not open for reading', ask: dedupe('writing'), code: 'EINVAL' },
  { what: 'a directory', ask: dedupe('dir'), code: 'EISDIR' },
  {
    what: 'a range past the end',
    ask: dedupe('file', { srcPos: PAGES(2) }),
    ...{ code: 'EINVAL', on: ['xfs'] },
  },
  {
    what: 'a range past the end, where nobody looks',
    ask: dedupe('file', { srcPos: PAGES(2) }),
    ...{ code: 'EOPNOTSUPP', on: diskless },
  },
  {
    what: 'more destinations than a page lists',
    ask: dedupe('file', { dests: Array.from({ length: 128 }, () => ({ fd: 0, pos: 0 })) }),
    code: 'ENOMEM',
  },
  {
    what: 'destinations, each with its answer',
    ask: (f) => [
      f.file,
      'FIDEDUPERANGE',
      {
        ...{ srcPos: 0, srcLen: PAGES(1) },
        dests: [
          { fd: 99, pos: 0 },
          { fd: f.fd(f.other), pos: -1 },
          { fd: f.fd(f.elsewhere), pos: 0 },
          { fd: f.fd(f.dir), pos: 0 },
          { fd: f.fd(f.reading), pos: PAGES(1) },
        ],
      },
    ],
    ...{ code: '[EBADF EINVAL EXDEV EISDIR EOPNOTSUPP]', on: ['xfs'] },
  },
  {
    what: 'no bytes, which are the same',
    ask: dedupe('file', { srcLen: 0 }),
    ...{ code: '[same]', on: ['xfs'] },
  },
];

const exchange =
  (one: keyof Files, two: keyof Files, over: object = {}): Ask =>
  (f) => [
    f[two] as OpenFile,
    'XFS_IOC_EXCHANGE_RANGE',
    {
      ...{ file1Fd: f.fd(f[one] as OpenFile), file1Pos: 0, file2Pos: 0, len: PAGES(1) },
      ...over,
    },
  ];

const onXfs = { on: ['xfs'], kernels: since68 } as const;
// fs/xfs/xfs_exchrange.c:xfs_ioc_exchange_range, xfs_exchange_range (6.10); fs/xfs/xfs_ioctl.c,
// fs/ext4/ioctl.c:__ext4_ioctl: ENOTTY for what they do not know; mm/shmem.c has no ioctl.
const exchanges: readonly Row[] = [
  { what: 'on ext4 and tmpfs', ask: exchange('other', 'file'), code: 'ENOTTY', on: diskless },
  {
    what: 'on an xfs before 6.10',
    ask: exchange('other', 'file'),
    ...{ code: 'ENOTTY', on: ['xfs'], kernels: ['6.1'] },
  },
  { what: 'two files', ask: exchange('other', 'file'), code: 'EOPNOTSUPP', ...onXfs },
  {
    what: 'a dry run, as fsx probes',
    ask: exchange('file', 'file', { len: 0, flags: ['dry-run'] }),
    ...{ code: 'EOPNOTSUPP', ...onXfs },
  },
  {
    what: 'a flag that is none, before the descriptor',
    ask: (f) => [
      f.file,
      'XFS_IOC_EXCHANGE_RANGE',
      { file1Fd: 99, file1Pos: 0, file2Pos: 0, len: 0, flags: ['x'] },
    ],
    ...{ code: 'EINVAL', ...onXfs },
  },
  {
    what: 'a bad descriptor',
    ask: exchange('other', 'file', { file1Fd: 99 }),
    ...{ code: 'EBADF', ...onXfs },
  },
  { what: 'another mount', ask: exchange('elsewhere', 'file'), code: 'EXDEV', ...onXfs },
  { what: 'a directory', ask: exchange('dir', 'file'), code: 'EISDIR', ...onXfs },
  { what: 'a file for reading', ask: exchange('other', 'reading'), code: 'EBADF', ...onXfs },
  { what: 'a file for writing', ask: exchange('writing', 'other'), code: 'EBADF', ...onXfs },
  { what: 'a file for appending', ask: exchange('appending', 'other'), code: 'EBADF', ...onXfs },
  {
    what: 'a negative position',
    ask: exchange('other', 'file', { file2Pos: -1 }),
    ...{ code: 'EINVAL', ...onXfs },
  },
  {
    what: 'a negative position that nobody looks at, up to the end',
    ask: exchange('other', 'file', { file2Pos: -1, flags: ['to-eof'] }),
    ...{ code: 'EOPNOTSUPP', ...onXfs },
  },
];

/** The errno, or the answers for the destinations in brackets. */
async function answerOf(f: Files, ask: Ask): Promise<string> {
  const [file, request, arg] = ask(f);
  let answers = '';
  const call = f.app.call(async (c) => {
    const got = (await file.ioctl(c, request, arg)) as { status: string }[];
    answers = `[${got.map((d) => d.status).join(' ')}]`;
  });
  const code = await outcome(call);
  return code === 'ok' ? answers : code;
}

for (const [call, rows] of [
  ['clone', clones],
  ['dedupe', dedupes],
  ['exchange', exchanges],
] as const) {
  for (const { what, ask, code, on = flavors, kernels = kernelNames } of rows) {
    test(`${call}, ${what}: ${code} on ${on.join(', ')}`, async (t) => {
      for (const kernel of kernels) {
        for (const flavor of on) {
          const m = new FsMachine({ kernel });
          const f = await files(m, flavor);
          t.is(await answerOf(f, ask), code, `${flavor}, ${kernel}`);
          t.deepEqual(await f.app.read(f.file, 0, PAGES(3)), new Uint8Array(PAGES(2)).fill(7));
          await m.end(t);
        }
      }
    });
  }
}

test('dedupe into a file of somebody else takes write permission: EPERM for that destination', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('xfs');
  const [root, user] = [m.process('root'), m.process('user', 1000)];
  const theirs = await root.open(fs, '/theirs', ['rdwr', 'creat'], 0o644);
  await root.write(theirs, 0, new Uint8Array(PAGES(1)));
  const own = await user.open(fs, '/own');
  await user.write(own, 0, new Uint8Array(PAGES(1)));
  const reading = await user.open(fs, '/theirs', ['rdonly']);
  const ownReading = await user.open(fs, '/own', ['rdonly']);
  const dests = [reading, ownReading].map((file) => ({ fd: user.fdOf(file), pos: 0 }));
  const arg = { srcPos: 0, srcLen: 4096, dests };
  const got = await user.call((c) => own.ioctl(c, 'FIDEDUPERANGE', arg));
  t.deepEqual(got, [
    { status: 'EPERM', bytesDeduped: 0 },
    { status: 'EOPNOTSUPP', bytesDeduped: 0 },
  ]);
  await m.end(t);
});
