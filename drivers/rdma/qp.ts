// ibv_qp: a queue pair of an application.

import { type Caller, Errno, type Task } from '../../lib/driver/index.js';
import type { AH } from './ah.js';
import { checkAHAttr } from './ah.js';
import { checkBoolean, checkInt, checkObject, checkOneOf, listOf, orElse } from './args.js';
import type { CQ } from './cq.js';
import { hcaLimits } from './hca.js';
import type { QPType } from './opcode.js';
import type { PD } from './pd.js';
import { checkStep, type QPAttr, type QPState } from './qp-state.js';
import type { QPCap, QueuePair } from './queue-pair.js';
import type { SRQ } from './srq.js';
import type { UverbsFile } from './uverbs-file.js';
import type { RecvWR, SendWR } from './work-request.js';

export class QP {
  readonly hw: QueuePair;
  readonly pd: PD;
  readonly srq: SRQ | null;

  constructor(hw: QueuePair, pd: PD, srq: SRQ | null) {
    this.hw = hw;
    this.pd = pd;
    this.srq = srq;
    pd.nrUsers++;
    if (srq !== null) srq.nrUsers++;
  }

  /** Everything posted is gone when this returns; a message being received is finished first. */
  async destroy(task: Task): Promise<void> {
    await this.hw.rx.lock(task);
    this.hw.rx.unlock(task);
    this.hw.hca.destroyQP(this.hw);
    this.pd.nrUsers--;
    if (this.srq !== null) this.srq.nrUsers--;
  }
}

export interface CreateQPArg {
  readonly pd: number;
  readonly type: QPType;
  readonly sendCQ: number;
  readonly recvCQ: number;
  readonly srq?: number;
  readonly cap: Partial<QPCap>;
  readonly sqSigAll?: boolean;
}

/** rxe_qp_chk_cap: EINVAL beyond what the adapter has. */
function checkCap(v: unknown): QPCap {
  const cap = checkObject('cap', v);
  const of = (name: string, max: number, otherwise: number): number =>
    checkInt(name, orElse(cap[name], otherwise), 0, max);
  return {
    maxSendWR: of('maxSendWR', hcaLimits.maxQPWR, 16),
    maxRecvWR: of('maxRecvWR', hcaLimits.maxQPWR, 16),
    maxSendSGE: of('maxSendSGE', hcaLimits.maxSGE, 1),
    maxRecvSGE: of('maxRecvSGE', hcaLimits.maxSGE, 1),
    maxInline: of('maxInline', hcaLimits.maxInline, 0),
  };
}

/** EINVAL: a type or size that the adapter does not have. ENOMEM: no queue pair is left. */
export function createQP(
  file: UverbsFile,
  arg: CreateQPArg,
): { handle: number; qpNum: number; cap: QPCap } {
  using pd = file.objects.use<PD>('pd', arg.pd);
  using sendCQ = file.objects.use<CQ>('cq', arg.sendCQ);
  using recvCQ = file.objects.use<CQ>('cq', arg.recvCQ);
  using srq = arg.srq === undefined ? null : file.objects.use<SRQ>('srq', arg.srq);
  const type = checkOneOf('type', arg.type, ['RC', 'UC', 'UD']);
  const cap = checkCap(arg.cap);
  const hw = file.device.hca.createQP({
    type,
    pd: pd.object.pdn,
    sendCQ: sendCQ.object.hw,
    recvCQ: recvCQ.object.hw,
    srq: srq?.object.rq ?? null,
    cap,
    sqSigAll: checkBoolean('sqSigAll', orElse(arg.sqSigAll, false)),
  });
  const handle = file.objects.add('qp', new QP(hw, pd.object, srq?.object ?? null));
  hw.onEvent = (event) => file.raise({ type: event, element: handle });
  return { handle, qpNum: hw.qpn, cap };
}

const MTUS = [256, 512, 1024, 2048, 4096];

