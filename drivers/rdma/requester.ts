// The sending end of a queue pair: a thread of the adapter that takes one request after the other
// and sees each to its end (rxe_req.c, rxe_comp.c).
//
//   local trouble (own keys, a bind, LOCAL_INV)      status of its own, or the flush's (rules.ts)
//   NAK_INVALID NAK_ACCESS NAK_OP                    REM_INV_REQ_ERR REM_ACCESS_ERR REM_OP_ERR
//   RNR, rnr_retry times (7: for ever)               RNR_RETRY_EXC_ERR
//   no answer, retry_cnt times                       RETRY_EXC_ERR
//   the answer does not fit the own buffer           LOC_PROT_ERR
//
// Any of them moves the queue pair to ERR. A request whose queue pair lost its state meanwhile
// completes with WR_FLUSH_ERR, or not at all after RESET.

import { type Task, isErrno } from '../../lib/driver/index.js';
import { accessBits } from './access.js';
import { runLocal } from './local-operation.js';
import { opcodes } from './opcode.js';
import {
  bytesPayload,
  emptyPayload,
  movePayload,
  MoveFault,
  type Payload,
  readPayload,
} from './payload.js';
import type { QueuePair, SendWQE } from './queue-pair.js';
import { resolveList, type ResolvedList } from './scatter-gather.js';
import type { WCStatus } from './wc.js';
import { ackTimeoutNs, rnrTimerNs, type WireRequest, type WireResponse } from './wire.js';

/** How a request ended; 'void': its queue pair was reset under it. */
type Outcome =
  | { readonly status: WCStatus; readonly local: boolean }
  | { readonly status: 'void'; readonly local: false };

const done = (status: WCStatus): Outcome => ({ status, local: false });
const localError = (status: WCStatus): Outcome => ({ status, local: true });
const lostTurn: Outcome = { status: 'void', local: false };

/** The thread of one queue pair; ends when the queue pair is destroyed. */
export async function runRequester(task: Task, qp: QueuePair): Promise<void> {
  while (!qp.destroyed) {
    if (qp.canSend) {
      await sendOne(task, qp);
      continue;
    }
    await qp.work.waitEvent(task, () => qp.canSend || qp.destroyed, {
      mode: 'killable',
      why: `work for QP ${qp.qpn}`,
    });
  }
}

async function sendOne(task: Task, qp: QueuePair): Promise<void> {
  const wqe = qp.takeSend();
  const { epoch } = qp;
  const outcome = await execute(task, qp, wqe, epoch);
  if (qp.epoch !== epoch && outcome.status !== 'SUCCESS') {
    if (qp.state === 'ERR') qp.completeSend(wqe, 'WR_FLUSH_ERR');
    else if (qp.executing === wqe) qp.executing = null;
    return;
  }
  settle(qp, wqe, outcome);
  if (qp.state === 'SQD' && qp.executing === null) qp.onEvent('SQ_DRAINED');
}

function settle(qp: QueuePair, wqe: SendWQE, outcome: Outcome): void {
  const { status } = outcome;
  if (status === 'void') return;
  const flushed = outcome.local && qp.hca.rules.requesterErrorsFlush;
  qp.completeSend(wqe, flushed ? 'WR_FLUSH_ERR' : status);
  if (status !== 'SUCCESS') qp.toError();
}

function execute(task: Task, qp: QueuePair, wqe: SendWQE, epoch: number): Promise<Outcome> {
  const { kind } = opcodes[wqe.wr.opcode];
  if (kind === 'local') {
    const status = runLocal(qp, wqe.wr);
    return Promise.resolve(status === 'SUCCESS' ? done(status) : localError(status));
  }
  if (kind === 'read' || kind === 'atomic') return fetchRemote(task, qp, wqe, epoch);
  return push(task, qp, wqe, epoch);
}

// -- SEND and WRITE: the bytes go out --

