// Goal: a layout change waits for exactly those references that the kernel waits for, and a policy
// may answer otherwise. Method: recorded cases of three kernels, a matrix of operation × flavor
// × kernel under a short pin, and every verdict once.

import test from 'ava';
import { Errno } from '../../lib/errno.js';
import type { FallocMode } from '../../lib/fs/fallocate.js';
import type { FileSystem } from '../../lib/fs/file-system.js';
import { kernelNames, type KernelName } from '../../lib/kernel-rules.js';
import type { BusyVerdict, LayoutPolicy } from '../../lib/lease/layout.js';
import { pinUserPages, type PinnedPages } from '../../lib/mm/gup.js';
import { policies } from '../../lib/policy/index.js';
import { seconds } from '../../lib/units.js';
import { bytesOf, FsMachine, ms, outcome, PAGES, runs, type TestProcess } from './fs-fixture.js';
import { answers, playable, recorded } from './recorded.js';

for (const name of ['daxpin', 'fuzz-daxpin']) {
  test(`recorded cases of ${name} that need no device answer as three kernels did`, async (t) => {
    for (const c of recorded(name).filter(playable)) {
      for (const kernel of ['6.1', '6.12', '7.2'] as const) {
        const got = (await answers(c, kernel)).map(String);
        t.deepEqual(got, c.linux[kernel].map(String), `${c.id} on ${kernel}`);
      }
    }
  });
}

interface Scene {
  readonly m: FsMachine;
  readonly fs: FileSystem;
  readonly app: TestProcess;
  readonly file: Awaited<ReturnType<TestProcess['open']>>;
  readonly addr: number;
}

async function scene(
  flavor: 'ext4' | 'xfs' | 'tmpfs',
  kernel: KernelName,
  opts: { dax?: boolean; policy?: LayoutPolicy } = {},
): Promise<Scene> {
  const m = new FsMachine({ kernel });
  const fs = await m.make(flavor, { dax: flavor !== 'tmpfs', ...opts });
  const app = m.process('A');
  const file = await app.open(fs, '/f');
  await app.write(file, 0, bytesOf('Z', PAGES(16)));
  const addr = await app.mmap(file, PAGES(16));
  return { m, fs, app, file, addr };
}

type Action = (s: Scene) => Promise<unknown>;

const falloc =
  (mode: FallocMode): Action =>
  ({ app, file }) =>
    app.call((c) => file.fallocate(c, mode, PAGES(8), PAGES(4)));

const actions: Readonly<Record<string, Action>> = {
  'truncate to 0': ({ app, file }) => app.truncate(file, 0),
  'truncate to the same size': ({ app, file }) => app.truncate(file, PAGES(16)),
  extend: ({ app, file }) => app.truncate(file, PAGES(32)),
  'truncate by path': ({ app, fs }) => app.call((c) => fs.truncate(c, '/f', 0)),
  'open with O_TRUNC': ({ app, fs }) => app.open(fs, '/f', ['rdwr', 'trunc']),
  punch: falloc('punch'),
  zero: falloc('zero'),
  collapse: falloc('collapse'),
  insert: falloc('insert'),
  alloc: falloc('alloc'),
  keep_size: falloc('keep_size'),
  write: ({ app, file }) => app.write(file, PAGES(2), bytesOf('y', PAGES(1))),
  append: ({ app, file }) => app.write(file, PAGES(16), bytesOf('y', PAGES(1))),
  unlink: ({ app, fs }) => app.call((c) => fs.unlink(c, '/f')),
  rename: ({ app, fs }) => app.call((c) => fs.rename(c, '/f', '/g')),
  fsync: ({ app, file }) => app.call((c) => file.fsync(c)),
};

/** Operations that wait for a pinned page of the file, wherever it is (facts 3.3). */
const waits: Readonly<Record<'ext4' | 'xfs' | 'tmpfs', readonly string[]>> = {
  ext4: [
    ...['truncate to 0', 'truncate to the same size', 'extend', 'truncate by path'],
    ...['open with O_TRUNC', 'punch', 'zero', 'collapse', 'insert'],
  ],
  xfs: [
    ...['truncate to 0', 'truncate to the same size', 'extend', 'truncate by path'],
    ...['open with O_TRUNC', 'punch', 'zero', 'collapse', 'insert', 'alloc', 'keep_size'],
  ],
  tmpfs: [],
};
const absentOnTmpfs = ['zero', 'collapse', 'insert'];

