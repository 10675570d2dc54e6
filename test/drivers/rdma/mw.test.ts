// Goal: a window is allocated, and given back also while it is bound.

import test from 'ava';
import { completion, pair, rdmaMachine, withContext } from '../../support/rdma.js';

test('dealloc of a bound window frees its region', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const mr = await ctx.regMR(pd, await app.map(1), 4096, ['local_write', 'mw_bind']);
    const p = await pair(ctx, pd);
    const mw = await ctx.allocMW(pd);
    await ctx.bindMW(p.qps[0], mw, { mr, addr: mr.addr, len: 8, access: ['remote_read'] });
    t.is(await completion(p, 0), 'SUCCESS');
    await ctx.deallocMW(mw);
    t.is(m.hca.windows.size, 0);
    await ctx.deregMR(mr);
  });
});

test('the library refuses binds of its own accord', async (t) => {
  await withContext(rdmaMachine(), async (ctx, app) => {
    const [pd, pd2] = [await ctx.allocPD(), await ctx.allocPD()];
    const mr = await ctx.regMR(pd2, await app.map(1), 4096, ['local_write', 'mw_bind']);
    const { qps } = await pair(ctx, pd);
    const [one, two] = [await ctx.allocMW(pd), await ctx.allocMW(pd, 2)];
    const bind = { mr: null, addr: 0, len: 0, access: [] } as const;
    await t.throwsAsync(() => ctx.bindMW(qps[0], two, bind), { message: /^EINVAL.*type 2/ });
    const zero = { ...bind, access: ['zero_based'] } as const;
    await t.throwsAsync(() => ctx.bindMW(qps[0], one, zero), { message: /^EINVAL.*zero-based/ });
    await t.throwsAsync(() => ctx.bindMW(qps[0], one, { ...bind, mr }), { message: /^EPERM/ });
  });
});
