// Goal: a shared receive queue serves every queue pair on it, and says when it runs low.

import test from 'ava';
import { connect, rdmaMachine, run, withContext, type Pair } from '../../support/rdma.js';

test('receives through an SRQ; its limit is told once; it is EBUSY while used', async (t) => {
  await withContext(rdmaMachine(), async (ctx, app) => {
    const pd = await ctx.allocPD();
    const mr = await ctx.regMR(pd, await app.map(1), 4096);
    const srq = await ctx.createSRQ(pd, { maxWR: 4, maxSGE: 1, srqLimit: 2 });
    t.deepEqual(await ctx.querySRQ(srq), { maxWR: 7, maxSGE: 1, srqLimit: 2 });
    const { gid } = await ctx.queryDevice();
    const [acq, bcq] = [await ctx.createCQ(8), await ctx.createCQ(8)];
    const a = await ctx.createQP({ pd, sendCQ: acq, recvCQ: acq });
    const b = await ctx.createQP({ pd, sendCQ: bcq, recvCQ: bcq, srq });
    await connect(ctx, a, b, gid);
    await connect(ctx, b, a, gid);
    const p: Pair = { ctx, pd, qps: [a, b], cqs: [acq, bcq] };
    await t.throwsAsync(() => ctx.postRecv(b, { wrId: 1 }), { message: /^EINVAL.*SRQ/ });
    for (const wrId of [1, 2, 3]) {
      await ctx.postSRQRecv(srq, { wrId, sgList: [{ addr: mr.addr, len: 64, lkey: mr.lkey }] });
    }
    for (let i = 0; i < 2; i++) t.is(await run(p, { opcode: 'SEND', local: mr }), 'SUCCESS');
    t.deepEqual(await ctx.getAsyncEvent(), { type: 'SRQ_LIMIT_REACHED', element: srq.handle });
    t.is((await ctx.querySRQ(srq)).srqLimit, 0);
    await ctx.modifySRQ(srq, 1);
    await t.throwsAsync(() => ctx.modifySRQ(srq, 8), { message: /^EINVAL/ });
    await t.throwsAsync(() => ctx.destroySRQ(srq), { message: /^EBUSY/ });
    await ctx.destroyQP(b);
    await ctx.destroySRQ(srq);
  });
});
