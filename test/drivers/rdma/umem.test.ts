// Goal: a umem undoes its steps last first, wherever it fails. Method: the n-th pin fails.

import test from 'ava';
import rdma, { Hca, type VerbsContext } from '../../../drivers/rdma/index.js';
import { CHUNK_PAGES } from '../../../drivers/rdma/umem.js';
import { failNth } from '../../../lib/driver/filters.js';
import { App, driverMachine, pages } from '../../support/driver-machine.js';
import { assertBalanced } from '../../support/balance.js';

for (const n of [1, 2, 3]) {
  test(`chunk ${n} of 3 failing leaves no pin and no charge`, async (t) => {
    const m = driverMachine({ kernel: 'proposed', ramPages: 1200 });
    m.core.register(rdma);
    m.core.addDevice('emul,hca', new Hca(), {
      filter: (dev) => failNth(dev, 'pinUserPages', n, 'ENOMEM'),
    });
    await m.run(async (task) => {
      const app = new App(m, task);
      const ctx = await app.open<VerbsContext>('rdma0');
      const addr = await app.map(CHUNK_PAGES * 2 + 1);
      const pd = await ctx.allocPD();
      const reg = () => ctx.regMR(pd, addr, pages(CHUNK_PAGES * 2 + 1));
      await t.throwsAsync(reg, { message: /^ENOMEM/ });
      t.is(m.env.pinTable.size, 0);
      t.is(app.process.mm.pinnedVm, 0);
      await ctx.deregMR(await reg());
      await ctx.close();
      await app.exit();
    });
    assertBalanced(t, m.env, { mms: m.mms });
  });
}
