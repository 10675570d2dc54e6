// Goal: advise_mr faults pages in ahead, and refuses each wrong argument by its own errno.

import test from 'ava';
import type { Advice } from '../../../drivers/rdma/advise-mr.js';
import type { MR, VerbsContext } from '../../../drivers/rdma/verbs-context.js';
import { isErrno } from '../../../lib/errno.js';
import { FailNth } from '../../../lib/sched/index.js';
import type { Pfn } from '../../../lib/units.js';
import { type App, pages } from '../../support/driver-machine.js';
import { pair, type RdmaMachine, rdmaMachine, run, withContext } from '../../support/rdma.js';
import type { PD } from '../../../drivers/rdma/verbs-objects.js';

interface Given {
  readonly m: RdmaMachine;
  readonly ctx: VerbsContext;
  readonly app: App;
  readonly pd: PD;
  readonly pd2: PD;
  readonly odp: MR;
  readonly readOnly: MR;
  readonly plain: MR;
}

async function given(fn: (g: Given) => Promise<void>, kernel: '6.12' | 'proposed' = 'proposed') {
  const m = rdmaMachine({ kernel });
  await withContext(m, async (ctx, app) => {
    const [pd, pd2] = [await ctx.allocPD(), await ctx.allocPD()];
    const addr = await app.map(2);
    const plain = await ctx.regMR(pd, addr, pages(2));
    if (kernel === '6.12') return fn({ m, ctx, app, pd, pd2, odp: plain, readOnly: plain, plain });
    const odp = await ctx.regMR(pd, await app.map(2), pages(2), ['local_write', 'on_demand']);
    const readOnly = await ctx.regMR(pd, addr, pages(2), ['on_demand']);
    await fn({ m, ctx, app, pd, pd2, odp, readOnly, plain });
  });
}

const part = (mr: MR, pos = 0, len = 4096) => ({ addr: mr.addr + pos, len, lkey: mr.lkey });

test('prefetched pages need no fault at their first use', (t) =>
  given(async ({ m, ctx, app, pd, odp }) => {
    for (const advice of ['PREFETCH', 'PREFETCH_WRITE'] as const) {
      await app.process.mm.madvise(app.task, odp.addr, pages(2), 'dontneed');
      await ctx.adviseMR(pd, 'PREFETCH_WRITE', advice === 'PREFETCH' ? [] : ['flush'], [
        part(odp, 0, pages(2)),
      ]);
      const p = await pair(ctx, pd);
      const before = m.hca.counters.pageFaults;
      await run(p, { opcode: 'SEND', local: odp });
      t.is(m.hca.counters.pageFaults, before);
    }
    await ctx.adviseMR(pd, 'PREFETCH_NO_FAULT', [], [part(odp)]);
  }));

type Row = readonly [what: string, act: (g: Given) => Promise<void>, code: string];
const rows: readonly Row[] = [
  [
    'an advice that does not exist',
    (g) => g.ctx.adviseMR(g.pd, 'WIPE' as Advice, [], []),
    'EOPNOTSUPP',
  ],
  ['a bad flag', (g) => g.ctx.adviseMR(g.pd, 'PREFETCH', ['loud' as 'flush'], []), 'EINVAL'],
  [
    'past the end',
    (g) => g.ctx.adviseMR(g.pd, 'PREFETCH', [], [part(g.odp, 4096, 4097)]),
    'EFAULT',
  ],
  ['another domain', (g) => g.ctx.adviseMR(g.pd2, 'PREFETCH', [], [part(g.odp)]), 'EPERM'],
  ['a pinned region', (g) => g.ctx.adviseMR(g.pd, 'PREFETCH', [], [part(g.plain)]), 'ENOENT'],
  [
    'a window',
    (g) => g.ctx.adviseMR(g.pd, 'PREFETCH', [], [{ ...part(g.odp), lkey: 0x1000101 }]),
    'EINVAL',
  ],
  [
    'writing what is read-only',
    (g) => g.ctx.adviseMR(g.pd, 'PREFETCH_WRITE', [], [part(g.readOnly)]),
    'EPERM',
  ],
  [
    'what is no longer mapped',
    async (g) => {
      await g.app.process.mm.munmap(g.app.task, g.odp.addr, 4096);
      await g.ctx.adviseMR(g.pd, 'PREFETCH', ['flush'], [part(g.odp)]);
    },
    'EFAULT',
  ],
  [
    'a list for which there is no memory',
    (g) => {
      failAllocation(g, 1);
      return g.ctx.adviseMR(g.pd, 'PREFETCH', ['flush'], [part(g.odp)]);
    },
    'ENOMEM',
  ],
  [
    'what to do in the background, for which there is no memory,',
    (g) => {
      failAllocation(g, 2);
      return g.ctx.adviseMR(g.pd, 'PREFETCH', [], [part(g.odp)]);
    },
    'ENOMEM',
  ],
  [
    'pages that are not to be had, in a machine without free ones,',
    async (g) => {
      await g.app.process.mm.madvise(g.app.task, g.odp.addr, pages(2), 'dontneed');
      takeAllPages(g);
      await g.ctx.adviseMR(g.pd, 'PREFETCH_WRITE', ['flush'], [part(g.odp)]);
    },
    'EFAULT',
  ],
];

