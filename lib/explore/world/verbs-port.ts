// A process's port on rdma0, and how two of them are connected: what a scenario with a remote peer
// begins with.

import { accessOf, type CQ, type QP, type VerbsContext } from '../../../drivers/rdma/index.js';
import type { Process } from '../../machine.js';

export interface VerbsPort {
  readonly context: VerbsContext;
  readonly cq: CQ;
  readonly qp: QP;
}

/** One queue pair, in RESET, with one completion queue for both its sides. */
export async function openPort(process: Process): Promise<VerbsPort> {
  const context = await process.openDevice('rdma0');
  const pd = await context.allocPD();
  const cq = await context.createCQ(16);
  return { context, cq, qp: await context.createQP({ pd, sendCQ: cq, recvCQ: cq }) };
}

/** RESET to RTS, towards a queue pair of the same adapter. */
export async function connectPort({ context, qp }: VerbsPort, peer: VerbsPort): Promise<void> {
  const { gid: dgid } = await context.queryDevice();
  const qpAccessFlags = accessOf(['local_write', 'remote_write']);
  await context.modifyQP(qp, { qpState: 'INIT', pkeyIndex: 0, portNum: 1, qpAccessFlags });
  await context.modifyQP(qp, {
    qpState: 'RTR',
    ahAttr: { dgid, portNum: 1 },
    pathMtu: 4096,
    destQPNum: peer.qp.qpNum,
    rqPsn: 0,
    maxDestRdAtomic: 1,
    minRnrTimer: 12,
  });
  const send = { sqPsn: 0, timeout: 14, retryCnt: 7, rnrRetry: 7, maxRdAtomic: 1 };
  await context.modifyQP(qp, { qpState: 'RTS', ...send });
}
