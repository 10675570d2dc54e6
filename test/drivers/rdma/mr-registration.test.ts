// Goal: reg_mr makes its checks in the kernel's order and undoes everything when one fails (facts
// 5.2). Method: each row breaks the check it names and every later one; the answer is the first
// one's.

import test from 'ava';
import { type AccessFlags } from '../../../drivers/rdma/access.js';
import { CHUNK_PAGES } from '../../../drivers/rdma/umem.js';
import { PD } from '../../../drivers/rdma/verbs-objects.js';
import { isErrno } from '../../../lib/errno.js';
import { type KernelName, kernelNames } from '../../../lib/kernel-rules.js';
import { PAGE_SIZE } from '../../../lib/units.js';
import { assertBalanced } from '../../support/balance.js';
import { pages } from '../../support/driver-machine.js';
import { type ProcessOptions, TestFile } from '../../support/mm-fixture.js';
import { rdmaMachine, withContext } from '../../support/rdma.js';

interface Args {
  readonly addr: number;
  readonly len: number;
  readonly iova?: number;
  readonly access: AccessFlags;
  readonly pd?: PD;
}

type Row = readonly [
  what: string,
  opts: ProcessOptions,
  /** From the address of eight mapped pages, with an unmapped one after them. */
  args: (addr: number) => Args,
  /** One answer, or 6.1 6.12 7.2 proposed. */
  answers: string,
];

const W = ['local_write'] as const;
const gone = new PD(4711);

const rows: readonly Row[] = [
  [
    'iova at another offset, access bad, domain gone',
    { memlock: 0 },
    (addr) => ({ addr, len: 0, iova: addr + 1, access: ['remote_write'], pd: gone }),
    'EINVAL',
  ],
  [
    'access bad, domain gone',
    { memlock: 0 },
    (addr) => ({ addr, len: 0, access: ['remote_write'], pd: gone }),
    'EINVAL',
  ],
  [
    'domain gone, flag the driver lacks',
    { memlock: 0 },
    (addr) => ({ addr, len: 0, access: ['local_write', 'hugetlb'], pd: gone }),
    'ENOENT',
  ],
  [
    'flag the driver lacks, limit zero',
    { memlock: 0 },
    (addr) => ({ addr, len: 0, access: ['local_write', 'hugetlb'] }),
    'EPERM EOPNOTSUPP EOPNOTSUPP EOPNOTSUPP',
  ],
  [
    'range wraps around, limit zero',
    { memlock: 0 },
    () => ({ addr: Number.MAX_SAFE_INTEGER - 4095, len: 8192, access: W }),
    'EINVAL',
  ],
  ['limit zero, no pages', { memlock: 0 }, (addr) => ({ addr, len: 0, access: W }), 'EPERM'],
  ['no pages, limit small', { memlock: 1 }, (addr) => ({ addr, len: 0, access: W }), 'EINVAL'],
  [
    'length zero at an unaligned start',
    {},
    (addr) => ({ addr: addr + 100, len: 0, access: W }),
    'ok',
  ],
  [
    'above the limit, and not mapped',
    { memlock: pages(3) },
    (addr) => ({ addr: addr + pages(6), len: pages(4), access: W }),
    'ENOMEM',
  ],
  [
    'above the limit, but privileged',
    { memlock: pages(3), caps: ['CAP_IPC_LOCK'] },
    (addr) => ({ addr, len: pages(4), access: W }),
    'ok',
  ],
  ['at the limit', { memlock: pages(4) }, (addr) => ({ addr, len: pages(4), access: W }), 'ok'],
  [
    'one byte over a page edge, at a limit of one page',
    { memlock: pages(1) },
    (addr) => ({ addr: addr + PAGE_SIZE - 1, len: 2, access: W }),
    'ENOMEM',
  ],
  [
    'not mapped at the end',
    {},
    (addr) => ({ addr: addr + pages(6), len: pages(4), access: W }),
    'EFAULT',
  ],
];

async function answerOf(kernel: KernelName, opts: ProcessOptions, args: Row[2]): Promise<string> {
  const m = rdmaMachine({ kernel });
  return withContext(
    m,
    async (ctx, app) => {
      const addr = await app.map(8);
      const pd = await ctx.allocPD();
      const a = args(addr);
      let answer = 'ok';
      try {
        await ctx.regMRIova(a.pd ?? pd, a.addr, a.len, a.iova ?? a.addr, a.access);
      } catch (e) {
        if (!isErrno(e)) throw e;
        answer = e.code;
        if (app.process.mm.pinnedVm !== 0 || m.env.pinTable.size !== 0) answer += ' and leaks';
        if (m.hca.regions.size !== 0) answer += ' and keeps a key';
      }
      return answer;
    },
    opts,
  );
}

for (const [what, opts, args, answers] of rows) {
  test(`reg_mr: ${what}: ${answers}`, async (t) => {
    const expected = answers.split(' ');
    for (const [i, kernel] of kernelNames.entries()) {
      t.is(await answerOf(kernel, opts, args), expected[i] ?? expected[0] ?? '', kernel);
    }
  });
}

