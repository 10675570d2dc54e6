// Goal: a device knows the regions of all its open files, since all of them die in a reset.

import test from 'ava';
import type { RdmaDevice } from '../../../drivers/rdma/rdma-device.js';
import type { VerbsContext } from '../../../drivers/rdma/verbs-context.js';
import { rdmaMachine, withContext } from '../../support/rdma.js';

test('regions of two open files, and domains with numbers of their own', async (t) => {
  const m = rdmaMachine();
  const device = m.core.device('rdma0').driverState as RdmaDevice;
  await withContext(m, async (ctx, app) => {
    const other = await app.open<VerbsContext>('rdma0');
    for (const one of [ctx, other]) {
      await one.regMR(await one.allocPD(), await app.map(1), 4096);
    }
    t.is(device.regions.size, 2);
    t.is(new Set([...device.regions].map((mr) => mr.pd.pdn)).size, 2);
    await other.close();
    t.is(device.regions.size, 1);
  });
  t.is(device.regions.size, 0);
});
