// Goal: a file is what a plain array of bytes would be, whatever is done to it, also after a mount.
// Method: fsx's vocabulary as random commands (fast-check); after each the size and all bytes are
// compared, and the rest of the last page is zero. As fsx does it, clone, dedupe, exchange and
// copy_range are probed at the start and left out where they do not answer (ltp/fsx.c:
// test_clone_range, test_dedupe_range, test_exchange_range, test_copy_range). FSX_OPERATIONS sets
// how many.

import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import type { DaxOption } from '../../lib/fs/dax-mode.js';
import type { FileSystem } from '../../lib/fs/file-system.js';
import { changeFlags } from '../../lib/fs/inode-flags.js';
import type { OpenFile } from '../../lib/fs/open-file.js';
import type { Caller } from '../../lib/mm/caller.js';
import { alignUp } from '../../lib/units.js';
import type { Flavor } from '../../lib/fs/layout-table.js';
import { bytesOf, FsMachine, outcome, PAGES, runs, type TestProcess } from './fs-fixture.js';

const MAX = PAGES(16);
const COMMANDS = 60;
const operations = Number(process.env['FSX_OPERATIONS'] ?? 4800);

const kinds = [
  ...['read', 'write', 'write', 'mapread', 'mapwrite', 'truncate', 'alloc', 'keep_size', 'punch'],
  ...['zero', 'zero_keep_size', 'collapse', 'insert', 'copy_range', 'fsync', 'remount', 'chattr'],
  ...['clone', 'dedupe', 'exchange'],
] as const;
const probed = ['clone', 'dedupe', 'exchange', 'copy_range'] as const;
type Probed = (typeof probed)[number];

const command = fc.record({
  op: fc.constantFrom(...kinds),
  pos: fc.nat(MAX - 1),
  len: fc.integer({ min: 1, max: PAGES(4) }),
  to: fc.nat(MAX - 1),
  byte: fc.integer({ min: 1, max: 255 }),
});
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

interface World {
  readonly m: FsMachine;
  fs: FileSystem;
  app: TestProcess;
  file: OpenFile;
  bytes: Uint8Array;
  /** What answered when it was probed. */
  works: ReadonlySet<Probed>;
}

const PROBES: Readonly<Record<Probed, readonly string[]>> = {
  clone: ['EOPNOTSUPP', 'ENOTTY'],
  dedupe: ['EOPNOTSUPP', 'ENOTTY', 'EINVAL'],
  exchange: ['EOPNOTSUPP', 'ENOTTY'],
  copy_range: ['ENOSYS', 'EOPNOTSUPP', 'ENOTTY'],
};

const ioctl = ({ app, file }: World, request: string, arg: object): Promise<unknown> =>
  app.call((c) => file.ioctl(c, request, arg));

/** Dedupe; its errno, or that of the one destination. */
async function dedupe(w: World, srcPos: number, to: number, srcLen: number): Promise<string> {
  let status = '';
  const dests = [{ fd: w.app.fdOf(w.file), pos: to }];
  const made = ioctl(w, 'FIDEDUPERANGE', { srcPos, srcLen, dests }).then((got) => {
    [{ status }] = got as [{ status: string }];
  });
  const code = await outcome(made);
  return code === 'ok' ? status : code;
}

/** What fsx asks before it begins: it is off where the errno is one of PROBES. */
async function probe(w: World): Promise<Set<Probed>> {
  const fd = w.app.fdOf(w.file);
  await w.app.truncate(w.file, PAGES(2));
  const answers: Record<Probed, string> = {
    clone: await outcome(ioctl(w, 'FICLONERANGE', { srcFd: fd, srcPos: 0, srcLen: 0, destPos: 0 })),
    dedupe: await dedupe(w, 0, PAGES(1), PAGES(1)),
    exchange: await outcome(
      ioctl(w, 'XFS_IOC_EXCHANGE_RANGE', {
        ...{ file1Fd: fd, file1Pos: 0, file2Pos: 0, len: 0, flags: ['dry-run'] },
      }),
    ),
    copy_range: await outcome(w.app.call((c) => w.file.copyFrom(c, w.file, 0, 1, 1))),
  };
  await w.app.truncate(w.file, 0);
  return new Set(probed.filter((op) => !PROBES[op].includes(answers[op])));
}

function resized(bytes: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  out.set(bytes.subarray(0, size));
  return out;
}

/** What the plain array becomes. */
function modelled(bytes: Uint8Array, { op, pos, len, byte }: Command): Uint8Array {
  const end = pos + len;
  if (op === 'truncate') return resized(bytes, pos);
  if (op === 'write') return resized(bytes, Math.max(bytes.length, end)).fill(byte, pos, end);
  if (op === 'mapwrite') return bytes.slice().fill(byte, pos, end);
  if (op === 'alloc') return resized(bytes, Math.max(bytes.length, end));
  if (op === 'zero') return resized(bytes, Math.max(bytes.length, end)).fill(0, pos, end);
  if (op === 'punch' || op === 'zero_keep_size') return bytes.slice().fill(0, pos, end);
  if (op === 'collapse') {
    return Uint8Array.from([...bytes.subarray(0, pos), ...bytes.subarray(end)]);
  }
  if (op === 'insert') {
    return Uint8Array.from([...bytes.subarray(0, pos), ...bytesOf(0, len), ...bytes.subarray(pos)]);
  }
  return bytes;
}

