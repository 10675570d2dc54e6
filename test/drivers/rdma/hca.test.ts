// Goal: the adapter's tables give out what the driver wrote into them, and a reset stops it all.

import test from 'ava';
import { Hca, rulesOf } from '../../../drivers/rdma/hca.js';
import { rdmaRules } from '../../../drivers/rdma/rules.js';
import { allRights, pair, rdmaMachine, run, withContext } from '../../support/rdma.js';

test('adapters have addresses of their own, and no driver at first', (t) => {
  const [a, b] = [new Hca(), new Hca()];
  t.not(a.gid, b.gid);
  t.is(a.state, 'DOWN');
  t.throws(() => a.sched, { message: /has no driver/ });
  t.is(rulesOf('7.2'), rdmaRules['7.2']);
});

test('after a reset nothing is answered and every region is dead', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const mr = await ctx.regMR(pd, await app.map(1), 4096, allRights);
    const p = await pair(ctx, pd);
    await m.hca.reset(app.task);
    t.is(m.hca.regions.get(mr.lkey)?.state, 'REVOKED');
    t.is(await ctx.qpState(p.qps[0]), 'ERR');
    t.is(await run(p, { opcode: 'RDMA_WRITE', local: mr, remote: mr }), 'WR_FLUSH_ERR');
    m.hca.faults.die();
    await t.throwsAsync(() => m.hca.reset(app.task), { message: /^EIO/ });
  });
});

test('live transfers are one step, simulated ones a page each', async (t) => {
  for (const [sched, steps] of [
    [{ mode: 'live' }, 1],
    [{ mode: 'simulated', seed: 1 }, 4],
  ] as const) {
    const m = rdmaMachine({ sched });
    await withContext(m, async (ctx, app) => {
      const pd = await ctx.allocPD();
      const mr = await ctx.regMR(pd, await app.map(4), 16384, allRights);
      const p = await pair(ctx, pd);
      t.is(await run(p, { opcode: 'RDMA_WRITE', local: mr, remote: mr, len: 16384 }), 'SUCCESS');
      t.is(m.hca.counters.steps, steps);
    });
  }
});
