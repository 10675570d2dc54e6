// The sending end of a queue pair: a thread of the adapter that takes one request after the other
// and sees each to its end (rxe_req.c, rxe_comp.c). What stays on the adapter is carried out at
// once; what a reliable queue pair sends to another one goes through its window, where many
// messages are on their way at a time (send-window.ts).
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
import { writeDirectly } from './direct.js';
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
import type { Failure, InFlight } from './send-window.js';
import type { WCStatus } from './wc.js';
import { ackTimeoutNs, psnAfter, rnrTimerNs, type WireRequest, type WireResponse } from './wire.js';
import { destOf, requestOf } from './wire-request.js';

/** How a request ended; 'void': its queue pair was reset under it. */
type Outcome = Failure | { readonly status: 'void'; readonly local: false };

const done = (status: WCStatus): Outcome => ({ status, local: false });
const localError = (status: WCStatus): Failure => ({ status, local: true });
const succeeded = done('SUCCESS');
const lostTurn: Outcome = { status: 'void', local: false };

/** The thread of one queue pair; ends when the queue pair is destroyed. */
export async function runRequester(task: Task, qp: QueuePair): Promise<void> {
  while (!qp.destroyed) {
    if (qp.window.length > 0 && (await tend(task, qp))) continue;
    if (mayTakeUp(qp)) {
      const sent = sendOne(task, qp);
      if (sent !== undefined) await sent;
    } else {
      await rest(task, qp);
    }
  }
}

const nowNs = (qp: QueuePair): number => qp.hca.sched.clock.nowNs;

/** Wait until there is something to do. */
async function rest(task: Task, qp: QueuePair): Promise<void> {
  const untilNs = qp.window.deadlineNs;
  const { why } = qp;
  await qp.work.waitEvent(task, () => hasWork(qp, untilNs), { mode: 'killable', why, untilNs });
}

function hasWork(qp: QueuePair, untilNs: number): boolean {
  const { window } = qp;
  if (window.length > 0 && (window.hasFinished || window.deadlineNs < untilNs)) return true;
  return mayTakeUp(qp) || qp.destroyed;
}

/** What is on the wire leaves room for the next request, and allows it to go before they end. */
function mayTakeUp(qp: QueuePair): boolean {
  if (!qp.canSend) return false;
  const { window, nextSend } = qp;
  if (window.length === 0) return true;
  const { kind } = opcodes[nextSend!.wr.opcode];
  if (kind === 'local' || !window.hasRoom || nowNs(qp) < window.heldUntilNs) return false;
  const { nrFetches } = window;
  if (nrFetches === 0) return true;
  if (nextSend!.wr.flags?.includes('fence')) return false;
  const fetches = kind === 'read' || kind === 'atomic';
  return !fetches || nrFetches < Math.max(1, qp.attr.maxRdAtomic ?? 1);
}

function sendOne(task: Task, qp: QueuePair): Promise<void> | undefined {
  const wqe = qp.takeSend();
  if (!writeDirectly(qp, wqe)) return sendStepwise(task, qp, wqe);
  finish(qp, wqe, qp.epoch, succeeded);
  return undefined;
}

async function sendStepwise(task: Task, qp: QueuePair, wqe: SendWQE): Promise<void> {
  const { epoch } = qp;
  const outcome = await execute(task, qp, wqe, epoch);
  if (outcome !== 'on the wire') finish(qp, wqe, epoch, outcome);
}

/** A request whose queue pair lost its state meanwhile is flushed, or forgotten after RESET. */
function finish(qp: QueuePair, wqe: SendWQE, epoch: number, outcome: Outcome): void {
  if (qp.epoch !== epoch && outcome.status !== 'SUCCESS') {
    if (qp.state === 'ERR') qp.completeSend(wqe, 'WR_FLUSH_ERR');
    else if (qp.executing === wqe) qp.executing = null;
    return;
  }
  settle(qp, wqe, outcome);
  if (qp.state === 'SQD' && qp.idle) qp.onEvent('SQ_DRAINED');
}