async function push(task: Task, qp: QueuePair, wqe: SendWQE, epoch: number): Promise<Outcome> {
  if (qp.type === 'UD' && wqe.len > qp.mtu) return done('SUCCESS'); // IBA C10-93.1.1: no error
  const list = wqe.inline === null ? gather(qp, wqe) : null;
  const failed = list !== null && list.refusal !== null;
  const badStatus = list?.refusal === 'key' ? qp.hca.rules.badLkey : 'LOC_PROT_ERR';
  if (failed && list.goodLen === 0) return localError(badStatus);
  const full = list === null ? bytesPayload(wqe.inline!) : piecesOf(qp, list);
  let request: WireRequest;
  try {
    const payload = qp.type === 'UD' ? await copied(task, full) : full;
    request = requestOf(qp, wqe, payload, !failed);
  } catch (e) {
    if (e instanceof MoveFault) return localError('LOC_PROT_ERR');
    throw e;
  }
  const outcome = await exchange(task, qp, request, epoch);
  if (!failed) return outcome.outcome;
  const refused = outcome.outcome.status !== 'SUCCESS' && outcome.answered;
  return refused && !qp.hca.rules.requesterRunsAhead ? outcome.outcome : localError(badStatus);
}

const copied = async (task: Task, payload: Payload): Promise<Payload> =>
  bytesPayload(await readPayload(task, payload, payload.len));

function gather(qp: QueuePair, wqe: SendWQE): ResolvedList {
  const list = { pd: qp.init.pd, access: 0, sgList: wqe.wr.sgList ?? [] };
  return resolveList(qp.hca, list, wqe.len, qp.mtu);
}

function piecesOf(qp: QueuePair, list: ResolvedList): Payload {
  if (list.goodLen === 0) return emptyPayload;
  const { bus, pace } = qp.hca;
  return { kind: 'pieces', len: list.goodLen, pieces: list.pieces, bus, pace };
}

function requestOf(
  qp: QueuePair,
  wqe: SendWQE,
  payload: Payload | null,
  complete: boolean,
): WireRequest {
  const { wr } = wqe;
  const { kind, imm } = opcodes[wr.opcode];
  const fetchAdd = wr.opcode === 'ATOMIC_FETCH_AND_ADD';
  const request: { -readonly [Field in keyof WireRequest]: WireRequest[Field] } = {
    kind: kind as WireRequest['kind'],
    srcGid: qp.hca.gid,
    srcQPN: qp.qpn,
    destGid: wqe.ah?.dgid ?? qp.attr.ahAttr?.dgid ?? qp.hca.gid,
    destQPN: qp.type === 'UD' ? wr.remoteQPN! : qp.attr.destQPNum!,
    seq: qp.nextSeq,
    len: wqe.len,
    mtu: qp.mtu,
    payload,
    complete,
    remoteAddr: wr.remoteAddr ?? 0,
    rkey: wr.rkey ?? 0,
    solicited: wr.flags?.includes('solicited') === true,
    compare: fetchAdd ? 0n : (wr.compareAdd ?? 0n),
    swapOrAdd: fetchAdd ? (wr.compareAdd ?? 0n) : (wr.swap ?? 0n),
  };
  if (kind === 'atomic') request.atomic = fetchAdd ? 'FETCH_AND_ADD' : 'CMP_AND_SWP';
  if (imm) request.immData = wr.immData ?? 0;
  if (wr.opcode === 'SEND_WITH_INV') request.invalidateRkey = wr.invalidateRkey!;
  if (qp.type === 'UD') request.qkey = wr.remoteQkey!;
  return request;
}

// -- READ and atomics: bytes come back --

async function fetchRemote(
  task: Task,
  qp: QueuePair,
  wqe: SendWQE,
  epoch: number,
): Promise<Outcome> {
  const request = requestOf(qp, wqe, null, true);
  const { outcome, answer } = await exchange(task, qp, request, epoch);
  if (outcome.status !== 'SUCCESS' || answer === null) return outcome;
  const payload = answer.payload ?? wordPayload(answer.old ?? 0n);
  return takeIn(task, qp, wqe, payload, answer);
}

/** What was there before an atomic, as it comes back (big-endian on the wire, host order here). */
function wordPayload(old: bigint): Payload {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, old, true);
  return bytesPayload(bytes);
}

