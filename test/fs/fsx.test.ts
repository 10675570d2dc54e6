// Goal: a file is what a plain array of bytes would be, whatever is done to it, also after a mount.
// Method: fsx's vocabulary as random commands (fast-check); after each the size and all bytes are
// compared, and the rest of the last page is zero. FSX_OPERATIONS sets how many.

import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import type { DaxOption } from '../../lib/fs/dax-mode.js';
import type { FileSystem } from '../../lib/fs/file-system.js';
import { changeFlags } from '../../lib/fs/inode-flags.js';
import type { OpenFile } from '../../lib/fs/open-file.js';
import { alignUp } from '../../lib/units.js';
import { bytesOf, FsMachine, PAGES, type TestProcess } from './fs-fixture.js';

const MAX = PAGES(16);
const COMMANDS = 60;
const operations = Number(process.env['FSX_OPERATIONS'] ?? 4800);

const kinds = [
  ...['read', 'write', 'write', 'mapread', 'mapwrite', 'truncate', 'alloc', 'keep_size', 'punch'],
  ...['zero', 'zero_keep_size', 'collapse', 'insert', 'copy_range', 'fsync', 'remount', 'chattr'],
] as const;

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

async function copyRange(w: World, c: Command): Promise<void> {
  const to = Math.min(c.to, MAX - c.len);
  const source = await w.app.read(w.file, c.pos, c.len);
  if (source.length === 0) return;
  await w.app.write(w.file, to, source);
  const wanted = w.bytes.slice(c.pos, c.pos + c.len);
  w.bytes = resized(w.bytes, Math.max(w.bytes.length, to + wanted.length));
  w.bytes.set(wanted, to);
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
  if (op === 'copy_range') return copyRange(w, c);
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

async function replay(
  t: ExecutionContext,
  flavor: 'ext4' | 'xfs',
  dax: DaxOption,
  commands: readonly Command[],
): Promise<void> {
  const m = new FsMachine();
  const fs = await m.make(flavor, { dax });
  const app = m.process();
  const { free } = fs.statfs();
  const w: World = { m, fs, app, file: await app.open(fs, '/f'), bytes: new Uint8Array() };
  for (const wanted of commands) {
    const c = fitted(wanted, w.bytes.length);
    if (c === null) continue;
    await apply(t, w, c);
    t.is(w.file.stat().size, w.bytes.length, c.op);
    t.is(Buffer.compare(await app.read(w.file, 0, MAX * 2), w.bytes), 0, JSON.stringify(c));
  }
  await app.close(w.file);
  await app.call((caller) => w.fs.unlink(caller, '/f'));
  t.is(w.fs.statfs().free, free, 'every block came back');
  await m.end(t);
}

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