function settle(qp: QueuePair, wqe: SendWQE, outcome: Outcome): void {
  const { status } = outcome;
  if (status === 'void') return;
  const flushed = outcome.local && qp.hca.rules.requesterErrorsFlush;
  qp.completeSend(wqe, flushed ? 'WR_FLUSH_ERR' : status);
  if (status !== 'SUCCESS') qp.toError();
}

// -- the window --

/** Do one thing for the messages on the wire; false if there is nothing to do now. */
async function tend(task: Task, qp: QueuePair): Promise<boolean> {
  const { window } = qp;
  const now = nowNs(qp);
  const finished = window.takeFinished(now);
  if (finished !== undefined) {
    qp.executing = finished.wqe;
    const { epoch } = qp;
    finish(qp, finished.wqe, epoch, await outcomeOf(task, qp, finished));
    return true;
  }
  const lost = window.nextToSend(now);
  if (lost !== undefined) await transmit(task, qp, lost);
  else if (now >= window.deadlineNs) window.expire(now);
  else return false;
  return true;
}

function outcomeOf(
  task: Task,
  qp: QueuePair,
  { wqe, failure, answer, request }: InFlight,
): Outcome | Promise<Outcome> {
  if (failure !== null) return failure;
  if (answer === null) return succeeded;
  const status = nakStatus[answer.syndrome];
  if (status !== undefined) return done(status);
  const fetches = request.kind === 'read' || request.kind === 'atomic';
  return fetches ? takeIn(task, qp, wqe, answer) : succeeded;
}

/** Send a message, or send it again: its bytes are read anew, as long as its keys allow it. */
async function transmit(task: Task, qp: QueuePair, entry: InFlight): Promise<void> {
  const { window, hca, epoch } = qp;
  let request: WireRequest;
  try {
    request = await hca.fabric.serialized(task, entry.request);
  } catch (e) {
    if (!(e instanceof MoveFault)) throw e;
    entry.failure = localError('LOC_PROT_ERR');
    return;
  }
  if (qp.epoch !== epoch || entry.state !== 'LOST') return;
  if (entry.failing !== null) {
    if (request.payload!.len > 0) hca.fabric.post(hca, request, null);
    entry.failure = entry.failing;
    return;
  }
  const round = window.sent(entry, nowNs(qp));
  hca.fabric.post(hca, request, (answer) => {
    window.answered(entry, round, answer, nowNs(qp));
    qp.work.wakeAll();
  });
}

/** Put a message into the window; tend() sends it. failing: what goes wrong after its packets. */
function launch(
  qp: QueuePair,
  wqe: SendWQE,
  request: WireRequest,
  failing: Failure | null,
): 'on the wire' {
  const { timeout = 0, retryCnt = 0, rnrRetry = 0 } = qp.attr;
  const { retryCnt7IsForever } = qp.hca.rules;
  const limits = { timeoutNs: ackTimeoutNs(timeout), retryCnt, rnrRetry, retryCnt7IsForever };
  qp.executing = null;
  qp.nextSeq = psnAfter(request.seq, request.len, request.mtu);
  qp.window.add({ wqe, request, failing }, limits);
  return 'on the wire';
}

/** Whether an answer is awaited from another adapter. */
const isAcross = (qp: QueuePair, wqe: SendWQE): boolean =>
  qp.type === 'RC' && destOf(qp, wqe) !== qp.hca.gid;

type Executed = Outcome | 'on the wire';

function execute(
  task: Task,
  qp: QueuePair,
  wqe: SendWQE,
  epoch: number,
): Executed | Promise<Executed> {
  const { kind } = opcodes[wqe.wr.opcode];
  if (kind === 'local') {
    const status = runLocal(qp, wqe.wr);
    return status === 'SUCCESS' ? done(status) : localError(status);
  }
  if (kind === 'read' || kind === 'atomic') return fetchRemote(task, qp, wqe, epoch);
  return push(task, qp, wqe, epoch);
}

// -- SEND and WRITE: the bytes go out --

