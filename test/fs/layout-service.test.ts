// Goal: a registration holds a layout lease like an application does; a server's layout names the
// blocks that the file has, and nobody changes them before the server has given it back.

import test from 'ava';
import rdma from '../../drivers/rdma/index.js';
import { FileLayouts, type HeldBlocks, type LeaseRequest } from '../../lib/fs/layout-service.js';
import type { OpenFile } from '../../lib/fs/open-file.js';
import { Errno } from '../../lib/errno.js';
import { policies } from '../../lib/policy/index.js';
import type { Task } from '../../lib/sched/index.js';
import { seconds } from '../../lib/units.js';
import { bytesOf, FsMachine, KiB, MiB, outcome, PAGES, type TestProcess } from './fs-fixture.js';
import { balancedMachine } from '../support/machine.js';

interface Stage {
  readonly m: FsMachine;
  readonly a: TestProcess;
  readonly b: TestProcess;
  readonly file: OpenFile;
  readonly layouts: FileLayouts;
}

async function stage(
  flavor: 'ext4' | 'xfs',
  policy: keyof typeof policies,
  dax = true,
): Promise<Stage> {
  const m = new FsMachine({ kernel: 'proposed' });
  const fs = await m.make(flavor, { dax, policy: policies[policy] });
  const a = m.process('A');
  const file = await a.open(fs, '/data');
  await a.write(file, 0, bytesOf(1, PAGES(4)));
  const layouts = new FileLayouts({
    sched: m.sched,
    fileOf: (_process, fd) => {
      if (fd !== 3) throw new Errno('EBADF', `fd ${fd}`);
      return file;
    },
  });
  return { m, a, b: m.process('B'), file, layouts };
}

/** A layout lease on the mapped file, and how often its holder was told. */
async function lease({ a, file, layouts }: Stage, request: Partial<LeaseRequest> = {}) {
  const addr = await a.mmap(file, PAGES(4));
  const told: number[] = [];
  const onBreak = () => void told.push(a.m.sched.clock.nowNs);
  const full = { addr, len: PAGES(4), onBreak, ...request };
  const held = await a.call((caller) => layouts.takeLayoutLease(caller, full));
  return { held, told, addr };
}

const truncate = ({ b, file }: Stage, len = 0) => b.call((caller) => file.ftruncate(caller, len));

test('a break tells the registration once, and release() ends it', async (t) => {
  const s = await stage('ext4', 'lease-break');
  const { held, told } = await lease(s);
  t.true(held.held);
  const cuts = [truncate(s), s.m.process('C').call((c) => s.file.ftruncate(c, 1))];
  t.true(await s.m.blocks(cuts[0]!, seconds(10)));
  t.deepEqual(told, [0]);
  t.true(held.held, 'asked, not taken');
  held.release();
  await s.m.sched.settle();
  await Promise.all(cuts);
  t.is(s.m.sched.clock.nowNs, seconds(10));
  t.false(held.held);
  held.release();
  await s.m.end(t);
});

test('after lease-break-time the lease is gone', async (t) => {
  const s = await stage('ext4', 'lease-break');
  const { held } = await lease(s);
  const cut = truncate(s);
  t.true(await s.m.sched.runUntil(cut, seconds(50)));
  t.is(s.m.sched.clock.nowNs, seconds(45));
  t.false(held.held);
  await s.m.end(t);
});

test('the lease keeps the file, closed, unmapped and unlinked, until release()', async (t) => {
  const s = await stage('ext4', 'lease-break');
  const { held, addr } = await lease(s);
  const { inode } = s.file;
  await s.a.munmap(addr, PAGES(4));
  await s.a.close(s.file);
  const fs = s.m.mounts[0]!;
  await s.b.call((caller) => fs.unlink(caller, '/data'));
  const { free } = fs.statfs();
  t.true(held.held);
  t.is(inode.refs, 1);
  held.release();
  await s.m.sched.settle();
  t.is(inode.refs, 0);
  t.is(fs.statfs().free, free + 4);
  await s.m.end(t);
});

test('it is a lease of the process, for policies that ask for one', async (t) => {
  const s = await stage('ext4', 'lease-required');
  const { held } = await lease(s);
  const [found] = s.file.inode.leases.layoutLeases();
  t.is(found?.pid, s.a.pid);
  t.is(found?.manager, null);
  held.release();
  await s.m.end(t);
});

test('without file, mapping or such leases it is refused, and nothing is held', async (t) => {
  const s = await stage('ext4', 'lease-break');
  const anon = await s.a.mmap(null, PAGES(1), { share: 'private' });
  t.is(await outcome(lease(s, { addr: anon, len: 1 })), 'EINVAL');
  t.is(await outcome(lease(s, { addr: 4096, len: 1 })), 'EFAULT');
  s.m.leaseSettings.enabled = false;
  t.is(await outcome(lease(s)), 'EINVAL');
  t.is(s.file.inode.leases.leases.length, 0);
  await s.m.end(t);
  const m = new FsMachine({ kernel: '6.12' });
  const fs = await m.make('ext4', { dax: true });
  const a = m.process('A');
  const file = await a.open(fs, '/data');
  t.is(await outcome(lease({ ...s, m, a, file })), 'EOPNOTSUPP');
  await m.end(t);
});

