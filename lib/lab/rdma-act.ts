// rdma, pinned: the holder registers its mapping and a remote peer goes on writing to it.

import rdma, { accessOf, type CQ, type QP, type VerbsContext } from '../../drivers/rdma/index.js';
import type { Process } from '../machine.js';
import { KiB, ms, seconds } from '../units.js';
import type { Act, Running } from './acts.js';
import { Background, quietly } from './background.js';
import { dmaByte, fileLen, type Stage } from './stage.js';

const writeLen = 4 * KiB;
const everyNs = ms(10);

interface Port {
  readonly context: VerbsContext;
  readonly cq: CQ;
  readonly qp: QP;
}

async function openPort(process: Process): Promise<Port> {
  const context = await process.openDevice('rdma0');
  const pd = await context.allocPD();
  const cq = await context.createCQ(16);
  return { context, cq, qp: await context.createQP({ pd, sendCQ: cq, recvCQ: cq }) };
}

/** RESET to RTS, towards a queue pair of the same adapter. */
async function connect({ context, qp }: Port, peer: Port): Promise<void> {
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

export const rdmaPinned: Act = {
  longterm: true,
  drivers: [rdma],
  async start({ machine, app, addr }: Stage): Promise<Running> {
    const holder = await openPort(app);
    const access = ['local_write', 'remote_write'] as const;
    const mr = await holder.context.regMR(holder.qp.pd, addr, fileLen, access);
    const peer = machine.spawn('peer');
    const port = await openPort(peer);
    await connect(holder, port);
    await connect(port, holder);
    const source = await peer.mmap({ len: writeLen, prot: 'rw', share: 'private' });
    await peer.store(source, new Uint8Array(writeLen).fill(dmaByte));
    const { lkey } = await port.context.regMR(port.qp.pd, source, writeLen);
    let pos = 0;
    const traffic = new Background(machine.sched, 'peer writes', async (task) => {
      await port.context.postSend(port.qp, {
        wrId: 1,
        opcode: 'RDMA_WRITE',
        flags: ['signaled'],
        sgList: [{ addr: source, len: writeLen, lkey }],
        remoteAddr: addr + pos,
        rkey: mr.rkey,
      });
      const [wc] = await port.context.waitCQ(port.cq, { timeoutNs: seconds(30) });
      pos = (pos + writeLen) % fileLen;
      await machine.clock.sleep(task, everyNs);
      return wc?.status === 'SUCCESS';
    });
    return {
      get done() {
        return traffic.done;
      },
      get failed() {
        return traffic.failed;
      },
      untilBusy: async () => {},
      release: () => quietly(() => holder.context.deregMR(mr)),
    };
  },
};