async function push(task: Task, qp: QueuePair, wqe: SendWQE, epoch: number): Promise<Executed> {
  if (qp.type === 'UD' && wqe.len > qp.mtu) return succeeded; // IBA C10-93.1.1: no error
  const list = wqe.inline === null ? gather(qp, wqe) : null;
  const failed = list !== null && list.refusal !== null;
  const bad = localError(list?.refusal === 'key' ? qp.hca.rules.badLkey : 'LOC_PROT_ERR');
  const full = list === null ? bytesPayload(wqe.inline!) : piecesOf(qp, list);
  if (isAcross(qp, wqe)) {
    return launch(qp, wqe, requestOf(qp, wqe, full, !failed), failed ? bad : null);
  }
  if (failed && list.goodLen === 0) return bad;
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
  return refused && !qp.hca.rules.requesterRunsAhead ? outcome.outcome : bad;
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

// -- READ and atomics: bytes come back --

async function fetchRemote(
  task: Task,
  qp: QueuePair,
  wqe: SendWQE,
  epoch: number,
): Promise<Executed> {
  const request = requestOf(qp, wqe, null, true);
  if (isAcross(qp, wqe)) return launch(qp, wqe, request, null);
  const { outcome, answer } = await exchange(task, qp, request, epoch);
  if (outcome.status !== 'SUCCESS' || answer === null) return outcome;
  return takeIn(task, qp, wqe, answer);
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
  answer: WireResponse,
): Promise<Outcome> {
  const { hca } = qp;
  const payload = answer.payload ?? wordPayload(answer.old ?? 0n);
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

// -- one message that stays on the adapter, or wants no answer; with the retries --

interface Exchanged {
  readonly outcome: Outcome;
  /** Whether the other end said anything. */
  readonly answered: boolean;
  readonly answer: WireResponse | null;
}

const unanswered = (outcome: Outcome): Exchanged => ({ outcome, answered: false, answer: null });

const nakStatus: Readonly<Partial<Record<WireResponse['syndrome'], WCStatus>>> = {
  NAK_INVALID: 'REM_INV_REQ_ERR',
  NAK_ACCESS: 'REM_ACCESS_ERR',
  NAK_OP: 'REM_OP_ERR',
};

/** The answer of the other end; null: none. Datagrams to another adapter have none. */
async function ask(
  task: Task,
  { hca }: QueuePair,
  request: WireRequest,
): Promise<WireResponse | null> {
  if (request.destGid === hca.gid) return hca.deliver(task, request);
  hca.fabric.post(hca, await hca.fabric.serialized(task, request), null);
  return null;
}

async function exchange(
  task: Task,
  qp: QueuePair,
  request: WireRequest,
  epoch: number,
): Promise<Exchanged> {
  const alive = (): boolean => qp.epoch === epoch && !qp.destroyed;
  let retries = qp.attr.retryCnt ?? 0;
  let rnrRetries = qp.attr.rnrRetry ?? 0;
  for (;;) {
    const sentAtNs = nowNs(qp);
    let answer: WireResponse | null;
    try {
      answer = await ask(task, qp, request);
    } catch (e) {
      if (e instanceof MoveFault) return unanswered(localError('LOC_PROT_ERR'));
      throw e;
    }
    if (!alive()) return unanswered(lostTurn);
    if (qp.type !== 'RC' || !request.complete) {
      if (answer === null || answer.syndrome === 'ACK') return unanswered(succeeded);
    }
    if (answer === null || answer.syndrome === 'NAK_SEQ') {
      if (retries === 0) return unanswered(done('RETRY_EXC_ERR'));
      if (retries !== 7 || !qp.hca.rules.retryCnt7IsForever) retries--;
      await pause(task, qp, sentAtNs + ackTimeoutNs(qp.attr.timeout ?? 0), alive);
    } else if (answer.syndrome === 'RNR') {
      if (rnrRetries === 0) return unanswered(done('RNR_RETRY_EXC_ERR'));
      if (rnrRetries !== 7) rnrRetries--;
      await pause(task, qp, nowNs(qp) + rnrTimerNs(answer.rnrTimer ?? 0), alive);
    } else if (answer.syndrome === 'ACK') {
      qp.nextSeq = psnAfter(request.seq, request.len, request.mtu);
      return { outcome: succeeded, answered: true, answer };
    } else {
      return { outcome: done(nakStatus[answer.syndrome]!), answered: true, answer: null };
    }
    if (!alive()) return unanswered(lostTurn);
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
