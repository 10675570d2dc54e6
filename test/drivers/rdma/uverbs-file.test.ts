// Goal: closing the file destroys everything, newest first, however it hangs together.

import test from 'ava';
import { assertBalanced } from '../../support/balance.js';
import { pages } from '../../support/driver-machine.js';
import { allRights, pair, rdmaMachine, withContext, wrOf } from '../../support/rdma.js';

test('a region that its window and a transfer hold is gone after close', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const mr = await ctx.regMR(pd, await app.map(8), pages(8), allRights);
    const mw = await ctx.allocMW(pd);
    const later = await ctx.regMR(pd, mr.addr, pages(8), allRights);
    const p = await pair(ctx, pd);
    await ctx.bindMW(p.qps[0], mw, { mr: later, addr: mr.addr, len: 8, access: ['remote_read'] });
    await ctx.postSend(p.qps[0], wrOf({ opcode: 'RDMA_WRITE', local: mr, remote: mr, len: 9000 }));
    t.is(app.process.mm.pinnedVm, 16);
  });
  t.is(m.hca.regions.size + m.hca.windows.size + m.hca.queuePairs.size, 0);
  assertBalanced(t, m.env, { mms: m.mms });
});
