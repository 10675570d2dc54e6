// A request of the send queue as the message that goes out on the wire.

import { opcodes } from './opcode.js';
import type { Payload } from './payload.js';
import type { QueuePair, SendWQE } from './queue-pair.js';
import type { WireRequest } from './wire.js';

/** The address of the adapter that a request goes to. */
export const destOf = (qp: QueuePair, wqe: SendWQE): string =>
  wqe.ah?.dgid ?? qp.attr.ahAttr?.dgid ?? qp.hca.gid;

/** complete: false if the sender fails before the last packet. */
export function requestOf(
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
    destGid: destOf(qp, wqe),
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
