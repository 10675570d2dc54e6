// A live machine with an adapter of a given address and a DAX file that it registered: one end of
// a wire between processes.

import rdma, { Hca } from '../../drivers/rdma/index.js';
import type { CQ, MR, PD, QP, QPAttr, VerbsContext } from '../../drivers/rdma/verbs-context.js';
import { bootMachine, type Machine, type Process } from '../../lib/machine.js';
import { MiB, PAGE_SIZE } from '../../lib/units.js';
import { connectSteps } from './rdma-connect.js';

export interface Linked {
  readonly machine: Machine;
  readonly app: Process;
  readonly hca: Hca;
  readonly ctx: VerbsContext;
  readonly pd: PD;
  readonly cq: CQ;
  readonly qp: QP;
  /** Of the whole file /data, two pages. */
  readonly mr: MR;
}

export async function linkedMachine(gid: string): Promise<Linked> {
  const machine = await bootMachine({
    ...{ size: 16 * MiB, ram: 16 * MiB, kernel: 'proposed' },
    mounts: { '/': { flavor: 'ext4', dax: true, policy: 'revoke' } },
  });
  const hca = new Hca({ gid });
  machine.drivers.register(rdma);
  machine.drivers.addDevice('emul,hca', hca, 'rdma0');
  const app = machine.spawn('app');
  const ctx = await app.openDevice('rdma0');
  const pd = await ctx.allocPD();
  const cq = await ctx.createCQ(64);
  const cap = { maxSendWR: 16, maxRecvWR: 16 };
  const qp = await ctx.createQP({ pd, sendCQ: cq, recvCQ: cq, cap });
  const mr = await fileRegion(app, ctx, pd, '/data');
  return { machine, app, hca, ctx, pd, cq, qp, mr };
}

/** A region of a new file of two pages, for everything. */
export async function fileRegion(
  app: Process,
  ctx: VerbsContext,
  pd: PD,
  path: string,
): Promise<MR> {
  const fd = await app.open(path, ['rdwr', 'creat']);
  const len = 2 * PAGE_SIZE;
  await app.write(fd, 0, new Uint8Array(len));
  const addr = await app.mmap({ fd, len, prot: 'rw', share: 'shared' });
  return ctx.regMR(pd, addr, len, ['local_write', 'remote_write', 'remote_read', 'remote_atomic']);
}

/** 8.6 s for each message: nobody on a busy machine is taken for dead. */
const patient: QPAttr = { timeout: 18, retryCnt: 7, rnrRetry: 7 };

/** Bring the queue pair from whatever state to RTS, connected to the other process's. */
export async function connectAcross(
  { ctx, qp }: Linked,
  peer: { readonly gid: string; readonly qpNum: number },
  attr: QPAttr = patient,
): Promise<void> {
  await ctx.modifyQP(qp, { qpState: 'RESET' });
  const rights = ['local_write', 'remote_write', 'remote_read', 'remote_atomic'] as const;
  for (const step of connectSteps('RC', rights, peer.qpNum, peer.gid, attr)) {
    await ctx.modifyQP(qp, step);
  }
}
