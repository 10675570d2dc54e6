// Goal: windows open what their region does not, as the rows of rdma-core's MWTest say (judges
// 2.1).

import test from 'ava';
import type { AccessFlags } from '../../../drivers/rdma/access.js';
import { kernelNames } from '../../../lib/kernel-rules.js';
import { assertBalanced } from '../../support/balance.js';
import { completion, pair, rdmaMachine, recv, run, withContext } from '../../support/rdma.js';
import type { MR, MW, VerbsContext } from '../../../drivers/rdma/verbs-context.js';
import type { Pair } from '../../support/rdma.js';

const rw: AccessFlags = ['local_write', 'remote_write'];

async function bench(
  fn: (b: { ctx: VerbsContext; p: Pair; local: MR; region: MR }) => Promise<void>,
  kernel: (typeof kernelNames)[number] = 'proposed',
  check: (m: ReturnType<typeof rdmaMachine>) => void = () => {},
): Promise<void> {
  const m = rdmaMachine({ kernel });
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const local = await ctx.regMR(pd, await app.map(1), 4096);
    const region = await ctx.regMR(pd, await app.map(1), 4096, ['local_write', 'mw_bind']);
    await fn({ ctx, p: await pair(ctx, pd), local, region });
  });
  check(m);
}

/** Type 2 windows are bound by a request of their queue pair's end. */
async function bindType2(p: Pair, mw: MW, mr: MR, end: 0 | 1): Promise<string> {
  const newRkey = mw.rkey + 1;
  await p.ctx.postSend(p.qps[end], {
    wrId: 7,
    opcode: 'BIND_MW',
    flags: ['signaled'],
    bind: { mwRkey: mw.rkey, newRkey, mrLkey: mr.lkey, addr: mr.addr, len: 4096, access: rw },
  });
  const status = await completion(p, end);
  if (status === 'SUCCESS') mw.rkey = newRkey;
  return status;
}

const write = (p: Pair, local: MR, region: MR, mw: MW): Promise<string> =>
  run(p, { opcode: 'RDMA_WRITE', local, remote: region, rkey: mw.rkey });

test('type 1: bind, then write with the rkey of the window', (t) =>
  bench(
    async ({ ctx, p, local, region }) => {
      const mw = await ctx.allocMW(p.pd);
      const before = mw.rkey;
      await ctx.bindMW(p.qps[1], mw, { mr: region, addr: region.addr, len: 4096, access: rw });
      t.is(await completion(p, 1), 'SUCCESS');
      t.not(mw.rkey, before);
      t.is(await write(p, local, region, mw), 'SUCCESS');
      t.is(await run(p, { opcode: 'RDMA_WRITE', local, remote: region }), 'REM_ACCESS_ERR');
    },
    'proposed',
    (m) => assertBalanced(t, m.env, { mms: m.mms }),
  ));

test('type 1: rebound with length 0, a write is a remote access error', (t) =>
  bench(async ({ ctx, p, local, region }) => {
    const mw = await ctx.allocMW(p.pd);
    await ctx.bindMW(p.qps[1], mw, { mr: region, addr: region.addr, len: 4096, access: rw });
    await ctx.bindMW(p.qps[1], mw, { mr: null, addr: 0, len: 0, access: rw });
    t.deepEqual([await completion(p, 1), await completion(p, 1)], ['SUCCESS', 'SUCCESS']);
    t.is(await write(p, local, region, mw), 'REM_ACCESS_ERR');
  }));

test('type 2: bind by a request, then write', (t) =>
  bench(async ({ ctx, p, local, region }) => {
    const mw = await ctx.allocMW(p.pd, 2);
    t.is(await bindType2(p, mw, region, 1), 'SUCCESS');
    t.is(await write(p, local, region, mw), 'SUCCESS');
  }));

test('type 2: after LOCAL_INV by its owner a write is a remote access error', (t) =>
  bench(async ({ ctx, p, local, region }) => {
    const mw = await ctx.allocMW(p.pd, 2);
    await bindType2(p, mw, region, 1);
    const invalidateRkey = mw.rkey;
    t.is(await run(p, { opcode: 'LOCAL_INV', end: 1, more: { invalidateRkey } }), 'SUCCESS');
    t.is(await write(p, local, region, mw), 'REM_ACCESS_ERR');
    await ctx.deregMR(region);
  }));

test('type 2: after SEND_WITH_INV by the peer a write is a remote access error', (t) =>
  bench(async ({ ctx, p, local, region }) => {
    const mw = await ctx.allocMW(p.pd, 2);
    await bindType2(p, mw, region, 1);
    await recv(p, region, 0, 64);
    const invalidateRkey = mw.rkey;
    t.is(await run(p, { opcode: 'SEND_WITH_INV', local, more: { invalidateRkey } }), 'SUCCESS');
    const [wc] = await ctx.waitCQ(p.cqs[1]);
    t.deepEqual([wc?.status, wc?.invalidatedRkey], ['SUCCESS', invalidateRkey]);
    t.is(await write(p, local, region, mw), 'REM_ACCESS_ERR');
  }));

test('type 2: after dealloc a write is a remote access error', (t) =>
  bench(async ({ ctx, p, local, region }) => {
    const mw = await ctx.allocMW(p.pd, 2);
    await bindType2(p, mw, region, 1);
    await ctx.deallocMW(mw);
    t.is(await write(p, local, region, mw), 'REM_ACCESS_ERR');
  }));

test('a window of type 3 cannot be made', (t) =>
  bench(async ({ ctx, p }) => {
    await t.throwsAsync(() => ctx.allocMW(p.pd, 3 as 1), { message: /^EINVAL/ });
  }));

test('a type 2 window serves only the queue pair it is bound through', (t) =>
  bench(async ({ ctx, p, local, region }) => {
    const mw = await ctx.allocMW(p.pd, 2);
    t.is(await bindType2(p, mw, region, 0), 'SUCCESS');
    t.is(await write(p, local, region, mw), 'REM_ACCESS_ERR');
  }));

test('a bad bind is MW_BIND_ERR in 6.1 and flushed in 6.12 and 7.2', async (t) => {
  const answers: string[] = [];
  for (const kernel of kernelNames) {
    await bench(async ({ ctx, p, local }) => {
      const mw = await ctx.allocMW(p.pd);
      await ctx.bindMW(p.qps[0], mw, { mr: local, addr: local.addr, len: 8, access: rw });
      answers.push(await completion(p, 0), await ctx.qpState(p.qps[0]));
    }, kernel);
  }
  t.deepEqual(answers, [
    ...['MW_BIND_ERR', 'ERR'],
    ...['WR_FLUSH_ERR', 'ERR'],
    ...['WR_FLUSH_ERR', 'ERR'],
    ...['MW_BIND_ERR', 'ERR'],
  ]);
});

test('the window holds requests to its range; Soft-RoCE to its region’s', async (t) => {
  const answers: string[] = [];
  for (const kernel of ['7.2', 'proposed'] as const) {
    await bench(async ({ ctx, p, local, region }) => {
      const mw = await ctx.allocMW(p.pd);
      await ctx.bindMW(p.qps[1], mw, { mr: region, addr: region.addr, len: 64, access: rw });
      await completion(p, 1);
      const past = { opcode: 'RDMA_WRITE', local, remote: region, remotePos: 32 } as const;
      answers.push(await run(p, { ...past, rkey: mw.rkey }));
    }, kernel);
  }
  t.deepEqual(answers, ['SUCCESS', 'REM_ACCESS_ERR']);
});
