// The receiving end of a queue pair: judges each message and carries it out (rxe_resp.c).
//
//   check                               RC answers        UC, UD
//   queue pair not RTR, RTS or SQD      nothing           nothing
//   number too high · too low           NAK_SEQ · again   -
//   QP access flags deny the operation  NAK_INVALID       dropped
//   READ or atomic, none allowed        NAK_INVALID       -
//   the message before had no end, or
//   this one not the length it says     NAK_INVALID       dropped
//   no receive request                  RNR               dropped
//   key, right, range, region state     NAK_ACCESS        dropped
//   buffer of the receive request bad   NAK_OP            the receiver goes to ERR
//
// A NAK other than RNR and NAK_SEQ moves the receiver to ERR. A zero-length READ or WRITE names no
// region at all, so none is looked at (IBA C9-88).

import { type Task } from '../../lib/driver/index.js';
import { accessBits } from './access.js';
import { RegionFault, type MemoryKey } from './memory-key.js';
import { movePayload, MoveFault, type MoveTarget, type Piece } from './payload.js';
import type { QueuePair } from './queue-pair.js';
import { receiveSend } from './receive.js';
import type { WCStatus } from './wc.js';
import { psnBefore, type WireRequest, type WireResponse } from './wire.js';

const ACK: WireResponse = { syndrome: 'ACK' };

/** Carry out one message. null: no answer. MoveFault: the sender's own region failed. */
export async function respond(
  task: Task,
  qp: QueuePair,
  request: WireRequest,
): Promise<WireResponse | null> {
  if (task.sched.on || !qp.rx.tryLock(task)) await qp.rx.lock(task);
  try {
    if (!qp.receives) return null;
    if (qp.type === 'RC') {
      const early = checkSeq(qp, request);
      if (early !== 'expected') return early === 'again' ? await repeat(qp, request) : early;
    }
    const refusal = checkShape(qp, request) ?? checkOp(qp, request) ?? checkResource(qp, request);
    if (refusal !== null) return refusal === 'drop' ? null : refusal;
    const answer = await execute(task, qp, request);
    return qp.type === 'RC' ? answer : null;
  } finally {
    qp.rx.unlock(task);
  }
}

function checkSeq(qp: QueuePair, request: WireRequest): WireResponse | 'expected' | 'again' {
  if (request.seq === qp.expectedSeq) return 'expected';
  if (psnBefore(request.seq, qp.expectedSeq)) return 'again';
  qp.hca.counters.outOfSequence++;
  return { syndrome: 'NAK_SEQ', expected: qp.expectedSeq };
}

/** A message that was carried out before, whose answer got lost. */
async function repeat(qp: QueuePair, request: WireRequest): Promise<WireResponse | null> {
  qp.hca.counters.duplicates++;
  if (request.kind === 'read') return read(qp, request);
  if (request.kind !== 'atomic') return ACK;
  const saved = qp.atomics.find(({ seq }) => seq === request.seq);
  return saved === undefined ? null : { syndrome: 'ACK', old: saved.old };
}

/**
 * check_op_seq and check_length: after packets without a last one no message may begin, and a whole
 * message has the length that its header says.
 */
function checkShape(qp: QueuePair, request: WireRequest): WireResponse | 'drop' | null {
  const { payload, complete, len } = request;
  const cutOff = qp.cutOff;
  qp.cutOff = !complete;
  if (!cutOff && (payload === null || !complete || payload.len === len)) return null;
  return qp.type === 'RC' ? nak(qp, 'NAK_INVALID') : 'drop';
}

const qpRight: Record<WireRequest['kind'], number> = {
  send: 0,
  write: accessBits.remote_write,
  read: accessBits.remote_read,
  atomic: accessBits.remote_atomic,
};

function checkOp(qp: QueuePair, request: WireRequest): WireResponse | 'drop' | null {
  if (qp.type === 'UD') {
    if (request.kind === 'send' && request.qkey === qp.attr.qkey) return null;
    qp.hca.counters.badQkey++;
    return 'drop';
  }
  const right = qpRight[request.kind];
  if (right === 0 || ((qp.attr.qpAccessFlags ?? 0) & right) !== 0) return null;
  return qp.type === 'RC' ? nak(qp, 'NAK_INVALID') : 'drop';
}

/** Whether the message needs a receive request, and takes it. */
function checkResource(qp: QueuePair, request: WireRequest): WireResponse | 'drop' | null {
  if (request.kind === 'read' || request.kind === 'atomic') {
    return (qp.attr.maxDestRdAtomic ?? 0) > 0 ? null : nak(qp, 'NAK_INVALID');
  }
  if (request.kind === 'write' && request.immData === undefined) return null;
  if (qp.receiving !== null) return null;
  qp.receiving = (qp.init.srq ?? qp.rq).take() ?? null;
  if (qp.receiving !== null) return null;
  if (qp.type !== 'RC') return 'drop';
  qp.hca.counters.rnrNaksSent++;
  return { syndrome: 'RNR', rnrTimer: qp.attr.minRnrTimer ?? 0 };
}

const nakStatus = {
  NAK_INVALID: 'REM_INV_REQ_ERR',
  NAK_ACCESS: 'REM_ACCESS_ERR',
  NAK_OP: 'LOC_QP_OP_ERR',
} as const satisfies Record<string, WCStatus>;