for (const flavor of ['ext4', 'xfs', 'tmpfs'] as const) {
  for (const kernel of ['6.1', '6.12', '7.2'] as const) {
    test(`${flavor} on ${kernel} waits in exactly the operations of facts 3.3`, async (t) => {
      for (const [name, action] of Object.entries(actions)) {
        if (flavor === 'tmpfs' && absentOnTmpfs.includes(name)) continue;
        const s = await scene(flavor, kernel);
        const { pipe } = await s.app.pin(s.addr + PAGES(2), PAGES(1));
        const call = action(s);
        const blocked = await s.m.blocks(call);
        t.is(blocked, waits[flavor].includes(name), `${name} waits`);
        t.is(runs(await s.app.unpin(pipe)), name === 'write' ? '79*4096' : '5a*4096', name);
        t.false(await s.m.blocks(call), `${name} ends`);
        t.is(await outcome(call), 'ok', name);
        await s.m.end(t);
      }
    });
  }
}

// Names too: fs/namei.c:vfs_rename and vfs_unlink take i_rwsem of the file.
test('while a truncate waits, faults and pins proceed; reads, writes and names queue', async (t) => {
  const s = await scene('ext4', '6.1');
  const { app, file, addr, m, fs } = s;
  const { pipe } = await app.pin(addr + PAGES(2), PAGES(1));
  const truncate = app.truncate(file, 0);
  t.true(await m.blocks(truncate));
  t.is(runs(await app.load(addr, 16)), '5a*16');
  await app.store(addr + PAGES(9), bytesOf('s', 4));
  t.is((await app.pin(addr + PAGES(4), PAGES(1))).len, PAGES(1));
  t.is(file.stat().size, PAGES(16));
  const other = await app.open(fs, '/f', ['rdonly']);
  await app.call((c) => file.fsync(c));
  await app.close(other);
  const queued = [
    app.read(file, 0, 16),
    app.write(file, 0, bytesOf('w', 4)),
    app.call((c) => file.fallocate(c, 'keep_size', 0, PAGES(1))),
    app.truncate(file, PAGES(1)),
    app.call((c) => fs.rename(c, '/f', '/g')),
    app.call((c) => fs.unlink(c, '/g')),
  ];
  for (const call of queued) t.true(await m.blocks(call, 0));
  for (const held of [...app.pipes]) await app.unpin(held);
  t.false(app.pipes.has(pipe));
  for (const call of [truncate, ...queued]) t.false(await m.blocks(call));
  t.is(file.stat().size, PAGES(1));
  await m.end(t);
});

test('a signal ends the wait with EINTR and nothing was changed', async (t) => {
  for (const kind of ['signal', 'kill'] as const) {
    const { app, file, addr, m, fs } = await scene('xfs', '6.12');
    const { pipe } = await app.pin(addr, PAGES(1));
    const before = fs.statfs();
    let waiting: { interrupt(kind: 'signal' | 'kill'): void } | null = null;
    const call = app.call(
      (c) => file.ftruncate(c, 0),
      (task) => (waiting = task),
    );
    t.true(await m.blocks(call));
    waiting!.interrupt(kind);
    t.is(await outcome(call), 'EINTR');
    t.is(file.stat().size, PAGES(16));
    t.deepEqual(fs.statfs(), before);
    t.is(runs(await app.read(file, 0, PAGES(16))), '5a*65536');
    await app.unpin(pipe);
    await m.end(t);
  }
});

test('with scope range only what moves or goes is waited for', async (t) => {
  const policy: LayoutPolicy = { ...policies.wait, scope: 'range' };
  const cases: readonly (readonly [string, number, boolean])[] = [
    ['extend', 2, false],
    ['truncate to the same size', 15, false],
    ['alloc', 9, false],
    ['punch', 7, false],
    ['punch', 8, true],
    ['punch', 12, false],
    ['collapse', 7, false],
    ['collapse', 15, true],
    ['insert', 15, true],
    ['truncate to 0', 0, true],
  ];
  for (const [name, page, blocks] of cases) {
    for (const flavor of ['ext4', 'xfs'] as const) {
      const s = await scene(flavor, '6.12', { policy });
      const { pipe } = await s.app.pin(s.addr + PAGES(page), PAGES(1));
      const call = actions[name]!(s);
      t.is(await s.m.blocks(call), blocks, `${flavor}: ${name} under a pin of page ${page}`);
      await s.app.unpin(pipe);
      await call;
      await s.m.end(t);
    }
  }
});

