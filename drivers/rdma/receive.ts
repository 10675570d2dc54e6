// Receiving a SEND: its bytes go where the receive request at the head of the queue says.
//
// A message longer than the request, or a buffer the receiver may not write, is the receiver's
// fault: it completes with LOC_QP_OP_ERR and the sender with REM_OP_ERR (rxe_resp.c:
// send_data_in, RESPST_ERR_MALFORMED_WQE). Packets that fitted have been written by then.

import type { Task } from '../../lib/driver/index.js';
import { accessBits } from './access.js';
import { isWindowKey } from './keys.js';
import { emptyPayload, bytesPayload, movePayload, MoveFault, type Payload } from './payload.js';
import type { QueuePair } from './queue-pair.js';
import type { RecvWQE } from './recv-queue.js';
import { resolveList } from './scatter-gather.js';
import type { WC } from './wc.js';
import type { WireRequest, WireResponse } from './wire.js';

/** Room for a routing header before each datagram (struct ib_grh). */
export const GRH_LEN = 40;

type Refuse = (qp: QueuePair, syndrome: 'NAK_OP' | 'NAK_INVALID') => WireResponse | null;

export async function receiveSend(
  task: Task,
  qp: QueuePair,
  request: WireRequest,
  refuse: Refuse,
): Promise<WireResponse | null> {
  const wqe = qp.receiving!;
  const payload = await withHeader(qp, request.payload ?? emptyPayload);
  const room = fitting(qp, wqe, payload.len, request.mtu);
  try {
    await scatter(task, qp, wqe, payload, room);
  } catch (e) {
    if (e instanceof MoveFault && e.side === 'target') return refuse(qp, 'NAK_OP');
    throw e;
  }
  if (room < payload.len) return refuse(qp, 'NAK_OP');
  if (!request.complete) return null;
  return finish(qp, request, wqe, payload.len);
}

async function withHeader(qp: QueuePair, payload: Payload): Promise<Payload> {
  if (qp.type !== 'UD') return payload;
  const bytes = new Uint8Array(GRH_LEN + payload.len);
  if (payload.kind === 'bytes') bytes.set(payload.bytes, GRH_LEN);
  return bytesPayload(bytes);
}

/** How many bytes of the message its receive request takes: all, or whole packets. */
function fitting(qp: QueuePair, wqe: RecvWQE, len: number, mtu: number): number {
  const inRequest = len <= wqe.len ? len : wqe.len - (wqe.len % mtu);
  const access = accessBits.local_write;
  const list = { pd: qp.init.pd, access, sgList: wqe.sgList };
  return resolveList(qp.hca, list, inRequest, mtu).goodLen;
}

async function scatter(
  task: Task,
  qp: QueuePair,
  wqe: RecvWQE,
  payload: Payload,
  len: number,
): Promise<void> {
  const { hca } = qp;
  const list = { pd: qp.init.pd, access: accessBits.local_write, sgList: wqe.sgList };
  const { pieces } = resolveList(hca, list, len, 1);
  await movePayload(task, payload, { pieces, bus: hca.bus, pace: hca.pace }, len);
}

/** The last packet is in: invalidate if asked, then complete the receive request. */
function finish(
  qp: QueuePair,
  request: WireRequest,
  wqe: RecvWQE,
  byteLen: number,
): WireResponse | null {
  const { invalidateRkey, immData } = request;
  if (invalidateRkey !== undefined && !invalidate(qp, invalidateRkey)) {
    qp.completeRecv({ wrId: wqe.wrId, status: 'REM_INV_REQ_ERR' }, true);
    qp.toError('QP_REQ_ERR');
    return null;
  }
  if (qp.type === 'RC') qp.advance(request);
  const wc: Omit<WC, 'qpNum'> = {
    wrId: wqe.wrId,
    status: 'SUCCESS',
    opcode: 'RECV',
    byteLen,
    ...(immData !== undefined && { immData }),
    ...(invalidateRkey !== undefined && { invalidatedRkey: invalidateRkey }),
    ...(qp.type === 'UD' && { srcQP: request.srcQPN, grh: true as const }),
  };
  qp.completeRecv(wc, request.solicited);
  return { syndrome: 'ACK' };
}

/**
 * Make a key invalid, as LOCAL_INV and SEND_WITH_INV ask. Only type 2 windows can be: type 1 and
 * regions of applications cannot (rxe_mw.c: rxe_check_invalidate_mw, rxe_mr.c: rxe_invalidate_mr).
 */
export function invalidate(qp: QueuePair, rkey: number): boolean {
  if (!isWindowKey(rkey)) return false;
  const mw = qp.hca.windows.get(rkey);
  if (mw === undefined || mw.rkey !== rkey) return false;
  if (mw.state !== 'VALID' || mw.type === 1) return false;
  mw.release('FREE');
  return true;
}