/** The command as the file allows it now; null: it does not. */
function fitted(c: Command, size: number): Command | null {
  const inside = c.op === 'mapread' || c.op === 'mapwrite' || c.op === 'read';
  if (inside && size === 0) return null;
  if (inside) {
    const pos = c.pos % size;
    return { ...c, pos, len: Math.min(c.len, size - pos) };
  }
  if (c.op === 'clone' || c.op === 'dedupe' || c.op === 'exchange') {
    const pages = Math.floor(size / PAGES(1));
    const [from, to] = [c.pos % pages, c.to % pages];
    if (pages < 2 || from === to) return null;
    return { ...c, pos: PAGES(from), to: PAGES(to), len: PAGES(1) };
  }
  if (c.op === 'collapse' || c.op === 'insert') {
    const pages = Math.floor(size / PAGES(1));
    if (pages < 2 || (c.op === 'insert' && size + PAGES(1) > MAX)) return null;
    return { ...c, pos: PAGES(c.pos % (pages - 1)), len: PAGES(1) };
  }
  return { ...c, len: Math.min(c.len, MAX - c.pos) };
}

async function mapped(w: World, c: Command, write: boolean): Promise<Uint8Array> {
  const { app, file } = w;
  const len = alignUp(w.bytes.length);
  const addr = await app.mmap(file, len);
  if (write) await app.store(addr + c.pos, bytesOf(c.byte, c.len));
  const got = await app.load(addr, len);
  await app.munmap(addr, len);
  return got;
}

const placed = (bytes: Uint8Array, part: Uint8Array, to: number): Uint8Array => {
  const out = resized(bytes, Math.max(bytes.length, to + part.length));
  out.set(part, to);
  return out;
};

async function copyRange(t: ExecutionContext, w: World, c: Command): Promise<void> {
  const to = Math.min(c.to, MAX - c.len);
  const part = w.bytes.slice(c.pos, c.pos + c.len);
  if (part.length === 0 || Math.abs(to - c.pos) < part.length) return;
  const copied = await w.app.call((caller) =>
    w.file.copyFrom(caller, w.file, c.pos, to, part.length),
  );
  t.is(copied, part.length);
  w.bytes = placed(w.bytes, part, to);
}

/** clone, dedupe, exchange: whole pages of the file, which do not overlap. */
async function remap(t: ExecutionContext, w: World, { op, pos, to, len }: Command): Promise<void> {
  const [one, two] = [w.bytes.slice(pos, pos + len), w.bytes.slice(to, to + len)];
  const fd = w.app.fdOf(w.file);
  if (op === 'clone') {
    await ioctl(w, 'FICLONERANGE', { srcFd: fd, srcPos: pos, srcLen: len, destPos: to });
    w.bytes = placed(w.bytes, one, to);
  } else if (op === 'exchange') {
    const arg = { file1Fd: fd, file1Pos: pos, file2Pos: to, len };
    await ioctl(w, 'XFS_IOC_EXCHANGE_RANGE', arg);
    w.bytes = placed(placed(w.bytes, one, to), two, pos);
  } else {
    const same = Buffer.compare(one, two) === 0;
    t.is(await dedupe(w, pos, to, len), same ? 'same' : 'differs');
  }
}

async function remount(w: World): Promise<void> {
  if (w.fs.mount.disk === null) return;
  await w.app.close(w.file);
  w.fs = await w.m.remount(w.fs);
  w.file = await w.app.open(w.fs, '/f');
}

/** FS_XFLAG_DAX the other way, and a close: under dax=inode the bytes change their place. */
async function toggleDax(w: World): Promise<void> {
  const { inode } = w.file;
  await w.app.call((caller) => changeFlags(caller, inode, { dax: !inode.record.daxFlag }));
  await w.app.close(w.file);
  w.file = await w.app.open(w.fs, '/f');
}

async function apply(t: ExecutionContext, w: World, c: Command): Promise<void> {
  const { app, file } = w;
  const { op, pos, len } = c;
  if (op === 'remount') return remount(w);
  if (op === 'chattr') return toggleDax(w);
  if (op === 'copy_range') return copyRange(t, w, c);
  if (op === 'clone' || op === 'dedupe' || op === 'exchange') return remap(t, w, c);
  if (op === 'fsync') return app.call((caller) => file.fsync(caller));
  if (op === 'read') {
    t.deepEqual(await app.read(file, pos, len), w.bytes.subarray(pos, pos + len));
  } else if (op === 'mapread' || op === 'mapwrite') {
    const page = await mapped(w, c, op === 'mapwrite');
    w.bytes = modelled(w.bytes, c);
    t.deepEqual(page, resized(w.bytes, page.length), 'the rest of the last page is zero');
  } else {
    if (op === 'write') await app.write(file, pos, bytesOf(c.byte, len));
    else if (op === 'truncate') await app.truncate(file, pos);
    else await app.call((caller) => file.fallocate(caller, op, pos, len));
    w.bytes = modelled(w.bytes, c);
  }
}

