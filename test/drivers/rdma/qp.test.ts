// Goal: queue pairs are made, moved and destroyed by the rules; datagrams reach whom they are for.

import test from 'ava';
import type { QPAttr } from '../../../drivers/rdma/qp-state.js';
import { assertBalanced } from '../../support/balance.js';
import { pages } from '../../support/driver-machine.js';
import {
  completion,
  connectSteps,
  pair,
  rdmaMachine,
  recv,
  run,
  withContext,
  wrOf,
} from '../../support/rdma.js';
import type { CreateQPAttr } from '../../../drivers/rdma/verbs-context.js';

test('posting in the wrong state is EINVAL', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const mr = await ctx.regMR(pd, await app.map(1), 4096);
    const cq = await ctx.createCQ(4);
    const qp = await ctx.createQP({ pd, sendCQ: cq, recvCQ: cq });
    const send = () => ctx.postSend(qp, wrOf({ opcode: 'SEND', local: mr }));
    const receive = () => ctx.postRecv(qp, { wrId: 1 });
    await t.throwsAsync(send, { message: /^EINVAL.*RESET/ });
    await t.throwsAsync(receive, { message: /^EINVAL.*RESET/ });
    const { gid } = await ctx.queryDevice();
    const [init, rtr, rts] = connectSteps('RC', ['local_write'], qp.qpNum, gid);
    await ctx.modifyQP(qp, init!);
    await receive();
    await t.throwsAsync(send, { message: /^EINVAL.*INIT/ });
    await ctx.modifyQP(qp, rtr!);
    await t.throwsAsync(send, { message: /^EINVAL.*RTR/ });
    await ctx.modifyQP(qp, rts!);
    await send();
    const [first] = await ctx.waitCQ(cq);
    t.is(first?.status, 'LOC_QP_OP_ERR', 'it is its own peer, and the buffer it posted is empty');
  });
});

test('a full queue is ENOMEM', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx) => {
    const pd = await ctx.allocPD();
    const p = await pair(ctx, pd, { cap: { maxRecvWR: 3 } });
    for (const wrId of [1, 2, 3]) await ctx.postRecv(p.qps[0], { wrId });
    await t.throwsAsync(() => ctx.postRecv(p.qps[0], { wrId: 4 }), { message: /^ENOMEM/ });
  });
});

const badInit: readonly [what: string, over: Partial<CreateQPAttr>][] = [
  ['a type that does not exist', { type: 'XRC' as 'RC' }],
  ['too many requests', { cap: { maxSendWR: 1 << 20 } }],
  ['a negative number of requests', { cap: { maxRecvWR: -1 } }],
  ['too long lists', { cap: { maxSendSGE: 33 } }],
  ['too much inline', { cap: { maxInline: 401 } }],
];
for (const [what, over] of badInit) {
  test(`a queue pair of ${what} is EINVAL`, async (t) => {
    const m = rdmaMachine();
    await withContext(m, async (ctx) => {
      const pd = await ctx.allocPD();
      const cq = await ctx.createCQ(4);
      await t.throwsAsync(() => ctx.createQP({ pd, sendCQ: cq, recvCQ: cq, ...over }), {
        message: /^EINVAL/,
      });
      t.is(m.hca.queuePairs.size, 0);
      await ctx.destroyCQ(cq);
      await ctx.deallocPD(pd);
    });
  });
}

