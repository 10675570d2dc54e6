// Goal: one buffer, two devices: a camera's exported buffer that an RDMA adapter has registered is
//   written by both, and when the exporter takes it back neither reaches it.
// Method: two connected queue pairs of one application; the remote end is the exported buffer.

import test from 'ava';
import { bootMachine, type Machine, type Process } from '../../../lib/machine.js';
import { seconds } from '../../../lib/units.js';
import rdma, { accessOf, type CQ, type PD, type QP } from '../../../drivers/rdma/index.js';
import type { VerbsContext } from '../../../drivers/rdma/index.js';
import v4l2, { type V4L2State } from '../../../drivers/v4l2/index.js';
import { Watch } from './watch.js';
import { assertMachineBalanced } from '../../support/balance.js';

const access = ['local_write', 'remote_write'] as const;
const white = [179, 128, 179, 128];

interface End {
  readonly qp: QP;
  readonly cq: CQ;
}

async function newEnd(ctx: VerbsContext, pd: PD): Promise<End> {
  const cq = await ctx.createCQ(16);
  const cap = { maxSendWR: 16, maxRecvWR: 16, maxSendSGE: 1, maxRecvSGE: 1 };
  return { qp: await ctx.createQP({ pd, sendCQ: cq, recvCQ: cq, cap }), cq };
}

async function connect(ctx: VerbsContext, end: End, peer: End): Promise<void> {
  const { gid: dgid } = await ctx.queryDevice();
  const qpAccessFlags = accessOf([...access]);
  await ctx.modifyQP(end.qp, { qpState: 'INIT', pkeyIndex: 0, portNum: 1, qpAccessFlags });
  await ctx.modifyQP(end.qp, {
    qpState: 'RTR',
    ahAttr: { dgid, portNum: 1 },
    pathMtu: 1024,
    destQPNum: peer.qp.qpNum,
    rqPsn: 0,
    maxDestRdAtomic: 1,
    minRnrTimer: 12,
  });
  const rts = { sqPsn: 0, timeout: 14, retryCnt: 7, rnrRetry: 1, maxRdAtomic: 1 };
  await ctx.modifyQP(end.qp, { qpState: 'RTS', ...rts });
}

/** Everything but the device's close: the application's exit does that. */
async function story(machine: Machine, app: Process): Promise<Record<string, unknown>> {
  const camera = await app.openDevice('video0');
  const watch = new Watch();
  const { capture } = machine.drivers.device('v4l20').driverState as V4L2State;
  watch.attach(camera.io, capture.node.queue);
  const { sizeimage } = await camera.setFormat({ width: 320, height: 180, pixelformat: 'YUYV' });
  await camera.requestBuffers({ count: 2, memory: 'MMAP' });
  const buf = await camera.exportBuffer(0);
  const addr = await camera.mapBuffer(0);
  const ctx = await app.openDevice('rdma0');
  const pd = await ctx.allocPD();
  const [near, far] = [await newEnd(ctx, pd), await newEnd(ctx, pd)];
  await connect(ctx, near, far);
  await connect(ctx, far, near);
  const source = await app.mmap({ len: 4096 });
  await app.store(source, Uint8Array.of(1, 2, 3, 4));
  const local = await ctx.regMR(pd, source, 4096, ['local_write']);
  const remote = await ctx.regDmaBufMR(pd, buf, 0, sizeimage, 0x1000, [...access]);
  const write = async (): Promise<string | undefined> => {
    await ctx.postSend(near.qp, {
      wrId: 1,
      opcode: 'RDMA_WRITE',
      flags: ['signaled'],
      sgList: [{ addr: local.addr, len: 4, lkey: local.lkey }],
      remoteAddr: 0x1000,
      rkey: remote.rkey,
    });
    return (await ctx.waitCQ(near.cq, { timeoutNs: seconds(3) }))[0]?.status;
  };
  const first = await write();
  const byRdma = [...(await app.load(addr, 4))];
  await camera.queueBuffer({ index: 0 });
  await camera.streamOn();
  const { bytesused } = await camera.dequeueBuffer();
  const byCamera = [...(await app.load(addr, 4))];
  await machine.sched.enter('exporter', (task) => buf.invalidate(task));
  const after = await write();
  const kept = [...(await app.load(addr, 4))];
  watch.settle();
  return { first, byRdma, full: bytesused === sizeimage, byCamera, after, kept };
}

test('a camera and an adapter write one buffer; taken back, the adapter is refused', async (t) => {
  const machine = await bootMachine({ kernel: 'proposed', drivers: [v4l2, rdma], iommu: 'strict' });
  const app = machine.spawn('app');
  t.deepEqual(await story(machine, app), {
    first: 'SUCCESS',
    byRdma: [1, 2, 3, 4],
    full: true,
    byCamera: white,
    after: 'REM_ACCESS_ERR',
    kept: white,
  });
  t.deepEqual(machine.referee.verdict().stray, []);
  await assertMachineBalanced(t, machine);
});
