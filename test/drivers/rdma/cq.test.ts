// Goal: completion queues: sizes, polling, waiting, resizing, overflow.

import test from 'ava';
import { ms } from '../../../lib/units.js';
import { pair, rdmaMachine, run, withContext, wrOf } from '../../support/rdma.js';

test('sizes and vectors out of range are EINVAL', async (t) => {
  await withContext(rdmaMachine(), async (ctx) => {
    for (const [cqe, vector] of [
      [0, 0],
      [-1, 0],
      [32768, 0],
      [4, 2],
      [4, -1],
    ] as const) {
      await t.throwsAsync(() => ctx.createCQ(cqe, undefined, vector), { message: /^EINVAL/ });
    }
    t.is((await ctx.createCQ(4)).cqe, 7);
  });
});

test('resize below what is not polled is EINVAL', async (t) => {
  await withContext(rdmaMachine(), async (ctx, app) => {
    const pd = await ctx.allocPD();
    const mr = await ctx.regMR(pd, await app.map(1), 4096, ['local_write', 'remote_write']);
    const p = await pair(ctx, pd);
    for (let i = 0; i < 3; i++) {
      await ctx.postSend(p.qps[0], wrOf({ opcode: 'RDMA_WRITE', local: mr, remote: mr }));
    }
    await app.machine.sched.clock.sleep(app.task, ms(1));
    await t.throwsAsync(() => ctx.resizeCQ(p.cqs[0], 2), { message: /^EINVAL/ });
    await ctx.resizeCQ(p.cqs[0], 3);
    t.is((await ctx.pollCQ(p.cqs[0], 10)).length, 3);
  });
});

test('waiting ends with a completion or at its time', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const p = await pair(ctx, pd);
    t.deepEqual(await ctx.waitCQ(p.cqs[0], { timeoutNs: ms(2) }), []);
    t.is(m.sched.clock.nowNs, ms(2));
    const mr = await ctx.regMR(pd, await app.map(1), 4096, ['local_write', 'remote_write']);
    t.is(await run(p, { opcode: 'RDMA_WRITE', local: mr, remote: mr }), 'SUCCESS');
  });
});

test('a completion queue that overflows is lost, and so is who fed it', async (t) => {
  await withContext(rdmaMachine(), async (ctx, app) => {
    const pd = await ctx.allocPD();
    const mr = await ctx.regMR(pd, await app.map(1), 4096, ['local_write', 'remote_write']);
    const p = await pair(ctx, pd);
    await ctx.resizeCQ(p.cqs[0], 1);
    for (let i = 0; i < 2; i++) {
      await ctx.postSend(p.qps[0], wrOf({ opcode: 'RDMA_WRITE', local: mr, remote: mr }));
    }
    t.deepEqual(await ctx.getAsyncEvent(), { type: 'CQ_ERR', element: p.cqs[0].handle });
    t.deepEqual(await ctx.getAsyncEvent(), { type: 'QP_FATAL', element: p.qps[0].handle });
    t.is(await ctx.qpState(p.qps[0]), 'ERR');
  });
});
