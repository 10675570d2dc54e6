// Goal: the rows of rdma-core's test_odp.py (judges 2.2) that odp-umem.test.ts does not have:
//   datagrams, prefetching in the foreground and in the background, ibv_reg_mr_ex.
//   Not built: ATOMIC_WRITE, FLUSH, XRC, huge pages.

import test from 'ava';
import type { Advice } from '../../../drivers/rdma/advise-mr.js';
import type { MR, PD, VerbsContext } from '../../../drivers/rdma/verbs-context.js';
import { assertBalanced } from '../../support/balance.js';
import { type App, pages } from '../../support/driver-machine.js';
import {
  completion,
  onDemand,
  pair,
  type Pair,
  type RdmaMachine,
  rdmaMachine,
  recv,
  run,
  withContext,
} from '../../support/rdma.js';

interface Given {
  readonly m: RdmaMachine;
  readonly ctx: VerbsContext;
  readonly app: App;
  readonly pd: PD;
  /** Two pages each, mapped and not yet touched. */
  readonly addrs: readonly [number, number];
}

async function given(fn: (g: Given) => Promise<void>): Promise<RdmaMachine> {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    await fn({ m, ctx, app, pd, addrs: [await app.map(2), await app.map(2)] });
  });
  return m;
}

const drop = (app: App, addr: number): Promise<void> =>
  app.process.mm.madvise(app.task, addr, pages(2), 'dontneed');

/** One SEND of 1024 bytes; the content must arrive. */
async function traffic(p: Pair, app: App, from: MR, to: MR, at: { from: number; to: number }) {
  await app.fill(at.from, 1024, 0x63);
  await recv(p, to, at.to - to.addr, 1024);
  const sent = await run(p, {
    opcode: 'SEND',
    local: from,
    localPos: at.from - from.addr,
    len: 1024,
  });
  const received = await completion(p, 1);
  const bytes = await app.load(at.to, 1024);
  return [sent, received, bytes.every((byte) => byte === 0x63)];
}

const good = ['SUCCESS', 'SUCCESS', true];