const badAttrs: readonly QPAttr[] = [
  { qpState: 'RTS', timeout: 32 },
  { qpState: 'RTS', retryCnt: 8 },
  { qpState: 'RTS', maxRdAtomic: 129 },
  { qpState: 'RTS', sqPsn: 1 << 24 },
  { qpState: 'RTS', rnrRetry: -1 },
];
test('attribute values out of range are EINVAL and change nothing', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx) => {
    const pd = await ctx.allocPD();
    const cq = await ctx.createCQ(4);
    const qp = await ctx.createQP({ pd, sendCQ: cq, recvCQ: cq });
    const { gid } = await ctx.queryDevice();
    const [init, rtr, rts] = connectSteps('RC', ['local_write'], 18, gid);
    for (const bad of [{ portNum: 2 }, { pkeyIndex: 1 }, { qpAccessFlags: -1 }]) {
      await t.throwsAsync(() => ctx.modifyQP(qp, { ...init!, ...bad }), { message: /^EINVAL/ });
    }
    await ctx.modifyQP(qp, init!);
    for (const bad of [
      { pathMtu: 1000 },
      { ahAttr: {} },
      { ahAttr: { dgid: '' } },
      { minRnrTimer: 32 },
    ]) {
      const attr = { ...rtr!, ...bad } as QPAttr;
      await t.throwsAsync(() => ctx.modifyQP(qp, attr), { message: /^EINVAL/ });
    }
    await ctx.modifyQP(qp, rtr!);
    for (const bad of badAttrs) {
      await t.throwsAsync(() => ctx.modifyQP(qp, { ...rts!, ...bad }), { message: /^EINVAL/ });
    }
    t.is(await ctx.qpState(qp), 'RTR');
  });
});

test('SQD stops the send queue, RTS goes on', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const mr = await ctx.regMR(pd, await app.map(2), pages(2), ['local_write', 'remote_write']);
    const p = await pair(ctx, pd);
    await ctx.modifyQP(p.qps[0], { qpState: 'SQD' });
    t.deepEqual(await ctx.getAsyncEvent(), { type: 'SQ_DRAINED', element: p.qps[0].handle });
    await ctx.postSend(p.qps[0], wrOf({ opcode: 'RDMA_WRITE', local: mr, remote: mr }));
    t.deepEqual(await ctx.waitCQ(p.cqs[0], { timeoutNs: 1e6 }), []);
    await ctx.modifyQP(p.qps[0], { qpState: 'RTS' });
    t.is(await completion(p, 0), 'SUCCESS');
  });
});

test('UD: a datagram arrives behind a header, for the right qkey only', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const mr = await ctx.regMR(pd, await app.map(2), pages(2));
    await app.fill(mr.addr, 100, 0x31);
    const p = await pair(ctx, pd, { type: 'UD' });
    const ah = await ctx.createAH(pd, { dgid: (await ctx.queryDevice()).gid });
    const to = { ah: ah.handle, remoteQPN: p.qps[1].qpNum, remoteQkey: 0x1111 };
    await recv(p, mr, 4096, 200);
    t.is(
      await run(p, { opcode: 'SEND', local: mr, len: 100, more: { ...to, remoteQkey: 1 } }),
      'SUCCESS',
    );
    t.is(m.hca.counters.badQkey, 1);
    t.is(await run(p, { opcode: 'SEND', local: mr, len: 100, more: to }), 'SUCCESS');
    const [wc] = await ctx.waitCQ(p.cqs[1]);
    t.deepEqual([wc?.byteLen, wc?.grh, wc?.srcQP], [140, true, p.qps[0].qpNum]);
    t.deepEqual([...(await app.load(mr.addr + 4096 + 39, 2))], [0, 0x31]);
    t.is(
      await run(p, { opcode: 'SEND', local: mr, len: 1025, more: to }),
      'SUCCESS',
      'too long: lost',
    );
    await ctx.destroyAH(ah);
    await t.throwsAsync(
      () => ctx.postSend(p.qps[0], wrOf({ opcode: 'SEND', local: mr, more: to })),
      {
        message: /^ENOENT/,
      },
    );
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('destroying a queue pair with work under way leaves nothing', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const mr = await ctx.regMR(pd, await app.map(2), pages(2), ['local_write', 'remote_write']);
    const p = await pair(ctx, pd);
    for (let i = 0; i < 3; i++) {
      await ctx.postSend(
        p.qps[0],
        wrOf({ opcode: 'RDMA_WRITE', local: mr, remote: mr, len: 4096 }),
      );
    }
    await t.throwsAsync(() => ctx.destroyCQ(p.cqs[0]), { message: /^EBUSY/ });
    await ctx.destroyQP(p.qps[0]);
    await ctx.destroyCQ(p.cqs[0]);
    await t.throwsAsync(() => ctx.qpState(p.qps[0]), { message: /^ENOENT/ });
    await ctx.deregMR(mr);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});