async function begin(flavor: Flavor, dax: DaxOption): Promise<World> {
  const m = new FsMachine();
  const fs = await m.make(flavor, { dax });
  const app = m.process();
  const file = await app.open(fs, '/f');
  const w: World = { m, fs, app, file, bytes: new Uint8Array(), works: new Set() };
  return { ...w, works: await probe(w) };
}

const leftOut = (works: ReadonlySet<Probed>, op: Command['op']): boolean =>
  probed.some((p) => p === op && !works.has(p));

async function play(t: ExecutionContext, w: World, commands: readonly Command[]): Promise<void> {
  for (const wanted of commands) {
    const c = leftOut(w.works, wanted.op) ? null : fitted(wanted, w.bytes.length);
    if (c === null) continue;
    await apply(t, w, c);
    t.is(w.file.stat().size, w.bytes.length, c.op);
    t.is(Buffer.compare(await w.app.read(w.file, 0, MAX * 2), w.bytes), 0, JSON.stringify(c));
  }
}

async function replay(
  t: ExecutionContext,
  flavor: 'ext4' | 'xfs',
  dax: DaxOption,
  commands: readonly Command[],
): Promise<void> {
  const w = await begin(flavor, dax);
  const { free } = w.fs.statfs();
  await play(t, w, commands);
  await w.app.close(w.file);
  await w.app.call((caller) => w.fs.unlink(caller, '/f'));
  t.is(w.fs.statfs().free, free, 'every block came back');
  await w.m.end(t);
}

for (const flavor of ['ext4', 'xfs', 'tmpfs'] as const) {
  test(`fsx finds copy_range on ${flavor}, and neither clone, dedupe nor exchange`, async (t) => {
    const w = await begin(flavor, false);
    t.deepEqual([...w.works], ['copy_range']);
    await w.m.end(t);
  });
}

type Answer = (c: Caller, arg: Record<string, number>) => Promise<unknown>;

/** Let the file answer, by copying: what the file systems here cannot do. */
function letAnswer({ file }: World): void {
  const read = async (c: Caller, pos: number, len: number): Promise<Uint8Array> => {
    const target = new Uint8Array(len);
    return target.subarray(0, await file.read(c, pos, target));
  };
  const answers: Record<string, Answer> = {
    FICLONERANGE: async (c, { srcPos, srcLen, destPos }) =>
      file.write(c, destPos!, await read(c, srcPos!, srcLen!)),
    FIDEDUPERANGE: async (c, { srcPos, srcLen, dests }) => {
      const [{ pos }] = dests as unknown as [{ pos: number }];
      const [one, two] = [await read(c, srcPos!, srcLen!), await read(c, pos, srcLen!)];
      return [{ status: Buffer.compare(one, two) === 0 ? 'same' : 'differs' }];
    },
    XFS_IOC_EXCHANGE_RANGE: async (c, { file1Pos, file2Pos, len }) => {
      const [one, two] = [await read(c, file1Pos!, len!), await read(c, file2Pos!, len!)];
      await file.write(c, file1Pos!, two);
      await file.write(c, file2Pos!, one);
    },
  };
  Object.defineProperty(file, 'ioctl', {
    value: (c: Caller, request: string, arg: never) => answers[request]!(c, arg),
  });
}

test('fsx uses clone, dedupe and exchange where they answer', async (t) => {
  const begun = await begin('ext4', false);
  letAnswer(begun);
  const w = { ...begun, works: await probe(begun) };
  t.deepEqual([...w.works], [...probed]);
  const rest = { len: PAGES(2), byte: 7 } as const;
  await play(t, w, [
    { op: 'write', pos: 0, to: 0, ...rest },
    { op: 'write', pos: PAGES(2), to: 0, ...rest, byte: 9 },
    { op: 'clone', pos: 2, to: 1, ...rest },
    { op: 'exchange', pos: 0, to: 3, ...rest },
    { op: 'dedupe', pos: 1, to: 2, ...rest },
    { op: 'dedupe', pos: 0, to: 3, ...rest },
  ]);
  t.is(runs(await w.app.read(w.file, 0, MAX)), '09*12288,07*4096');
  await w.m.end(t);
});

for (const [flavor, dax] of [
  ['ext4', true],
  ['xfs', true],
  ['ext4', 'inode'],
  ['ext4', false],
] as const) {
  test(`fsx: a file on ${flavor}, dax=${dax}, is what an array of bytes is`, async (t) => {
    const numRuns = Math.ceil(operations / 4 / COMMANDS);
    const commands = fc.array(command, { minLength: COMMANDS, maxLength: COMMANDS });
    await fc.assert(
      fc.asyncProperty(commands, (list) => replay(t, flavor, dax, list)),
      { numRuns, interruptAfterTimeLimit: 3_000_000 },
    );
  });
}
