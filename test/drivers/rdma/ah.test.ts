// Goal: an address handle needs an address, and a domain.

import test from 'ava';
import { checkAHAttr } from '../../../drivers/rdma/ah.js';
import { rdmaMachine, withContext } from '../../support/rdma.js';

test('attributes without an address, or for another port, are EINVAL', (t) => {
  t.deepEqual(checkAHAttr({ dgid: 'fe80::1' }), { dgid: 'fe80::1', portNum: 1 });
  for (const attr of [null, {}, { dgid: '' }, { dgid: 5 }, { dgid: 'fe80::1', portNum: 2 }]) {
    t.throws(() => checkAHAttr(attr), { message: /^EINVAL/ });
  }
});

test('a handle is made and destroyed once', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx) => {
    const pd = await ctx.allocPD();
    const ah = await ctx.createAH(pd, { dgid: 'fe80::1' });
    t.is(m.hca.addressHandles.size, 1);
    await ctx.destroyAH(ah);
    await t.throwsAsync(() => ctx.destroyAH(ah), { message: /^ENOENT/ });
    t.is(m.hca.addressHandles.size, 0);
  });
});