/** A policy that lets long pins in and answers one verdict after the other. */
function answering(verdicts: readonly BusyVerdict[]): LayoutPolicy {
  let next = 0;
  return {
    ...policies.wait,
    name: 'answering',
    onBusy: () => verdicts[Math.min(next++, verdicts.length - 1)]!,
  };
}

function longPin(s: Scene, page: number, nr = 1, revoke?: () => void): Promise<PinnedPages> {
  const { app, m, addr } = s;
  return app.call(({ task }) =>
    pinUserPages(task, m.mm, {
      mm: app.mm,
      addr: addr + PAGES(page),
      len: PAGES(nr),
      access: 'write',
      origin: { process: app, device: 'dev0', deviceFile: '/dev/dev0', dataFile: '/f' },
      longterm: true,
      async revoke(pins) {
        revoke?.();
        pins.unpin();
      },
    }),
  );
}

test('fail ends the change at once with the errno, the pages and who holds them', async (t) => {
  const s = await scene('ext4', '7.2', { policy: answering([{ do: 'fail', errno: 'EBUSY' }]) });
  const pins = await longPin(s, 3, 2);
  const before = s.fs.statfs();
  const e = await t.throwsAsync(s.app.truncate(s.file, 0), { instanceOf: Errno });
  t.is(e.code, 'EBUSY');
  t.regex(e.message, /truncate: 2 pages of .* are pinned by dev0/);
  t.is(s.file.stat().size, PAGES(16));
  t.deepEqual(s.fs.statfs(), before);
  pins.unpin();
  await s.m.end(t);
});

test('revoke takes pins back with invalidate_lock dropped, and the change goes on', async (t) => {
  const s = await scene('ext4', '7.2', { policy: answering([{ do: 'revoke' }]) });
  let faults = 0;
  const pins = await longPin(s, 0, 1, () => {
    const held = s.file.inode.mapping.invalidateLock.holders;
    t.is(held.length, 0, 'invalidate_lock is free while a driver fences');
    faults += 1;
  });
  await s.app.truncate(s.file, 0);
  t.is(faults, 1);
  t.is(pins.state, 'GONE');
  t.is(s.file.stat().size, 0);
  await s.m.end(t);
});

test('wait until a time asks the policy again when it has come', async (t) => {
  const policy = answering([
    { do: 'wait', untilNs: seconds(2) },
    { do: 'fail', errno: 'ETXTBSY' },
  ]);
  const s = await scene('xfs', '7.2', { policy });
  const pins = await longPin(s, 1);
  const call = s.app.truncate(s.file, 0);
  t.true(await s.m.blocks(call, seconds(2) - 1));
  t.false(await s.m.blocks(call, 1));
  t.is(await outcome(call), 'ETXTBSY');
  pins.unpin();
  await s.m.end(t);
});

test('a signal reaches the pinner once, and nothing is freed because it was sent', async (t) => {
  const policy = answering([
    { do: 'signal', sig: 'SIGBUS', whom: 'pinner', untilNs: seconds(1) },
    { do: 'wait' },
  ]);
  const s = await scene('ext4', '7.2', { policy });
  const pins = await longPin(s, 1);
  const call = s.app.truncate(s.file, 0);
  t.true(await s.m.blocks(call, seconds(5)));
  t.deepEqual(s.app.signals, ['SIGBUS']);
  t.is(s.file.stat().size, PAGES(16));
  pins.unpin();
  t.false(await s.m.blocks(call));
  await s.m.end(t);
});