/** /proc/self/fail-nth of the application. */
function failAllocation({ app }: Given, nth: number): void {
  app.task.faults = new FailNth();
  app.task.faults.nth = nth;
}

/** Whatever RAM is free is somebody else's now. */
function takeAllPages({ m }: Given): () => void {
  const { allocator } = m.env;
  const taken: Pfn[] = [];
  while (allocator.nrFree > 0) taken.push(allocator.allocPage());
  return () => taken.forEach((pfn) => allocator.freePage(pfn));
}

test('no memory for a call: nothing was brought in, and the next call does it', (t) =>
  given(async (g) => {
    const { app, ctx, m, pd, odp } = g;
    await app.process.mm.madvise(app.task, odp.addr, pages(2), 'dontneed');
    const free = m.env.allocator.nrFree;
    for (const [flags, lacking] of [
      [['flush'], 1],
      [[], 1],
      [[], 2],
    ] as const) {
      failAllocation(g, lacking);
      const advice = () => ctx.adviseMR(pd, 'PREFETCH_WRITE', flags, [part(odp, 0, pages(2))]);
      await t.throwsAsync(advice, { message: /^ENOMEM/ });
      t.is(app.task.faults!.nth, 0);
      await m.sched.clock.sleep(app.task, 1);
      t.is(m.env.allocator.nrFree, free);
    }
    failAllocation(g, 2);
    await ctx.adviseMR(pd, 'PREFETCH_WRITE', ['flush'], [part(odp, 0, pages(2))]);
    t.is(app.task.faults!.nth, 1, 'with flush there is no work to allocate');
    t.is(m.env.allocator.nrFree, free - 2);
  }));

test('in the background nobody is told that there was no page', (t) =>
  given(async (g) => {
    const { app, ctx, m, pd, odp } = g;
    await app.process.mm.madvise(app.task, odp.addr, pages(2), 'dontneed');
    const giveBack = takeAllPages(g);
    await ctx.adviseMR(pd, 'PREFETCH_WRITE', [], [part(odp)]);
    await m.sched.clock.sleep(app.task, 1);
    t.is(m.env.allocator.nrFree, 0);
    giveBack();
    const free = m.env.allocator.nrFree;
    await ctx.adviseMR(pd, 'PREFETCH_WRITE', [], [part(odp)]);
    await m.sched.clock.sleep(app.task, 1);
    t.is(m.env.allocator.nrFree, free - 1);
  }));

for (const [what, act, code] of rows) {
  test(`advice on ${what} is ${code}`, (t) =>
    given(async (g) => {
      const error = await t.throwsAsync(() => act(g));
      t.true(isErrno(error, code as 'EFAULT'), String(error));
    }));
}

test('a device without on-demand paging has no such verb', (t) =>
  given(async ({ ctx, pd, plain }) => {
    await t.throwsAsync(() => ctx.adviseMR(pd, 'PREFETCH', [], [part(plain)]), {
      message: /^EOPNOTSUPP/,
    });
  }, '6.12'));
