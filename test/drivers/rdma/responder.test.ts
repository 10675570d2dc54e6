// Goal: what the receiving end carries out, answers and completes.

import test from 'ava';
import { pages } from '../../support/driver-machine.js';
import {
  allRights,
  completion,
  pair,
  rdmaMachine,
  recv,
  run,
  withContext,
} from '../../support/rdma.js';

test('RDMA_WRITE with immediate takes a receive request and tells its length', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const s = await ctx.regMR(pd, await app.map(1), 4096);
    const d = await ctx.regMR(pd, await app.map(1), 4096, allRights);
    const p = await pair(ctx, pd);
    const write = { opcode: 'RDMA_WRITE_WITH_IMM', local: s, remote: d, len: 100 } as const;
    await recv(p, d, 0, 0);
    t.is(await run(p, { ...write, more: { immData: 0xdeadbeef } }), 'SUCCESS');
    const [wc] = await ctx.waitCQ(p.cqs[1]);
    t.deepEqual(
      [wc?.status, wc?.opcode, wc?.byteLen, wc?.immData],
      ['SUCCESS', 'RECV_RDMA_WITH_IMM', 100, 0xdeadbeef],
    );
    t.is(await run(p, write), 'RNR_RETRY_EXC_ERR');
  });
});

test('atomics: equal, unequal, add with carry, and what comes back', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const s = await ctx.regMR(pd, await app.map(1), 4096);
    const d = await ctx.regMR(pd, await app.map(1), 4096, allRights);
    const p = await pair(ctx, pd);
    const word = async (addr: number): Promise<bigint> => {
      const bytes = await app.load(addr, 8);
      return new DataView(bytes.buffer).getBigUint64(0, true);
    };
    const rows = [
      ['ATOMIC_CMP_AND_SWP', 0n, 7n, 7n, 0n],
      ['ATOMIC_CMP_AND_SWP', 0n, 9n, 7n, 7n],
      ['ATOMIC_FETCH_AND_ADD', 0xffff_ffff_ffff_ffffn, 0n, 6n, 7n],
      ['ATOMIC_FETCH_AND_ADD', 4n, 0n, 10n, 6n],
    ] as const;
    for (const [opcode, compareAdd, swap, after, old] of rows) {
      const more = { compareAdd, swap };
      t.is(await run(p, { opcode, local: s, remote: d, len: 8, more }), 'SUCCESS');
      t.is(await word(d.addr), after);
      t.is(await word(s.addr), old);
    }
  });
});

test('an aligned address over unaligned memory is an invalid request', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const addr = await app.map(2);
    const s = await ctx.regMR(pd, addr, 4096);
    const d = await ctx.regMR(pd, addr + 4100, 100, ['local_write', 'remote_atomic', 'zero_based']);
    const p = await pair(ctx, pd);
    const more = { remoteAddr: 8, rkey: d.rkey };
    t.is(
      await run(p, { opcode: 'ATOMIC_FETCH_AND_ADD', local: s, len: 8, more }),
      'REM_INV_REQ_ERR',
    );
  });
});

test('an error flushes the receive requests that were posted, in order', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const s = await ctx.regMR(pd, await app.map(1), 4096);
    const p = await pair(ctx, pd);
    for (const pos of [0, 64]) await recv(p, s, pos, 64);
    t.is(await run(p, { opcode: 'RDMA_WRITE', local: s, remote: s }), 'REM_ACCESS_ERR');
    const wcs = await ctx.pollCQ(p.cqs[1], 9);
    t.deepEqual(
      wcs.map(({ status }) => status),
      ['WR_FLUSH_ERR', 'WR_FLUSH_ERR'],
    );
    t.true(wcs[0]!.wrId < wcs[1]!.wrId);
    await recv(p, s, 0, 64);
    t.is(await completion(p, 1), 'WR_FLUSH_ERR');
  });
});

test('on Soft-RoCE a receive posted in ERR is not flushed', async (t) => {
  const m = rdmaMachine({ kernel: '6.12' });
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const s = await ctx.regMR(pd, await app.map(1), pages(1));
    const p = await pair(ctx, pd);
    await ctx.modifyQP(p.qps[1], { qpState: 'ERR' });
    await recv(p, s, 0, 64);
    t.is(await completion(p, 1), 'NONE');
  });
});
