// Goal: whatever is done to a file, it reads as a plain array of bytes would, and as much after the
// device was unmounted and mounted again. Method: random operations on both (fsx), every kind.

import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { isErrno } from '../../lib/errno.js';
import { FileSystem } from '../../lib/fs/file-system.js';
import type { FallocMode } from '../../lib/fs/fallocate.js';
import type { OpenFile } from '../../lib/fs/open-file.js';
import { DaxDevice } from '../../lib/mm/dax-device.js';
import { policies } from '../../lib/policy/index.js';
import { bytesOf, FsMachine, MiB, outcome, PAGES, type TestProcess } from './fs-fixture.js';

const MAX = PAGES(12);
const pos = fc.integer({ min: 0, max: MAX - 1 });
const len = fc.integer({ min: 1, max: PAGES(4) });
const byte = fc.integer({ min: 1, max: 255 });
const pages = fc.integer({ min: 0, max: 9 });

const command = fc.oneof(
  fc.record({ op: fc.constantFrom('write' as const, 'mapwrite' as const), pos, len, byte }),
  fc.record({ op: fc.constantFrom('truncate' as const, 'punch' as const), pos, len, byte }),
  fc.record({ op: fc.constantFrom('zero' as const, 'alloc' as const), pos, len, byte }),
  fc.record({ op: fc.constantFrom('keep_size' as const, 'fsync' as const), pos, len, byte }),
  fc.record({
    op: fc.constantFrom('collapse' as const, 'insert' as const),
    pos: pages.map(PAGES),
    len: fc.integer({ min: 1, max: 3 }).map(PAGES),
    byte,
  }),
  fc.record({ op: fc.constant('remount' as const), pos, len, byte }),
);

type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** The file as it ought to be. */
class Shadow {
  bytes: Uint8Array = new Uint8Array(0);

  #resized(size: number): Uint8Array {
    const next = new Uint8Array(size);
    next.set(this.bytes.subarray(0, size));
    return next;
  }

  apply({ op, pos: at, len: n, byte: value }: Command): void {
    const { length } = this.bytes;
    if (op === 'write') {
      this.bytes = this.#resized(Math.max(length, at + n)).fill(value, at, at + n);
    } else if (op === 'mapwrite') this.bytes.fill(value, at, Math.min(length, at + n));
    else if (op === 'truncate') this.bytes = this.#resized(at);
    else if (op === 'punch') this.bytes.fill(0, at, at + n);
    else if (op === 'zero')
      this.bytes = this.#resized(Math.max(length, at + n)).fill(0, at, at + n);
    else if (op === 'alloc') this.bytes = this.#resized(Math.max(length, at + n));
    else if (op === 'collapse' && at + n < length) {
      const next = this.#resized(length - n);
      next.set(this.bytes.subarray(at + n), at);
      this.bytes = next;
    } else if (op === 'insert' && at < length) {
      const next = this.#resized(length + n);
      next.fill(0, at, at + n);
      next.set(this.bytes.subarray(at), at + n);
      this.bytes = next;
    }
  }
}

class Subject {
  readonly m: FsMachine;
  fs: FileSystem;
  app: TestProcess;
  file!: OpenFile;

  constructor(m: FsMachine, fs: FileSystem) {
    this.m = m;
    this.fs = fs;
    this.app = m.process('A');
  }

  async apply({ op, pos: at, len: n, byte: value }: Command): Promise<void> {
    const { app, file } = this;
    const { size } = file.stat();
    if (op === 'write') await app.write(file, at, bytesOf(value, n));
    else if (op === 'truncate') await app.truncate(file, at);
    else if (op === 'fsync') await app.call((c) => file.fsync(c));
    else if (op === 'mapwrite') await this.#mapWrite(at, Math.min(n, size - at), value);
    else if (op === 'remount') await this.#remount();
    else {
      const fits = op === 'collapse' ? at + n < size : op === 'insert' ? at < size : true;
      const call = app.call((c) => file.fallocate(c, op as FallocMode, at, n));
      if (fits) await call;
      else await call.catch(() => {});
    }
  }

  async #mapWrite(at: number, n: number, value: number): Promise<void> {
    if (n <= 0) return;
    const addr = await this.app.mmap(this.file, PAGES(40));
    await this.app.store(addr + at, bytesOf(value, n));
    if (value % 2 === 0) await this.app.munmap(addr, PAGES(40));
  }

  async #remount(): Promise<void> {
    if (this.fs.mount.flavor === 'tmpfs') return;
    await this.app.exit();
    await this.m.sched.settle();
    this.m.processes.clear();
    this.fs = await this.m.remount(this.fs);
    this.app = this.m.process('A');
    this.file = await this.app.open(this.fs, '/f', ['rdwr']);
  }
}

async function blocksAreCounted(t: ExecutionContext, s: Subject): Promise<void> {
  const { free, used, unlinkedOpen, orphaned, busy, blocks } = s.fs.statfs();
  t.is(free + used + unlinkedOpen + orphaned + busy, blocks);
}

const kinds = [
  { flavor: 'ext4', dax: true, runs: 40 },
  { flavor: 'xfs', dax: true, runs: 25 },
  { flavor: 'ext4', dax: false, runs: 40 },
  { flavor: 'tmpfs', dax: false, runs: 25 },
] as const;

