// Goal: an armed completion queue tells its channel once.

import test from 'ava';
import { pair, rdmaMachine, withContext, wrOf } from '../../support/rdma.js';
import { App } from '../../support/driver-machine.js';
import type { VerbsContext } from '../../../drivers/rdma/verbs-context.js';

test('arm, event, poll; a channel in use is EBUSY', async (t) => {
  await withContext(rdmaMachine(), async (ctx, app) => {
    const pd = await ctx.allocPD();
    const mr = await ctx.regMR(pd, await app.map(1), 4096, ['local_write', 'remote_write']);
    const channel = await ctx.createCompChannel();
    const cq = await ctx.createCQ(8, channel);
    const { qps } = await pair(ctx, pd);
    const qp = await ctx.createQP({ pd, sendCQ: cq, recvCQ: cq });
    t.truthy(qp);
    await ctx.reqNotifyCQ(cq);
    await t.throwsAsync(() => ctx.destroyCompChannel(channel), { message: /^EBUSY/ });
    await ctx.modifyQP(qps[0], { qpState: 'ERR' });
    await ctx.postSend(qps[0], wrOf({ opcode: 'RDMA_WRITE', local: mr, remote: mr }));
    await ctx.destroyQP(qp);
    await ctx.destroyCQ(cq);
    await ctx.destroyCompChannel(channel);
  });
});

test('an event is read by whoever waits for it, or EAGAIN without waiting', async (t) => {
  const m = rdmaMachine();
  await m.run(async (task) => {
    const app = new App(m, task);
    const ctx = await app.open<VerbsContext>('rdma0', ['rdwr', 'nonblock']);
    const pd = await ctx.allocPD();
    const mr = await ctx.regMR(pd, await app.map(1), 4096);
    const channel = await ctx.createCompChannel();
    const cq = await ctx.createCQ(8, channel);
    const qp = await ctx.createQP({ pd, sendCQ: cq, recvCQ: cq });
    await t.throwsAsync(() => ctx.getCQEvent(channel), { message: /^EAGAIN/ });
    await ctx.modifyQP(qp, { qpState: 'INIT', pkeyIndex: 0, portNum: 1, qpAccessFlags: 0 });
    await ctx.postRecv(qp, { wrId: 1, sgList: [{ addr: mr.addr, len: 8, lkey: mr.lkey }] });
    await ctx.reqNotifyCQ(cq);
    await ctx.modifyQP(qp, { qpState: 'ERR' });
    t.is(await ctx.getCQEvent(channel), cq.handle);
    await t.throwsAsync(() => ctx.getCQEvent(channel), { message: /^EAGAIN/ });
    t.is((await ctx.pollCQ(cq, 2)).length, 1);
    await ctx.close();
    await app.exit();
  });
});
