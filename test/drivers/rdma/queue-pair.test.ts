// Goal: moving to ERR flushes in order, once; RESET forgets; numbers of messages follow the
// attributes.

import test from 'ava';
import {
  completion,
  pair,
  rdmaMachine,
  restate,
  run,
  withContext,
  wrOf,
} from '../../support/rdma.js';
import { ms } from '../../../lib/units.js';

test('ERR flushes what was posted, in order, after the request under way', async (t) => {
  const m = rdmaMachine();
  m.hca.faults.delayNs = ms(5);
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const mr = await ctx.regMR(pd, await app.map(1), 4096, ['local_write', 'remote_write']);
    const p = await pair(ctx, pd);
    const wrs = [1, 2, 3].map(() => wrOf({ opcode: 'RDMA_WRITE', local: mr, remote: mr }));
    await ctx.postSend(p.qps[0], wrs);
    await m.sched.clock.sleep(app.task, ms(1));
    await ctx.modifyQP(p.qps[0], { qpState: 'ERR' });
    await ctx.modifyQP(p.qps[0], { qpState: 'ERR' });
    await m.sched.clock.sleep(app.task, ms(20));
    const wcs = await ctx.pollCQ(p.cqs[0], 9);
    t.deepEqual(wcs.map(({ wrId }) => wrId).sort(), wrs.map(({ wrId }) => wrId).sort());
    t.is(wcs.filter(({ status }) => status === 'WR_FLUSH_ERR').length >= 2, true);
  });
});

test('RESET forgets what was posted, and the pair works again', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const mr = await ctx.regMR(pd, await app.map(1), 4096, ['local_write', 'remote_write']);
    const p = await pair(ctx, pd);
    t.is(await run(p, { opcode: 'RDMA_WRITE', local: mr, remote: mr }), 'SUCCESS');
    await ctx.modifyQP(p.qps[0], { qpState: 'SQD' });
    await ctx.postSend(p.qps[0], wrOf({ opcode: 'RDMA_WRITE', local: mr, remote: mr }));
    await restate(p);
    t.deepEqual(await ctx.pollCQ(p.cqs[0], 5), []);
    t.is(await run(p, { opcode: 'RDMA_WRITE', local: mr, remote: mr }), 'SUCCESS');
    t.deepEqual((await ctx.queryQP(p.qps[0])).attr.rqPsn, 0);
  });
});

test('a dropped completion is never heard of', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const mr = await ctx.regMR(pd, await app.map(1), 4096, ['local_write', 'remote_write']);
    const p = await pair(ctx, pd);
    m.hca.faults.dropCompletions(1);
    t.is(await run(p, { opcode: 'RDMA_WRITE', local: mr, remote: mr }), 'NONE');
    await ctx.postSend(p.qps[0], wrOf({ opcode: 'RDMA_WRITE', local: mr, remote: mr }));
    t.is(await completion(p, 0), 'SUCCESS');
  });
});
