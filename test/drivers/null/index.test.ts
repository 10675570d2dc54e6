// Goal: the template driver is a whole driver: it fills memory, refuses what is not memory, and
// passes the compliance suite.

import test from 'ava';
import nullDriver, { ByteSource } from '../../../drivers/null/index.js';
import { complianceSuite } from '../../../lib/driver/compliance.js';
import { isErrno } from '../../../lib/errno.js';
import { PAGE_SIZE } from '../../../lib/units.js';
import { assertBalanced } from '../../support/balance.js';
import { App, driverMachine } from '../../support/driver-machine.js';

complianceSuite(test, {
  driver: nullDriver,
  hardware: () => new ByteSource(),
  nodes: (name) => [name],
  async exercise({ file, caller, map }) {
    const addr = await map(2);
    await file.ioctl(caller, 'FILL', { addr, len: 2 * PAGE_SIZE });
    await file.ioctl(caller, 'FILL', { addr: addr + 10, len: 20 });
  },
});

test('FILL writes the byte over the range and nowhere else', async (t) => {
  const m = driverMachine({ iommu: 'strict' });
  const hardware = new ByteSource();
  m.core.register(nullDriver);
  m.core.addDevice('emul,byte-source', hardware);
  await m.run(async (task) => {
    const app = new App(m, task);
    const addr = await app.map(2);
    const file = await app.openNode('null0');
    hardware.byte = 0x5a;
    await file.ioctl(app.caller, 'FILL', { addr: addr + PAGE_SIZE - 2, len: 4 });
    t.deepEqual([...(await app.load(addr + PAGE_SIZE - 3, 6))], [0, 0x5a, 0x5a, 0x5a, 0x5a, 0]);
    const error = await t.throwsAsync(() => file.ioctl(app.caller, 'FILL', { addr: 4096, len: 1 }));
    t.true(isErrno(error, 'EFAULT'));
    await app.close(file);
    await app.exit();
  });
  assertBalanced(t, m.env, { mms: m.mms });
});
