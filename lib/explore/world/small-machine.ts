// A small whole machine for the bench and for first tries: file system, leases, an adapter, the
// referee; one process that registers two pages of a file, and another that truncates it.

import rdma, { type MR, type VerbsContext } from '../../../drivers/rdma/index.js';
import { isErrno } from '../../errno.js';
import type { Machine } from '../../machine.js';
import { KiB, PAGE_SIZE } from '../../units.js';
import type { Race, Scenario } from '../scenario.js';
import { machineWorld } from './machine-world.js';

const LEN = 2 * PAGE_SIZE;

/** Two tasks, 30 points: two pages are registered and given back while their file is truncated. */
export const registerAgainstTruncate: Scenario<Machine> = {
  name: 'register-against-truncate',
  title: 'pages of a file are registered and given back while the file is truncated',
  world: machineWorld({
    ...{ kernel: 'proposed', policy: 'linux', drivers: [rdma] },
    ...{ size: 192 * KiB, ram: 64 * KiB },
  }),
  reset: 'restore',
  async body(race: Race, machine: Machine) {
    const app = machine.spawn('app');
    const fd = await app.open('/data', ['rdwr', 'creat']);
    await app.write(fd, 0, new Uint8Array(LEN).fill(1));
    const addr = await app.mmap({ fd, len: LEN, prot: 'rw', share: 'shared' });
    await app.store(addr, Uint8Array.of(2));
    const context = await app.openDevice('rdma0');
    const pd = await context.allocPD();
    const admin = machine.spawn('admin');
    race.task('app', () => registerAndGiveBack(context, () => context.regMR(pd, addr, LEN)));
    race.task('admin', () => admin.truncate('/data', 0));
  },
};

/** EFAULT: the page was gone before. */
async function registerAndGiveBack(
  context: VerbsContext,
  register: () => Promise<MR>,
): Promise<void> {
  try {
    await context.deregMR(await register());
  } catch (e) {
    if (!isErrno(e, 'EFAULT')) throw e;
  }
}