/** Values of the attributes: rxe_qp_chk_attr. EINVAL. */
function checkValues(attr: QPAttr): void {
  const range = (name: keyof QPAttr, max: number): void => {
    if (attr[name] !== undefined) checkInt(name, attr[name], 0, max);
  };
  range('pkeyIndex', 0);
  range('qpAccessFlags', 0xffffffff);
  range('qkey', 0xffffffff);
  range('destQPNum', 0xffffff);
  range('rqPsn', 0xffffff);
  range('sqPsn', 0xffffff);
  range('maxDestRdAtomic', 255);
  range('maxRdAtomic', hcaLimits.maxQPRdAtomic);
  range('minRnrTimer', 31);
  range('timeout', 31);
  range('retryCnt', 7);
  range('rnrRetry', 7);
  if (attr.portNum !== undefined && attr.portNum !== 1) {
    throw new Errno('EINVAL', `port ${String(attr.portNum)}`);
  }
  if (attr.pathMtu !== undefined && !MTUS.includes(attr.pathMtu)) {
    throw new Errno('EINVAL', `path MTU ${String(attr.pathMtu)}`);
  }
  if (attr.ahAttr !== undefined) checkAHAttr(attr.ahAttr);
  checkBoolean('enSqdAsyncNotify', orElse(attr.enSqdAsyncNotify, false));
}

/** EINVAL: a step that the state table does not have (qp-state.ts), or a bad value. */
export function modifyQP(file: UverbsFile, arg: { qp: number; attr: QPAttr }): void {
  using qp = file.objects.use<QP>('qp', arg.qp);
  const { hw } = qp.object;
  checkObject('attr', arg.attr);
  const to = checkStep(hw.state, hw.type, arg.attr);
  checkValues(arg.attr);
  hw.modify(to, arg.attr);
}

export function queryQP(
  file: UverbsFile,
  arg: { qp: number },
): { state: QPState; attr: QPAttr; cap: QPCap; type: QPType; qpNum: number } {
  using qp = file.objects.use<QP>('qp', arg.qp);
  const { state, attr, init, type, qpn } = qp.object.hw;
  return { state, attr: { ...attr }, cap: init.cap, type, qpNum: qpn };
}

export async function destroyQP(
  file: UverbsFile,
  arg: { handle: number },
  task: Task,
): Promise<void> {
  using qp = file.objects.own<QP>('qp', arg.handle);
  await qp.object.destroy(task);
  file.objects.remove(qp.handle);
}

/**
 * Post one request, or several in order: those before the first that is refused stay posted.
 * EINVAL ENOMEM as QueuePair.postSend; EFAULT: inline data that cannot be read.
 */
export async function postSend(
  file: UverbsFile,
  arg: { qp: number; wr: SendWR | readonly SendWR[] },
  caller: Caller,
): Promise<void> {
  using qp = file.objects.use<QP>('qp', arg.qp);
  for (const wr of listOf(arg.wr)) {
    const inlining = postOne(file, qp.object, wr, caller);
    if (inlining !== undefined) await inlining;
  }
}

function postOne(file: UverbsFile, qp: QP, wr: SendWR, caller: Caller): Promise<void> | undefined {
  const { hw } = qp;
  checkObject('wr', wr);
  const ah = hw.type === 'UD' ? addressOf(file, wr, qp.pd) : null;
  if (Array.isArray(wr.flags) && wr.flags.includes('inline') && wr.sgList !== undefined) {
    const { maxInline, maxSendSGE } = hw.init.cap;
    return readInline(caller, wr, maxInline, maxSendSGE).then((inline) =>
      hw.postSend(wr, inline, ah),
    );
  }
  hw.postSend(wr, null, ah);
  return undefined;
}

function addressOf(file: UverbsFile, wr: SendWR, pd: PD) {
  using ah = file.objects.use<AH>('ah', wr.ah);
  if (ah.object.pd !== pd) throw new Errno('EINVAL', 'UD: an address handle of another domain');
  return ah.object.attr;
}

/** Inline data is taken when it is posted; too long a list is refused by the queue pair. */
async function readInline(
  caller: Caller,
  wr: SendWR,
  maxInline: number,
  maxSGE: number,
): Promise<Uint8Array | null> {
  const sgList = wr.sgList!;
  if (!Array.isArray(sgList) || sgList.length > maxSGE) return null;
  const len = sgList.reduce((sum, sge) => sum + checkInt('sge length', sge?.len, 0, 2 ** 31), 0);
  if (len > maxInline) return null;
  const bytes = new Uint8Array(len);
  let at = 0;
  for (const { addr, len: n } of sgList) {
    await caller.process.mm.load(caller.task, addr, bytes.subarray(at, at + n));
    at += n;
  }
  return bytes;
}

/** Post one receive request, or several in order up to the first that is refused. */
export function postRecv(
  file: UverbsFile,
  arg: { qp: number; wr: RecvWR | readonly RecvWR[] },
): void {
  using qp = file.objects.use<QP>('qp', arg.qp);
  for (const wr of listOf(arg.wr)) qp.object.hw.postRecv(wr);
}
