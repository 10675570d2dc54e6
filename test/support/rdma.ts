// RDMA on a small machine: an adapter, an application, two queue pairs connected to each other.

import { Hca } from '../../drivers/rdma/index.js';
import rdma from '../../drivers/rdma/index.js';
import type { HcaOptions } from '../../drivers/rdma/hca.js';
import type {
  AccessFlags,
  CQ,
  MR,
  PD,
  QP,
  QPAttr,
  VerbsContext,
} from '../../drivers/rdma/verbs-context.js';
import type { QPType, WROpcode } from '../../drivers/rdma/opcode.js';
import type { QPCap } from '../../drivers/rdma/queue-pair.js';
import type { SendWR } from '../../drivers/rdma/work-request.js';
import { isErrno } from '../../lib/errno.js';
import type { Task } from '../../lib/sched/index.js';
import { seconds } from '../../lib/units.js';
import {
  App,
  driverMachine,
  type DriverMachine,
  type DriverMachineOptions,
} from './driver-machine.js';
import type { ProcessOptions } from './mm-fixture.js';
import { connectSteps } from './rdma-connect.js';

export { connectSteps } from './rdma-connect.js';

export interface RdmaMachine extends DriverMachine {
  readonly hca: Hca;
}

export function rdmaMachine(opts: DriverMachineOptions = {}, hw: HcaOptions = {}): RdmaMachine {
  const m = driverMachine({ kernel: 'proposed', ...opts });
  const hca = new Hca(hw);
  m.core.register(rdma);
  m.core.addDevice('emul,hca', hca, { name: 'rdma0' });
  return { ...m, hca };
}

/** Run fn with an application that has the device open; everything is closed afterwards. */
export async function withContext<T>(
  m: RdmaMachine,
  fn: (ctx: VerbsContext, app: App) => Promise<T>,
  opts: ProcessOptions = {},
): Promise<T> {
  return m.run(async (task) => {
    const app = new App(m, task, 'app', opts);
    const ctx = await app.open<VerbsContext>('rdma0');
    const result = await fn(ctx, app);
    await ctx.close();
    await app.exit();
    return result;
  });
}

export const allRights: AccessFlags = [
  'local_write',
  'remote_write',
  'remote_read',
  'remote_atomic',
  'mw_bind',
];

/** What a region over a dma-buf may have. */
export const dataRights: AccessFlags = [
  'local_write',
  'remote_write',
  'remote_read',
  'remote_atomic',
];

/** Those, of a region that follows its mapping. */
export const onDemand: AccessFlags = [...dataRights, 'on_demand'];

export interface Pair {
  readonly ctx: VerbsContext;
  readonly pd: PD;
  readonly qps: readonly [QP, QP];
  readonly cqs: readonly [CQ, CQ];
}

export interface PairOptions {
  readonly type?: QPType;
  readonly access?: AccessFlags;
  readonly cap?: Partial<QPCap>;
  readonly attr?: QPAttr;
  /** Address of each end; its own adapter if not given. */
  readonly gids?: readonly [string, string];
}

export async function connect(
  ctx: VerbsContext,
  qp: QP,
  peer: QP,
  dgid: string,
  opts: PairOptions = {},
): Promise<void> {
  const { type = 'RC', access = allRights, attr } = opts;
  for (const step of connectSteps(type, access, peer.qpNum, dgid, attr)) {
    await ctx.modifyQP(qp, step);
  }
}

/** Two queue pairs of one context, connected, with a completion queue each. */
export async function pair(ctx: VerbsContext, pd: PD, opts: PairOptions = {}): Promise<Pair> {
  const { gid } = await ctx.queryDevice();
  const make = async (): Promise<readonly [QP, CQ]> => {
    const cq = await ctx.createCQ(16);
    const cap = { maxSendWR: 16, maxRecvWR: 16, maxSendSGE: 4, maxRecvSGE: 4, ...opts.cap };
    const qp = await ctx.createQP({ pd, sendCQ: cq, recvCQ: cq, type: opts.type ?? 'RC', cap });
    return [qp, cq];
  };
  const [a, acq] = await make();
  const [b, bcq] = await make();
  await connect(ctx, a, b, gid, opts);
  await connect(ctx, b, a, gid, opts);
  return { ctx, pd, qps: [a, b], cqs: [acq, bcq] };
}

/** Bring both ends of a pair from whatever state back to RTS. */
export async function restate(p: Pair, opts: PairOptions = {}): Promise<void> {
  const { gid } = await p.ctx.queryDevice();
  for (const [qp, peer] of [p.qps, [...p.qps].reverse()] as [QP, QP][]) {
    await p.ctx.modifyQP(qp, { qpState: 'RESET' });
    await connect(p.ctx, qp, peer, gid, opts);
  }
}

export interface Transfer {
  readonly opcode: WROpcode;
  readonly local?: MR;
  readonly localPos?: number;
  readonly remote?: MR;
  readonly remotePos?: number;
  readonly rkey?: number;
  readonly len?: number;
  readonly more?: Partial<SendWR>;
  /** Which end posts. */
  readonly end?: 0 | 1;
}

let nextWrId = 1;

export function wrOf(transfer: Transfer): SendWR {
  const { opcode, local, localPos = 0, remote, remotePos = 0, len = 64, more } = transfer;
  const sgList =
    local === undefined ? [] : [{ addr: local.addr + localPos, len, lkey: local.lkey }];
  return {
    wrId: nextWrId++,
    opcode,
    sgList,
    flags: ['signaled'],
    ...(remote !== undefined && {
      remoteAddr: remote.addr + remotePos,
      rkey: transfer.rkey ?? remote.rkey,
    }),
    ...more,
  };
}

/** Post one request and wait for its completion; its status, or NONE after ten seconds. */
export async function run(p: Pair, transfer: Transfer): Promise<string> {
  const end = transfer.end ?? 0;
  await p.ctx.postSend(p.qps[end], wrOf(transfer));
  return completion(p, end);
}

export async function completion(p: Pair, end: 0 | 1): Promise<string> {
  const [wc] = await p.ctx.waitCQ(p.cqs[end], { timeoutNs: seconds(10) });
  return wc?.status ?? 'NONE';
}

export const recv = (p: Pair, mr: MR, pos: number, len: number, end: 0 | 1 = 1): Promise<void> =>
  p.ctx.postRecv(p.qps[end], {
    wrId: nextWrId++,
    sgList: [{ addr: mr.addr + pos, len, lkey: mr.lkey }],
  });

export type { Task };

/** The errno that a call is refused with, or OK. */
export async function codeOf(fn: () => Promise<unknown>): Promise<string> {
  try {
    await fn();
    return 'OK';
  } catch (e) {
    if (!isErrno(e)) throw e;
    return e.code;
  }
}
