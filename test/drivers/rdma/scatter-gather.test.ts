// Goal: a list is good up to the first byte that no region allows, in whole packets.

import test from 'ava';
import { accessBits } from '../../../drivers/rdma/access.js';
import { RegionFault } from '../../../drivers/rdma/memory-key.js';
import { resolveList } from '../../../drivers/rdma/scatter-gather.js';
import { rdmaMachine, withContext } from '../../support/rdma.js';

test('pieces, good length and the reason, row by row', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const addr = await app.map(4);
    const mr = await ctx.regMR(pd, addr, 8192);
    const ro = await ctx.regMR(pd, addr, 8192, []);
    const pdn = m.hca.regions.get(mr.lkey)!.pd;
    const sge = (pos: number, len: number, lkey = mr.lkey) => ({ addr: addr + pos, len, lkey });
    const rows = [
      ['one entry', [sge(0, 5000)], 5000, 0, 5000, null],
      ['two entries', [sge(0, 3000), sge(100, 3000)], 6000, 0, 6000, null],
      ['an empty entry with a bad key', [sge(0, 0, 1), sge(0, 10)], 10, 0, 10, null],
      ['past the end', [sge(8000, 5000)], 5000, 0, 0, 'range'],
      ['past the end after two packets', [sge(6000, 5000)], 5000, 0, 2048, 'range'],
      ['a bad key first', [sge(0, 5000, 1)], 5000, 0, 0, 'key'],
      ['a bad key after three packets', [sge(0, 3500), sge(0, 10, 1)], 3510, 0, 3072, 'key'],
      ['without the right', [sge(0, 10, ro.lkey)], 10, accessBits.local_write, 0, 'key'],
      ['before the start', [sge(-4, 10)], 10, 0, 0, 'range'],
    ] as const;
    for (const [what, sgList, len, access, goodLen, refusal] of rows) {
      const found = resolveList(m.hca, { pd: pdn, access, sgList }, len, 1024);
      t.deepEqual([found.goodLen, found.refusal], [goodLen, refusal], what);
    }
    const { pieces } = resolveList(m.hca, { pd: pdn, access: 0, sgList: [sge(100, 10)] }, 10, 1024);
    t.is(pieces[0]!.pos, 100);
    t.is(pieces[0]!.region().lkey, mr.lkey);
    await ctx.deregMR(mr);
    t.throws(() => pieces[0]!.region(), { instanceOf: RegionFault });
  });
});
