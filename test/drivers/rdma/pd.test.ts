// Goal: a domain is busy while anything stands on it (facts 5.3).

import test from 'ava';
import type { PD, VerbsContext } from '../../../drivers/rdma/verbs-context.js';
import type { App } from '../../support/driver-machine.js';
import { pair, rdmaMachine, withContext } from '../../support/rdma.js';

type User = (ctx: VerbsContext, pd: PD, app: App) => Promise<() => Promise<void>>;

const users: Record<string, User> = {
  async region(ctx, pd, app) {
    const mr = await ctx.regMR(pd, await app.map(1), 4096);
    return () => ctx.deregMR(mr);
  },
  async window(ctx, pd) {
    const mw = await ctx.allocMW(pd);
    return () => ctx.deallocMW(mw);
  },
  async 'shared receive queue'(ctx, pd) {
    const srq = await ctx.createSRQ(pd, { maxWR: 1, maxSGE: 1, srqLimit: 0 });
    return () => ctx.destroySRQ(srq);
  },
  async 'address handle'(ctx, pd) {
    const ah = await ctx.createAH(pd, { dgid: 'fe80::9' });
    return () => ctx.destroyAH(ah);
  },
  async 'queue pair'(ctx, pd) {
    const p = await pair(ctx, pd);
    return async () => {
      for (const qp of p.qps) await ctx.destroyQP(qp);
    };
  },
};

for (const [what, make] of Object.entries(users)) {
  test(`a domain with a ${what} is EBUSY, without it goes`, async (t) => {
    const m = rdmaMachine();
    await withContext(m, async (ctx, app) => {
      const pd = await ctx.allocPD();
      const unmake = await make(ctx, pd, app);
      await t.throwsAsync(() => ctx.deallocPD(pd), { message: /^EBUSY/ });
      await unmake();
      await ctx.deallocPD(pd);
      await t.throwsAsync(() => ctx.deallocPD(pd), { message: /^ENOENT/ });
    });
  });
}