/**
 * The message is refused: whatever receive request it had begun ends with the status, and the
 * receiver moves to ERR (do_class_ac_error).
 */
export function nak(qp: QueuePair, syndrome: keyof typeof nakStatus): WireResponse {
  const begun = qp.receiving;
  if (begun !== null) qp.completeRecv({ wrId: begun.wrId, status: nakStatus[syndrome] }, true);
  qp.toError(syndrome === 'NAK_ACCESS' ? 'QP_ACCESS_ERR' : 'QP_REQ_ERR');
  return { syndrome };
}

/** UC and UD say nothing when a message fails; a receiver whose own buffer is bad breaks. */
function refuse(qp: QueuePair, syndrome: keyof typeof nakStatus): WireResponse | null {
  if (qp.type === 'RC' || syndrome === 'NAK_OP') return nak(qp, syndrome);
  qp.receiving = null;
  return null;
}

function execute(
  task: Task,
  qp: QueuePair,
  request: WireRequest,
): Promise<WireResponse | null> | WireResponse {
  if (request.kind === 'send') return receiveSend(task, qp, request, refuse);
  if (request.kind === 'read') return read(qp, request);
  if (request.kind === 'atomic') return atomic(task, qp, request);
  return write(task, qp, request);
}

/** The region behind a remote key, as a piece that looks itself up again at every step. */
class RemotePiece implements Piece {
  readonly len: number;
  readonly pos: number;
  readonly #qp: QueuePair;
  readonly #request: WireRequest;
  readonly #access: number;

  constructor(qp: QueuePair, request: WireRequest, access: number, len: number, pos: number) {
    this.len = len;
    this.pos = pos;
    this.#qp = qp;
    this.#request = request;
    this.#access = access;
  }

  region(): MemoryKey {
    const { rkey, remoteAddr } = this.#request;
    const now = this.#qp.hca.lookupRemote(this.#qp, this.#access, rkey, remoteAddr, this.len);
    if (now === undefined) throw new RegionFault(`rkey ${rkey}: no longer allowed`);
    return now.key;
  }
}

function remotePiece(qp: QueuePair, request: WireRequest, access: number, len: number) {
  const found = qp.hca.lookupRemote(qp, access, request.rkey, request.remoteAddr, len);
  return found && new RemotePiece(qp, request, access, len, found.pos);
}

async function write(
  task: Task,
  qp: QueuePair,
  request: WireRequest,
): Promise<WireResponse | null> {
  if (request.len > 0) {
    const piece = remotePiece(qp, request, accessBits.remote_write, request.len);
    if (piece === undefined) return refuse(qp, 'NAK_ACCESS');
    const { bus, pace } = qp.hca;
    const target: MoveTarget = { pieces: [piece], bus, pace };
    try {
      await movePayload(task, request.payload!, target, request.payload!.len);
    } catch (e) {
      if (e instanceof MoveFault && e.side === 'target') return refuse(qp, 'NAK_ACCESS');
      throw e;
    }
  }
  if (!request.complete) return null;
  qp.advance(request);
  const begun = qp.receiving;
  if (begun !== null && request.immData !== undefined) {
    const { immData, len } = request;
    const wc = { wrId: begun.wrId, status: 'SUCCESS', opcode: 'RECV_RDMA_WITH_IMM' } as const;
    qp.completeRecv({ ...wc, byteLen: len, immData }, request.solicited);
  }
  return ACK;
}

function read(qp: QueuePair, request: WireRequest): WireResponse {
  const { len } = request;
  const { bus, pace } = qp.hca;
  if (len === 0) {
    qp.advance(request);
    return { ...ACK, payload: { kind: 'bytes', len: 0, bytes: new Uint8Array(0) } };
  }
  const piece = remotePiece(qp, request, accessBits.remote_read, len);
  if (piece === undefined) return nak(qp, 'NAK_ACCESS');
  qp.advance(request);
  const payload = { kind: 'pieces', len, pieces: [piece], bus, pace } as const;
  return { ...ACK, payload, failed: () => void nak(qp, 'NAK_ACCESS') };
}

async function atomic(
  task: Task,
  qp: QueuePair,
  request: WireRequest,
): Promise<WireResponse | null> {
  const piece = remotePiece(qp, request, accessBits.remote_atomic, 8);
  if (piece === undefined) return nak(qp, 'NAK_ACCESS');
  const { compare, swapOrAdd } = request;
  const update = (old: bigint): bigint => {
    if (request.atomic === 'FETCH_AND_ADD') return old + swapOrAdd;
    return old === compare ? swapOrAdd : old;
  };
  let old = 0n;
  try {
    const key = piece.region();
    await key.within(async () => {
      await qp.hca.pace.before(task);
      await key.backing.access(task, piece.pos, 8, true, async (mapping, pos) => {
        if ((mapping.offset + pos) % 8 !== 0) throw new Misaligned();
        old = await qp.hca.bus.atomic(mapping, pos, update);
      });
    });
  } catch (e) {
    if (e instanceof Misaligned) return nak(qp, 'NAK_INVALID');
    if (e instanceof RegionFault) return nak(qp, 'NAK_ACCESS');
    throw e;
  }
  qp.advance(request);
  qp.saveAtomic(request.seq, old);
  return { ...ACK, old };
}

/** The bytes behind an aligned address are not aligned: the region's iova says otherwise. */
class Misaligned extends Error {}
