// Goal: a SEND lands in its receive request or breaks the receiver, by packets (judges 2.2).

import test from 'ava';
import {
  allRights,
  completion,
  pair,
  rdmaMachine,
  recv,
  run,
  withContext,
} from '../../support/rdma.js';

const rows = [
  ['fits exactly', 4096, 4096, 'SUCCESS', 'SUCCESS', 4096],
  ['is shorter than its buffer', 4096, 100, 'SUCCESS', 'SUCCESS', 100],
  ['is empty', 64, 0, 'SUCCESS', 'SUCCESS', 0],
  ['is longer than its buffer, by bytes', 100, 200, 'REM_OP_ERR', 'LOC_QP_OP_ERR', 0],
  ['is longer than its buffer, by packets', 3000, 4096, 'REM_OP_ERR', 'LOC_QP_OP_ERR', 2048],
] as const;

for (const [what, room, len, sender, receiver, landed] of rows) {
  test(`a message that ${what}: ${sender}, ${receiver}, ${landed} bytes`, async (t) => {
    const m = rdmaMachine();
    await withContext(m, async (ctx, app) => {
      const pd = await ctx.allocPD();
      const s = await ctx.regMR(pd, await app.map(1), 4096);
      const d = await ctx.regMR(pd, await app.map(2), 8192, allRights);
      await app.fill(s.addr, 4096, 0xaa);
      const p = await pair(ctx, pd);
      await recv(p, d, 0, room);
      t.is(await run(p, { opcode: 'SEND', local: s, len }), sender);
      const [wc] = await ctx.waitCQ(p.cqs[1]);
      t.is(wc?.status, receiver);
      if (receiver === 'SUCCESS') t.is(wc?.byteLen, len);
      const got = await app.load(d.addr, 8192);
      t.is(
        got.findIndex((b) => b !== 0xaa),
        landed,
      );
    });
  });
}

test('a buffer the receiver may not write is REM_OP_ERR for the sender', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const s = await ctx.regMR(pd, await app.map(1), 4096, ['remote_read']);
    const p = await pair(ctx, pd);
    await recv(p, s, 0, 64);
    t.is(await run(p, { opcode: 'SEND', local: s }), 'REM_OP_ERR');
    t.is(await completion(p, 1), 'LOC_QP_OP_ERR');
  });
});

test('SEND_WITH_INV of a key that cannot be breaks the receiver silently', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const s = await ctx.regMR(pd, await app.map(1), 4096);
    const p = await pair(ctx, pd, { attr: { retryCnt: 1 } });
    await recv(p, s, 0, 64);
    const more = { invalidateRkey: s.lkey };
    t.is(await run(p, { opcode: 'SEND_WITH_INV', local: s, more }), 'RETRY_EXC_ERR');
    t.is(await completion(p, 1), 'REM_INV_REQ_ERR');
    t.is(await ctx.qpState(p.qps[1]), 'ERR');
  });
});
