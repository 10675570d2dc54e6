// Goal: two ports that are connected carry a WRITE from one process to the other.

import test from 'ava';
import rdma from '../../../drivers/rdma/index.js';
import { connectPort, openPort } from '../../../lib/explore/world/verbs-port.js';
import { PAGE_SIZE } from '../../../lib/units.js';
import { balancedMachine } from '../../support/machine.js';

test('a WRITE goes from one port to the other', async (t) => {
  await using machine = await balancedMachine(t, { clock: 'virtual', drivers: [rdma] });
  const [near, far] = [machine.spawn('near'), machine.spawn('far')];
  const [a, b] = [await openPort(near), await openPort(far)];
  await connectPort(a, b);
  await connectPort(b, a);
  const from = await near.mmap({ len: PAGE_SIZE, prot: 'rw', share: 'private' });
  const into = await far.mmap({ len: PAGE_SIZE, prot: 'rw', share: 'private' });
  await near.store(from, Uint8Array.of(1, 2, 3));
  const { lkey } = await a.context.regMR(a.qp.pd, from, PAGE_SIZE);
  const access = ['local_write', 'remote_write'] as const;
  const { rkey } = await b.context.regMR(b.qp.pd, into, PAGE_SIZE, access);
  await a.context.postSend(a.qp, {
    ...{ wrId: 7, opcode: 'RDMA_WRITE', flags: ['signaled'], remoteAddr: into, rkey },
    sgList: [{ addr: from, len: 3, lkey }],
  });
  const [wc] = await a.context.waitCQ(a.cq);
  t.deepEqual([wc?.wrId, wc?.status], [7, 'SUCCESS']);
  t.deepEqual([...(await far.load(into, 4))], [1, 2, 3, 0]);
});
