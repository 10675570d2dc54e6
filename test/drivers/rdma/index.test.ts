// Goal: the RDMA driver owes the core nothing, whatever an application leaves behind and whatever
// fails half way.

import test from 'ava';
import rdma, { Hca } from '../../../drivers/rdma/index.js';
import { VerbsContext } from '../../../drivers/rdma/verbs-context.js';
import { complianceSuite, type ExerciseContext } from '../../../lib/driver/compliance.js';
import { isErrno } from '../../../lib/errno.js';
import { PAGE_SIZE } from '../../../lib/units.js';
import { allRights, pair, run } from '../../support/rdma.js';

async function leaveEverything({ file, caller, map }: ExerciseContext): Promise<void> {
  const ctx = new VerbsContext({
    node: 'dut0',
    ioctl: (request: string, arg: unknown) => file.ioctl(caller, request, arg) as never,
    close: () => Promise.resolve(),
  });
  const addr = await map(3);
  const pd = await ctx.allocPD();
  const mr = await ctx.regMR(pd, addr, 2 * PAGE_SIZE, allRights);
  const p = await pair(ctx, pd);
  await run(p, { opcode: 'RDMA_WRITE', local: mr, remote: mr, remotePos: PAGE_SIZE });
  const mw = await ctx.allocMW(pd);
  await ctx.bindMW(p.qps[0], mw, { mr, addr, len: 8, access: ['remote_write'] });
  await ctx.waitCQ(p.cqs[0]);
  await ctx.createSRQ(pd, { maxWR: 4, maxSGE: 1, srqLimit: 0 });
  await ctx.createCompChannel();
  try {
    await ctx.regMR(pd, addr, PAGE_SIZE, ['local_write', 'on_demand']);
  } catch (e) {
    if (!isErrno(e)) throw e;
  }
  await ctx.regMR(pd, addr, PAGE_SIZE);
}

complianceSuite(test, {
  driver: rdma,
  hardware: () => new Hca(),
  nodes: (name) => [name],
  exercise: leaveEverything,
});