for (const { flavor, dax, runs } of kinds) {
  test(`${flavor} (dax ${dax}): a file reads as a plain array of bytes would`, async (t) => {
    const missing = ['zero', 'collapse', 'insert'];
    const list = fc.array(command, { maxLength: 14 });
    await fc.assert(
      fc.asyncProperty(list, async (commands) => {
        const m = new FsMachine({ kernel: '7.2', ramPages: 256, deviceLen: MiB });
        const s = new Subject(m, await m.make(flavor, { dax }));
        s.file = await s.app.open(s.fs, '/f');
        const empty = s.fs.statfs().free;
        const shadow = new Shadow();
        for (const c of commands) {
          if (flavor === 'tmpfs' && missing.includes(c.op)) continue;
          await s.apply(c);
          shadow.apply(c);
          t.is(s.file.stat().size, shadow.bytes.length);
          const got = await s.app.read(s.file, 0, 2 * MAX);
          t.is(Buffer.compare(got, shadow.bytes.subarray(0, 2 * MAX)), 0, `after ${c.op}`);
          await blocksAreCounted(t, s);
        }
        await s.app.truncate(s.file, 0);
        t.is(s.fs.statfs().free, empty, 'every block came back');
        await m.end(t);
      }),
      { numRuns: runs },
    );
  });
}

test('a device is mounted by one machine at a time, and its partitions once each', async (t) => {
  const m = new FsMachine();
  const fs = await m.make('ext4');
  const second = m.mount('ext4');
  t.true(isErrno(await t.throwsAsync(second), 'EBUSY'));
  const busy = FileSystem.mkfs(m.device, { startPos: 0, len: MiB, flavor: 'xfs' });
  t.true(isErrno(await t.throwsAsync(busy), 'EBUSY'));
  await m.unmount(fs);
  await m.mount('ext4');
  await m.end(t);
});

test('what is no file system, or another flavor, is refused', async (t) => {
  const m = new FsMachine();
  t.true(isErrno(await t.throwsAsync(m.mount('ext4')), 'EINVAL'));
  await FileSystem.mkfs(m.device, { startPos: 0, len: MiB, flavor: 'xfs' });
  t.true(isErrno(await t.throwsAsync(m.mount('ext4')), 'EINVAL'));
  t.true(isErrno(await t.throwsAsync(m.mount('tmpfs', { dax: true })), 'EINVAL'));
  const outside = FileSystem.mkfs(m.device, { startPos: MiB, len: 64 * MiB, flavor: 'ext4' });
  t.true(isErrno(await t.throwsAsync(outside), 'EINVAL'));
  const tiny = FileSystem.mkfs(m.device, { startPos: 0, len: PAGES(4), flavor: 'ext4' });
  t.true(isErrno(await t.throwsAsync(tiny), 'EINVAL'));
  await m.mount('xfs');
  await m.end(t);
});

test('an unmount is refused while a file is open or a page is held', async (t) => {
  const m = new FsMachine({ kernel: '6.1' });
  const fs = await m.make('ext4', { dax: true, policy: policies.orphan });
  const app = m.process();
  const file = await app.open(fs, '/f');
  await app.write(file, 0, bytesOf('a', PAGES(2)));
  const open = await t.throwsAsync(m.unmount(fs));
  t.true(isErrno(open, 'EBUSY'));
  t.regex(open!.message, /is open/);
  const addr = await app.mmap(file, PAGES(2));
  const { pipe } = await app.pin(addr, PAGES(2));
  await app.munmap(addr, PAGES(2));
  await app.close(file);
  t.regex((await t.throwsAsync(m.unmount(fs)))!.message, /has pinned pages/);
  await app.call((c) => fs.truncate(c, '/f', 0));
  t.regex((await t.throwsAsync(m.unmount(fs)))!.message, /2 orphaned blocks of inode 2/);
  await app.unpin(pipe);
  await m.sched.settle();
  await m.end(t);
});

test('a device closed without unmounting is mounted again, with everything that was synced', async (t) => {
  const file = `/tmp/leasehold-fs-${process.pid}.img`;
  const device = DaxDevice.open(file, { size: 4 * MiB, create: true });
  const m = new FsMachine({ device });
  const fs = await m.make('ext4', { dax: true });
  const app = m.process();
  const f = await app.open(fs, '/f');
  await app.write(f, 0, 'kept');
  await app.call((c) => f.fsync(c));
  device.close();
  const again = new FsMachine({ device: DaxDevice.open(file) });
  const mounted = await again.mount('ext4', { dax: true });
  const reader = again.process();
  const g = await reader.open(mounted, '/f', ['rdonly']);
  t.deepEqual(await reader.read(g, 0, 10), new TextEncoder().encode('kept'));
  t.is(await outcome(reader.write(g, 0, 'x')), 'EBADF');
  await again.end(t);
  const { rmSync } = await import('node:fs');
  rmSync(file);
});

test('a mount read-only refuses every change with EROFS', async (t) => {
  const m = new FsMachine();
  const made = await m.make('ext4');
  const app = m.process();
  await app.close(await app.open(made, '/f'));
  await m.unmount(made);
  const fs = await FileSystem.mount(m.env, {
    ...{ device: m.device, region: m.mm.pages.regions[1]!, startPos: 0, len: MiB },
    ...{ flavor: 'ext4', dax: false, policy: policies.linux, mountId: 9, readOnly: true },
  });
  m.mounts.push(fs);
  const calls = [
    app.open(fs, '/f', ['rdwr']),
    app.open(fs, '/g'),
    app.call((c) => fs.truncate(c, '/f', 0)),
    app.call((c) => fs.unlink(c, '/f')),
    app.call((c) => fs.mkdir(c, '/d')),
    app.call((c) => fs.rename(c, '/f', '/g')),
    app.call((c) => fs.link(c, '/f', '/g')),
    app.call((c) => fs.chmod(c, '/f', 0)),
  ];
  for (const call of calls) t.is(await outcome(call), 'EROFS');
  await app.close(await app.open(fs, '/f', ['rdonly']));
  await m.end(t);
});