// -- block layouts --

interface Recall {
  /** When it was asked for. */
  at: number | null;
  returned: boolean;
}

async function blocks(s: Stage, request: { access?: 'read' | 'write'; len?: number } = {}) {
  const recall: Recall = { at: null, returned: false };
  const onRecall = async (task: Task) => {
    recall.at = s.m.sched.clock.nowNs;
    await s.m.sched.clock.sleep(task, seconds(30));
    recall.returned = true;
  };
  const full = { fd: 3, pos: 0, len: PAGES(4), access: 'write' as const, onRecall, ...request };
  const held: HeldBlocks = await s.a.call((caller) => s.layouts.blockLayout(caller, full));
  return { held, recall };
}

test('extents are the blocks of the file', async (t) => {
  const s = await stage('xfs', 'linux');
  const { held } = await blocks(s, { len: MiB });
  const { partition } = s.file.inode.fs.disk!;
  const pfns = held.extents.flatMap((e) =>
    Array.from({ length: e.len / PAGES(1) }, (_, i) => e.pfn + i),
  );
  const { extents } = s.file.inode;
  t.deepEqual(
    pfns,
    [0, 1, 2, 3].map((pgoff) => partition.pfnOf(extents.blockOf(pgoff)!)),
  );
  held.release();
  await s.m.end(t);
});

for (const [flavor, policy] of [
  ['xfs', 'linux'],
  ['xfs', 'none'],
  ['ext4', 'recall-fence'],
  ['ext4', 'lease-break'],
] as const) {
  test(`${flavor}, ${policy}: a truncate recalls once and waits without a limit`, async (t) => {
    const s = await stage(flavor, policy);
    const { recall } = await blocks(s);
    const cut = truncate(s);
    t.true(await s.m.blocks(cut, seconds(29)));
    t.is(s.file.inode.size(), PAGES(4), 'nothing was changed yet');
    t.is(recall.at, 0);
    t.true(await s.m.sched.runUntil(cut, seconds(100)));
    t.true(recall.returned);
    t.is(s.m.sched.clock.nowNs, seconds(30));
    t.is(s.file.inode.leases.leases.length, 0);
    await s.m.end(t);
  });
}

test('a layout asked for while another is recalled is EAGAIN', async (t) => {
  const s = await stage('xfs', 'linux');
  await blocks(s);
  const cut = truncate(s, PAGES(2));
  t.true(await s.m.blocks(cut, 1));
  t.is(await outcome(blocks(s)), 'EAGAIN');
  t.true(await s.m.sched.runUntil(cut, seconds(60)));
  const { held } = await blocks(s);
  t.is(
    held.extents.reduce((n, e) => n + e.len, 0),
    PAGES(2),
  );
  held.release();
  await s.m.end(t);
});

test('nobody else may have a page cache over the blocks', async (t) => {
  const s = await stage('xfs', 'linux', false);
  t.is(await outcome(blocks(s)), 'EOPNOTSUPP');
  t.is(s.file.inode.leases.leases.length, 0);
  await s.m.end(t);
});

// -- the whole way, through a driver --

interface Verbs {
  allocPD(): Promise<unknown>;
  regMRLease(pd: unknown, addr: number, len: number, a: readonly string[]): Promise<unknown>;
  returnMR(mr: unknown): Promise<void>;
  getAsyncEvent(): Promise<{ readonly type: string }>;
}

test('a program that registers with a lease is told, and lets truncate go on', async (t) => {
  await using machine = await balancedMachine(t, {
    size: 16 * MiB,
    kernel: 'proposed',
    mounts: { '/': { flavor: 'ext4', dax: true, policy: 'lease-break' } },
    drivers: [rdma],
    clock: 'virtual',
  });
  const app = machine.spawn('app');
  const len = 64 * KiB;
  const fd = await app.open('/data', ['rdwr', 'creat']);
  await app.write(fd, 0, new Uint8Array(len));
  const addr = await app.mmap({ fd, len });
  const ctx = (await app.openDevice('rdma0')) as unknown as Verbs;
  const mr = await ctx.regMRLease(await ctx.allocPD(), addr, len, ['local_write']);
  const told = ctx.getAsyncEvent();
  const cut = machine.spawn('admin').truncate('/data', 0);
  t.is((await told).type, 'MR_LEASE_BREAK');
  await ctx.returnMR(mr);
  await cut;
  t.is(machine.clock.nowNs, 0);
  t.is((await app.fstat(fd)).size, 0);
});