type ForceRow = readonly [prot: 'rw' | 'r', access: AccessFlags, answers: string];
// An anonymous shared mapping: 6.1 pins even read-only regions for writing, with FOLL_FORCE.
const forced: readonly ForceRow[] = [
  ['rw', [], 'ok ok ok ok'],
  ['rw', W, 'ok ok ok ok'],
  ['r', [], 'EFAULT ok ok ok'],
  ['r', W, 'EFAULT EFAULT EFAULT EFAULT'],
];

for (const [prot, access, answers] of forced) {
  test(`reg_mr of a shared ${prot} mapping for [${access.join()}]: ${answers}`, async (t) => {
    for (const [i, kernel] of kernelNames.entries()) {
      const m = rdmaMachine({ kernel });
      await withContext(m, async (ctx, app) => {
        const addr = await app.map(1, new TestFile(m, 'shmem', PAGE_SIZE), prot);
        const pd = await ctx.allocPD();
        const answer = await ctx.regMR(pd, addr, PAGE_SIZE, access).then(
          () => 'ok',
          (e: unknown) => (isErrno(e) ? e.code : String(e)),
        );
        t.is(answer, answers.split(' ')[i] ?? '', kernel);
      });
    }
  });
}

test('a DAX file is EOPNOTSUPP on a stock kernel, and charges nothing', async (t) => {
  for (const kernel of ['6.1', '6.12', '7.2'] as const) {
    const m = rdmaMachine({ kernel });
    await withContext(m, async (ctx, app) => {
      const addr = await app.map(4, new TestFile(m, 'fsdax', pages(4)));
      const pd = await ctx.allocPD();
      await t.throwsAsync(() => ctx.regMR(pd, addr, pages(4)), { message: /^EOPNOTSUPP/ });
      t.is(app.process.mm.pinnedVm, 0);
    });
  }
});

test('every page touched is charged, per registration, until dereg', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const { mm } = app.process;
    const addr = await app.map(4);
    const pd = await ctx.allocPD();
    const a = await ctx.regMR(pd, addr, pages(4));
    const b = await ctx.regMR(pd, addr + PAGE_SIZE - 1, 2);
    t.is(mm.pinnedVm, 6);
    await mm.munmap(app.task, addr, pages(4));
    t.is(mm.pinnedVm, 6);
    await ctx.deregMR(a);
    t.is(mm.pinnedVm, 2);
    await ctx.deregMR(b);
    t.is(mm.pinnedVm, 0);
    await t.throwsAsync(() => ctx.deregMR(b), { message: /^ENOENT/ });
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('a large region is pinned in chunks and unpinned whole', async (t) => {
  const m = rdmaMachine({ ramPages: 1300 });
  await withContext(m, async (ctx, app) => {
    const addr = await app.map(CHUNK_PAGES * 2 + 3);
    const pd = await ctx.allocPD();
    const mr = await ctx.regMR(pd, addr + 5, pages(CHUNK_PAGES * 2));
    t.deepEqual(
      [...m.env.pinTable].map((p) => p.nrPages),
      [CHUNK_PAGES, CHUNK_PAGES, 1],
    );
    await app.fill(addr, 16, 0);
    await ctx.deregMR(mr);
    const hole = addr + pages(CHUNK_PAGES + 7);
    await app.process.mm.munmap(app.task, hole, PAGE_SIZE);
    const all = pages(CHUNK_PAGES * 2);
    await t.throwsAsync(() => ctx.regMR(pd, addr, all), { message: /^EFAULT/ });
    t.is(m.env.pinTable.size, 0);
    t.is(app.process.mm.pinnedVm, 0);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('a registration may take a layout lease and hear of its break', async (t) => {
  let broken: (() => void) | undefined;
  let released = 0;
  const m = rdmaMachine({
    layout: {
      takeLayoutLease(_caller, { onBreak }) {
        broken = onBreak;
        return Promise.resolve({ label: 'lease', held: true, release: () => void released++ });
      },
      blockLayout: () => Promise.reject(new Error('not asked')),
    },
  });
  await withContext(m, async (ctx, app) => {
    const addr = await app.map(2);
    const pd = await ctx.allocPD();
    const mr = await ctx.regMRLease(pd, addr, pages(2), W);
    broken!();
    t.deepEqual(await ctx.getAsyncEvent(), { type: 'MR_LEASE_BREAK', element: mr.handle });
    await ctx.returnMR(mr);
    t.is((await ctx.queryMR(mr)).state, 'REVOKED');
    t.is(app.process.mm.pinnedVm, 0);
    t.is(released, 1);
    await t.throwsAsync(() => ctx.regMRLease(pd, 4096, 1, W), { message: /^EFAULT/ });
    t.is(released, 2, 'the lease of a registration that failed is given back');
  });
  const stock = rdmaMachine({ kernel: '7.2' });
  await withContext(stock, async (ctx) => {
    const pd = await ctx.allocPD();
    await t.throwsAsync(() => ctx.regMRLease(pd, 4096, 1, W), { message: /^EOPNOTSUPP/ });
  });
});