test('every mapper is signalled once, however many mappings it has', async (t) => {
  const policy = answering([
    { do: 'signal', sig: 'SIGBUS', whom: 'mapper', untilNs: seconds(1) },
    { do: 'wait' },
  ]);
  const s = await scene('ext4', '7.2', { policy });
  const b = s.m.process('B');
  await s.app.mmap(s.file, PAGES(1));
  const theirs = await b.open(s.fs, '/f');
  await b.mmap(theirs, PAGES(4));
  const pins = await longPin(s, 1);
  const call = s.app.truncate(s.file, 0);
  t.true(await s.m.blocks(call));
  t.deepEqual([s.app.signals, b.signals], [['SIGBUS'], ['SIGBUS']]);
  pins.unpin();
  t.false(await s.m.blocks(call));
  await s.m.end(t);
});

test('beforeChange runs with no lock held, and its refusal changes nothing', async (t) => {
  for (const flavor of ['ext4', 'xfs'] as const) {
    let asked = '';
    const policy: LayoutPolicy = {
      ...policies.wait,
      async beforeChange(c) {
        asked += `${c.op} [${c.start}, ${c.end}) `;
        t.is(c.task.held.length, 0);
        if (c.op !== 'write') throw new Errno('EPERM', 'the layout is fixed');
      },
    };
    const s = await scene(flavor, '7.2', { policy });
    t.is(asked, 'write [0, 16) ');
    const before = s.fs.statfs();
    t.is(await outcome(s.app.truncate(s.file, PAGES(3) + 1)), 'EPERM');
    t.is(await outcome(actions['punch']!(s)), 'EPERM');
    t.is(asked, 'write [0, 16) truncate [3, Infinity) punch [8, 12) ');
    t.deepEqual(s.fs.statfs(), before);
    await s.m.end(t);
  }
});

test('xfs breaks layout leases after the pages; ext4 knows none', async (t) => {
  for (const flavor of ['ext4', 'xfs'] as const) {
    const policy: LayoutPolicy = {
      ...policies.linux,
      rules: { userLayoutLeases: true },
    };
    const s = await scene(flavor, '6.12', { policy });
    const holder = await s.app.open(s.fs, '/f', ['rdonly']);
    await s.app.call((c) => holder.setLease(c, 'F_LAYOUT', 3));
    const { pipe } = await s.app.pin(s.addr, PAGES(1));
    const call = s.app.truncate(s.file, 0);
    t.true(await s.m.blocks(call));
    t.deepEqual(s.app.signals, [], 'no lease is asked while a page is busy');
    await s.app.unpin(pipe);
    t.is(await s.m.blocks(call), flavor === 'xfs');
    t.deepEqual(s.app.signals, flavor === 'xfs' ? ['SIGIO'] : []);
    await s.app.call((c) => holder.setLease(c, 'F_UNLCK', 3));
    t.false(await s.m.blocks(call));
    await s.m.end(t);
  }
});

test('a write on xfs breaks layout leases only; EAGAIN has begun the break', async (t) => {
  const policy: LayoutPolicy = { ...policies.linux, rules: { userLayoutLeases: true } };
  const s = await scene('xfs', '6.12', { policy });
  const holder = await s.app.open(s.fs, '/f', ['rdonly']);
  await s.app.call((c) => holder.setLease(c, 'F_LAYOUT', 3));
  const { pipe } = await s.app.pin(s.addr, PAGES(1));
  s.file.nonblock = true;
  t.is(await outcome(s.app.write(s.file, 0, 'x')), 'EAGAIN');
  t.deepEqual(s.app.signals, ['SIGIO']);
  await s.app.call((c) => holder.setLease(c, 'F_UNLCK', 3));
  t.is(await s.app.write(s.file, 0, 'x'), 1, 'a pinned page does not hold a write up');
  await s.app.unpin(pipe);
  await s.m.end(t);
});

test('a change under every kernel is woken by the last of several references', async (t) => {
  for (const kernel of kernelNames) {
    const s = await scene('ext4', kernel, { policy: policies.wait });
    const first = await s.app.pin(s.addr + PAGES(5), PAGES(2));
    const second = await s.app.pin(s.addr + PAGES(6), PAGES(1));
    const call = s.app.truncate(s.file, 0);
    t.true(await s.m.blocks(call));
    await s.app.unpin(first.pipe);
    t.true(await s.m.blocks(call), `${kernel}: one reference is left`);
    await s.app.unpin(second.pipe);
    t.false(await s.m.blocks(call, ms(1)), kernel);
    await s.m.end(t);
  }
});