test('ud: the sender pages are faulted back in before every datagram', async (t) => {
  const m = await given(async ({ m: machine, ctx, app, pd, addrs: [src, dst] }) => {
    const from = await ctx.regMR(pd, src, pages(2), onDemand);
    const to = await ctx.regMR(pd, dst, pages(2));
    const p = await pair(ctx, pd, { type: 'UD' });
    const ah = await ctx.createAH(pd, { dgid: (await ctx.queryDevice()).gid });
    const more = { ah: ah.handle, remoteQPN: p.qps[1].qpNum, remoteQkey: 0x1111 };
    for (let i = 0; i < 100; i++) {
      await drop(app, src);
      const before = machine.hca.counters.pageFaults;
      await recv(p, to, 0, 1064);
      t.is(await run(p, { opcode: 'SEND', local: from, len: 1024, more }), 'SUCCESS');
      t.is(await completion(p, 1), 'SUCCESS');
      t.true(machine.hca.counters.pageFaults > before);
    }
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

for (const advice of ['PREFETCH', 'PREFETCH_WRITE'] as const) {
  for (const how of ['sync', 'async'] as const) {
    const flags = how === 'sync' ? (['flush'] as const) : [];
    test(`${how}_prefetch ${advice}: the advice is taken, and traffic works`, async (t) => {
      const m = await given(async ({ m: machine, ctx, app, pd, addrs: [src, dst] }) => {
        const from = await ctx.regMR(pd, src, pages(2), onDemand);
        const to = await ctx.regMR(pd, dst, pages(2), onDemand);
        const p = await pair(ctx, pd);
        for (let i = 0; i < 100; i++) {
          await drop(app, src);
          await drop(app, dst);
          for (const { addr, lkey } of [from, to]) {
            await ctx.adviseMR(pd, advice, flags, [{ addr, len: pages(2), lkey }]);
          }
          t.deepEqual(await traffic(p, app, from, to, { from: src, to: dst }), good);
        }
        t.is(machine.env.pinTable.size, 0);
      });
      assertBalanced(t, m.env, { mms: m.mms });
    });

    test(`implicit ${how} prefetch ${advice}: of parts of the address space`, async (t) => {
      const m = await given(async ({ ctx, app, pd, addrs: [src, dst] }) => {
        const all = await ctx.regMREx(pd, { implicit: true, access: onDemand });
        const p = await pair(ctx, pd);
        const parts = [src, dst].map((addr) => ({ addr, len: pages(2), lkey: all.lkey }));
        await ctx.adviseMR(pd, advice, flags, parts);
        t.deepEqual(await traffic(p, app, all, all, { from: src, to: dst }), good);
      });
      assertBalanced(t, m.env, { mms: m.mms });
    });
  }
}

for (const how of ['sync', 'async'] as const) {
  test(`prefetch NO_FAULT ${how}: what is present is mapped, nothing is faulted`, async (t) => {
    await given(async ({ m, ctx, app, pd, addrs: [src, dst] }) => {
      const from = await ctx.regMR(pd, src, pages(2), onDemand);
      const to = await ctx.regMR(pd, dst, pages(2), onDemand);
      await app.fill(src, 1024, 1);
      const flags = how === 'sync' ? (['flush'] as const) : [];
      const parts = [from, to].map(({ addr, lkey }) => ({ addr, len: pages(2), lkey }));
      const advice: Advice = 'PREFETCH_NO_FAULT';
      await ctx.adviseMR(pd, advice, flags, parts);
      t.is(m.hca.counters.pageFaults, 0);
      const p = await pair(ctx, pd);
      t.deepEqual(await traffic(p, app, from, to, { from: src, to: dst }), good);
    });
  });
}

test('async_prefetch: the call returns before the pages are there, and dereg waits', async (t) => {
  const m = await given(async ({ ctx, pd, addrs: [src] }) => {
    const mr = await ctx.regMR(pd, src, pages(2), onDemand);
    await ctx.adviseMR(pd, 'PREFETCH', [], [{ addr: src, len: pages(2), lkey: mr.lkey }]);
    await ctx.deregMR(mr);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('async_prefetch of what is not mapped: nobody is told; sync: EFAULT', (t) =>
  given(async ({ ctx, app, pd, addrs: [src] }) => {
    const { lkey } = await ctx.regMR(pd, src, pages(2), onDemand);
    await app.process.mm.munmap(app.task, src, pages(2));
    const part = [{ addr: src, len: pages(2), lkey }];
    await t.notThrowsAsync(() => ctx.adviseMR(pd, 'PREFETCH', [], part));
    await t.throwsAsync(() => ctx.adviseMR(pd, 'PREFETCH', ['flush'], part), {
      message: /^EFAULT/,
    });
  }));

test('mrex rc: on-demand regions of ibv_reg_mr_ex carry traffic', async (t) => {
  const m = await given(async ({ ctx, app, pd, addrs: [src, dst] }) => {
    const from = await ctx.regMREx(pd, { addr: src, len: pages(2), access: onDemand });
    const to = await ctx.regMREx(pd, { addr: dst, len: pages(2), access: onDemand });
    const p = await pair(ctx, pd);
    for (let i = 0; i < 100; i++) {
      await drop(app, dst);
      t.deepEqual(await traffic(p, app, from, to, { from: src, to: dst }), good);
    }
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('implicit_rc (MREx): the whole address space is one region', async (t) => {
  const m = await given(async ({ ctx, app, pd, addrs: [src, dst] }) => {
    const all = await ctx.regMREx(pd, { implicit: true, access: onDemand });
    const p = await pair(ctx, pd);
    for (let i = 0; i < 100; i++) {
      await drop(app, src);
      await drop(app, dst);
      t.deepEqual(await traffic(p, app, all, all, { from: src, to: dst }), good);
    }
  });
  assertBalanced(t, m.env, { mms: m.mms });
});