async function takeIn(
  task: Task,
  qp: QueuePair,
  wqe: SendWQE,
  payload: Payload,
  answer: WireResponse,
): Promise<Outcome> {
  const { hca } = qp;
  const access = accessBits.local_write;
  const list = { pd: qp.init.pd, access, sgList: wqe.wr.sgList ?? [] };
  const { pieces, goodLen, refusal } = resolveList(hca, list, payload.len, qp.mtu);
  try {
    await movePayload(task, payload, { pieces, bus: hca.bus, pace: hca.pace }, goodLen);
  } catch (e) {
    if (!(e instanceof MoveFault)) throw e;
    if (e.side === 'target') return done('LOC_PROT_ERR');
    answer.failed?.();
    return done('REM_ACCESS_ERR');
  }
  return done(refusal === null ? 'SUCCESS' : 'LOC_PROT_ERR');
}

// -- one message and its answer, with the retries --

interface Exchanged {
  readonly outcome: Outcome;
  /** Whether the other end said anything. */
  readonly answered: boolean;
  readonly answer: WireResponse | null;
}

const unanswered = (outcome: Outcome): Exchanged => ({ outcome, answered: false, answer: null });

const nakStatus = {
  NAK_INVALID: 'REM_INV_REQ_ERR',
  NAK_ACCESS: 'REM_ACCESS_ERR',
  NAK_OP: 'REM_OP_ERR',
} as const satisfies Partial<Record<WireResponse['syndrome'], WCStatus>>;

async function exchange(
  task: Task,
  qp: QueuePair,
  request: WireRequest,
  epoch: number,
): Promise<Exchanged> {
  const reliable = qp.type === 'RC';
  const opts = {
    answer: reliable,
    timeoutNs: ackTimeoutNs(qp.attr.timeout ?? 0),
    alive() {
      return qp.epoch === epoch && !qp.destroyed;
    },
  };
  let retries = qp.attr.retryCnt ?? 0;
  let rnrRetries = qp.attr.rnrRetry ?? 0;
  for (;;) {
    const sentAtNs = qp.hca.sched.clock.nowNs;
    let answer: WireResponse | null;
    try {
      answer = await qp.hca.fabric.request(task, qp.hca, request, opts);
    } catch (e) {
      if (e instanceof MoveFault) return unanswered(localError('LOC_PROT_ERR'));
      throw e;
    }
    if (!opts.alive()) return unanswered(lostTurn);
    if (!reliable || !request.complete) {
      if (answer === null || answer.syndrome === 'ACK') return unanswered(done('SUCCESS'));
    }
    if (answer === null || answer.syndrome === 'NAK_SEQ') {
      if (retries === 0) return unanswered(done('RETRY_EXC_ERR'));
      if (retries !== 7 || !qp.hca.rules.retryCnt7IsForever) retries--;
      await pause(task, qp, sentAtNs + opts.timeoutNs, opts.alive);
    } else if (answer.syndrome === 'RNR') {
      if (rnrRetries === 0) return unanswered(done('RNR_RETRY_EXC_ERR'));
      if (rnrRetries !== 7) rnrRetries--;
      const { nowNs } = qp.hca.sched.clock;
      await pause(task, qp, nowNs + rnrTimerNs(answer.rnrTimer ?? 0), opts.alive);
    } else if (answer.syndrome === 'ACK') {
      qp.nextSeq++;
      return { outcome: done('SUCCESS'), answered: true, answer };
    } else {
      return { outcome: done(nakStatus[answer.syndrome]), answered: true, answer: null };
    }
    if (!opts.alive()) return unanswered(lostTurn);
  }
}

/** Wait until a time, or until the queue pair loses its state. */
async function pause(
  task: Task,
  qp: QueuePair,
  untilNs: number,
  alive: () => boolean,
): Promise<void> {
  try {
    await qp.work.waitEvent(task, () => !alive(), {
      mode: 'killable',
      why: `the next try of QP ${qp.qpn}`,
      ...(untilNs < Infinity && { untilNs }),
    });
  } catch (e) {
    if (!isErrno(e, 'EINTR') || alive()) throw e;
  }
}
