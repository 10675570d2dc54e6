// Goal: a revoked region is fenced, unpinned, uncharged and dead, once and for good; its key stays
// reserved until dereg, which joins. Method: revoke at every moment of a transfer, with hardware
// that is well, slow, stalled, lying and dead.

import test from 'ava';
import { revokePins } from '../../../lib/mm/revocation.js';
import { ms } from '../../../lib/units.js';
import type { DmaEvent } from '../../../lib/driver/dma.js';
import { assertBalanced } from '../../support/balance.js';
import type { VerbsContext } from '../../../drivers/rdma/verbs-context.js';
import { App, pages } from '../../support/driver-machine.js';
import { TestFile } from '../../support/mm-fixture.js';
import { allRights, pair, rdmaMachine, run, withContext, wrOf } from '../../support/rdma.js';

const pinsOf = (m: ReturnType<typeof rdmaMachine>) => [...m.env.pinTable];

test('a region is revoked once: pages and charge go back, the key does not', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const addr = await app.map(4);
    const pd = await ctx.allocPD();
    const mr = await ctx.regMR(pd, addr, pages(4), allRights);
    t.is(app.process.mm.pinnedVm, 4);
    const pins = pinsOf(m);
    t.is(await revokePins(app.task, pins, 'truncate'), 'revoked');
    t.is(await revokePins(app.task, pins, 'truncate'), 'revoked');
    t.is(app.process.mm.pinnedVm, 0);
    t.is(m.env.pinTable.size, 0);
    t.is((await ctx.queryMR(mr)).state, 'REVOKED');
    t.is(m.hca.regions.size, 1);
    t.deepEqual(await ctx.getAsyncEvent(), { type: 'MR_REVOKED', element: mr.handle });
    await ctx.deregMR(mr);
    t.is(m.hca.regions.size, 0);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('a revoked region is REM_ACCESS_ERR far away and LOC_PROT_ERR at home', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const [src, dst] = [await app.map(1), await app.map(1)];
    const pd = await ctx.allocPD();
    const s = await ctx.regMR(pd, src, pages(1), ['local_write']);
    const d = await ctx.regMR(pd, dst, pages(1), allRights);
    const [sPins, dPins] = pinsOf(m);
    const first = await pair(ctx, pd);
    await revokePins(app.task, [dPins!], 'truncate');
    t.is(await run(first, { opcode: 'RDMA_WRITE', local: s, remote: d }), 'REM_ACCESS_ERR');
    t.is(await ctx.qpState(first.qps[0]), 'ERR');
    t.is(await run(first, { opcode: 'RDMA_WRITE', local: s, remote: d }), 'WR_FLUSH_ERR');
    const second = await pair(ctx, pd);
    await revokePins(app.task, [sPins!], 'truncate');
    t.is(await run(second, { opcode: 'SEND', local: s }), 'LOC_PROT_ERR');
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('no step enters after the revocation, and none is inside when it returns', async (t) => {
  for (let seed = 0; seed < 40; seed++) {
    const late: DmaEvent[] = [];
    let revoked = false;
    const m = rdmaMachine({
      sched: { mode: 'simulated', seed },
      events: { dma: (e) => void (revoked && e.access === 'write' && late.push(e)) },
    });
    await withContext(m, async (ctx, app) => {
      const [src, dst] = [await app.map(6), await app.map(6)];
      await app.fill(src, pages(6), 0xaa);
      const pd = await ctx.allocPD();
      const s = await ctx.regMR(pd, src, pages(6), ['local_write']);
      const d = await ctx.regMR(pd, dst, pages(6), allRights);
      const p = await pair(ctx, pd);
      await ctx.postSend(
        p.qps[0],
        wrOf({ opcode: 'RDMA_WRITE', local: s, remote: d, len: pages(6) }),
      );
      await revokePins(app.task, [pinsOf(m)[1]!], 'truncate');
      revoked = true;
      const [wc] = await ctx.waitCQ(p.cqs[0], { timeoutNs: ms(100) });
      t.true(wc?.status === 'SUCCESS' || wc?.status === 'REM_ACCESS_ERR', wc?.status);
    });
    t.deepEqual(late, [], `seed ${seed}`);
    assertBalanced(t, m.env, { mms: m.mms });
  }
});

test('revocation waits for a slow step; a dereg meanwhile joins it', async (t) => {
  const m = rdmaMachine();
  m.hca.faults.delayNs = ms(20);
  await withContext(m, async (ctx, app) => {
    const [src, dst] = [await app.map(1), await app.map(1)];
    const pd = await ctx.allocPD();
    const s = await ctx.regMR(pd, src, pages(1), ['local_write']);
    const d = await ctx.regMR(pd, dst, pages(1), allRights);
    const p = await pair(ctx, pd);
    await ctx.postSend(p.qps[0], wrOf({ opcode: 'RDMA_WRITE', local: s, remote: d }));
    await m.sched.clock.sleep(app.task, ms(1));
    const revoking = app.thread('truncate', (other) =>
      revokePins(other.task, [pinsOf(m)[1]!], 'truncate'),
    );
    await m.sched.clock.sleep(app.task, ms(1));
    await ctx.deregMR(d);
    t.true(m.sched.clock.nowNs >= ms(20));
    t.is(await revoking.join(app.task), 'revoked');
    t.is(m.hca.regions.size, 1);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('an adapter that stalls is reset at the deadline, and every region on it dies', async (t) => {
  const outcomes: string[] = [];
  const m = rdmaMachine({ events: { reset: (_d, outcome) => void outcomes.push(outcome) } });
  await withContext(m, async (ctx, app) => {
    const [src, dst] = [await app.map(1), await app.map(1)];
    const pd = await ctx.allocPD();
    const s = await ctx.regMR(pd, src, pages(1), ['local_write']);
    const d = await ctx.regMR(pd, dst, pages(1), allRights);
    const p = await pair(ctx, pd);
    m.hca.faults.stalled = true;
    await ctx.postSend(p.qps[0], wrOf({ opcode: 'RDMA_WRITE', local: s, remote: d }));
    await m.sched.clock.sleep(app.task, ms(1));
    t.is(await revokePins(app.task, [pinsOf(m)[1]!], 'truncate'), 'reset');
    t.is(m.sched.clock.nowNs, ms(1001));
    await m.sched.clock.sleep(app.task, ms(1));
    t.is((await ctx.queryMR(s)).state, 'REVOKED');
    t.is(await ctx.qpState(p.qps[0]), 'ERR');
    t.is(m.env.pinTable.size, 0);
  });
  t.deepEqual(outcomes, ['reset']);
  assertBalanced(t, m.env, { mms: m.mms });
});

test('a dead adapter that is inside no region gives its pages back', async (t) => {
  const outcomes: string[] = [];
  const m = rdmaMachine({ events: { reset: (_d, outcome) => void outcomes.push(outcome) } });
  await m.run(async (task) => {
    const app = new App(m, task);
    const ctx = await app.open<VerbsContext>('rdma0');
    const [src, dst] = [await app.map(1), await app.map(1)];
    const pd = await ctx.allocPD();
    const s = await ctx.regMR(pd, src, pages(1), ['local_write']);
    const d = await ctx.regMR(pd, dst, pages(1), allRights);
    const p = await pair(ctx, pd);
    m.hca.faults.die();
    await ctx.postSend(p.qps[0], wrOf({ opcode: 'RDMA_WRITE', local: s, remote: d }));
    await m.sched.clock.sleep(task, ms(1));
    m.hca.faults.stalled = true;
    t.is(await revokePins(task, [pinsOf(m)[1]!], 'truncate'), 'revoked');
  });
  t.deepEqual(outcomes, []);
  assertBalanced(t, m.env, { pins: 1, unmapped: false });
});

test('an adapter that dies inside a step keeps its pages: the revocation hangs', async (t) => {
  const outcomes: string[] = [];
  const m = rdmaMachine({ events: { reset: (_d, outcome) => void outcomes.push(outcome) } });
  const life = m.run(async (task) => {
    const app = new App(m, task);
    const ctx = await app.open<VerbsContext>('rdma0');
    const [src, dst] = [await app.map(1), await app.map(1)];
    const pd = await ctx.allocPD();
    const s = await ctx.regMR(pd, src, pages(1), ['local_write']);
    const d = await ctx.regMR(pd, dst, pages(1), allRights);
    const p = await pair(ctx, pd);
    m.hca.faults.delayNs = ms(2);
    await ctx.postSend(p.qps[0], wrOf({ opcode: 'RDMA_WRITE', local: s, remote: d }));
    await m.sched.clock.sleep(task, ms(1));
    m.hca.faults.die();
    t.is(await revokePins(task, [pinsOf(m)[1]!], 'truncate'), 'hung');
    t.is(m.env.pinTable.size, 2);
  });
  await t.throwsAsync(life, { message: /revoke rdma0 waits for the adapter to leave region/ });
  t.deepEqual(outcomes, ['hung']);
  assertBalanced(t, m.env, { pins: 2, unmapped: false });
});

test('an adapter that lies about its fence is seen writing where it may not', async (t) => {
  const stray: DmaEvent[] = [];
  const m = rdmaMachine({ events: { dma: (e) => void (!e.mapping.live && stray.push(e)) } });
  m.hca.faults.delayNs = ms(5);
  m.hca.faults.ignoreFence = true;
  await withContext(m, async (ctx, app) => {
    const [src, dst] = [await app.map(1), await app.map(1)];
    const pd = await ctx.allocPD();
    const s = await ctx.regMR(pd, src, pages(1), ['local_write']);
    const d = await ctx.regMR(pd, dst, pages(1), allRights);
    const p = await pair(ctx, pd);
    await ctx.postSend(p.qps[0], wrOf({ opcode: 'RDMA_WRITE', local: s, remote: d }));
    await m.sched.clock.sleep(app.task, ms(1));
    t.is(await revokePins(app.task, [pinsOf(m)[1]!], 'truncate'), 'revoked');
    await ctx.waitCQ(p.cqs[0], { timeoutNs: ms(100) });
  });
  t.is(stray.length, 1);
  t.is(stray[0]!.access, 'write');
});

test('with a strict IOMMU the same lie ends in an error and moves nothing', async (t) => {
  const faults: string[] = [];
  const m = rdmaMachine({ iommu: 'strict', events: { dmaFault: (e) => void faults.push(e.why) } });
  m.hca.faults.delayNs = ms(5);
  m.hca.faults.ignoreFence = true;
  await withContext(m, async (ctx, app) => {
    const [src, dst] = [await app.map(1), await app.map(1)];
    await app.fill(src, 64, 0xaa);
    const pd = await ctx.allocPD();
    const s = await ctx.regMR(pd, src, pages(1), ['local_write']);
    const d = await ctx.regMR(pd, dst, pages(1), allRights);
    const p = await pair(ctx, pd);
    await ctx.postSend(p.qps[0], wrOf({ opcode: 'RDMA_WRITE', local: s, remote: d }));
    await m.sched.clock.sleep(app.task, ms(1));
    await revokePins(app.task, [pinsOf(m)[1]!], 'truncate');
    const [wc] = await ctx.waitCQ(p.cqs[0], { timeoutNs: ms(100) });
    t.is(wc?.status, 'REM_ACCESS_ERR');
    t.is((await app.load(dst, 1))[0], 0);
  });
  t.deepEqual(faults, ['the mapping is gone']);
  assertBalanced(t, m.env, { mms: m.mms });
});

test('a region with a bound window cannot be deregistered, and stays valid', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const addr = await app.map(1);
    const pd = await ctx.allocPD();
    const mr = await ctx.regMR(pd, addr, pages(1), ['local_write', 'mw_bind']);
    const mw = await ctx.allocMW(pd);
    const p = await pair(ctx, pd);
    await ctx.bindMW(p.qps[0], mw, { mr, addr, len: 64, access: ['remote_write'] });
    t.is((await ctx.waitCQ(p.cqs[0]))[0]?.status, 'SUCCESS');
    await t.throwsAsync(() => ctx.deregMR(mr), { message: /^EINVAL/ });
    t.is((await ctx.queryMR(mr)).state, 'VALID');
    await ctx.deallocMW(mw);
    await ctx.deregMR(mr);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('a region over a file pins that file, and names it', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const file = new TestFile(m, 'fsdax', pages(4));
    const addr = await app.map(4, file);
    const pd = await ctx.allocPD();
    await ctx.regMR(pd, addr, pages(4), allRights);
    const [pins] = m.env.pinTable.pinsOf(file.mapping);
    t.is(pins?.origin.device, 'rdma0');
    t.is(pins?.origin.deviceFile, '/dev/rdma0');
    t.is(pins?.origin.dataFile, file.label);
  });
});
