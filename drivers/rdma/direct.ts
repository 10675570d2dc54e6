// The short way of a WRITE from one pinned region to another of the same adapter, on a live
// machine: one copy of the whole range, with nothing to wait for, so that nothing can come in
// between. Whatever is not so plain goes the long way (requester.ts, responder.ts), which knows
// every refusal and every fault: here is only what succeeds.

import { DmaFault } from '../../lib/driver/index.js';
import { accessBits } from './access.js';
import type { QueuePair, SendWQE } from './queue-pair.js';
import { lookupLocal } from './scatter-gather.js';
import { psnAfter } from './wire.js';

/** Carry a request out, or say false and change nothing. */
export function writeDirectly(qp: QueuePair, wqe: SendWQE): boolean {
  const { hca, attr } = qp;
  const { wr, len, inline } = wqe;
  if (wr.opcode !== 'RDMA_WRITE' || inline !== null || len === 0 || !hca.undisturbed) return false;
  if (hca.bus.isBeside) return false;
  if (qp.type !== 'RC' || attr.ahAttr?.dgid !== hca.gid) return false;
  const peer = hca.queuePairs.get(attr.destQPNum!);
  if (peer === undefined || !awaits(peer, qp.nextSeq)) return false;
  const sge = wr.sgList![0]!;
  const source = sge.len === len ? lookupLocal(hca, qp.init.pd, 0, sge.lkey) : undefined;
  if (source === undefined || !source.covers(sge.addr, len)) return false;
  const target = hca.lookupRemote(peer, accessBits.remote_write, wr.rkey!, wr.remoteAddr!, len);
  const [from, to] = [source.backing.mapping, target?.key.backing.mapping ?? null];
  if (from === null || to === null) return false;
  try {
    hca.bus.copyNow(to, target!.pos, from, sge.addr - source.iova, len);
  } catch (e) {
    if (e instanceof DmaFault) return false;
    throw e;
  }
  hca.counters.requests++;
  hca.counters.steps++;
  qp.nextSeq = peer.expectedSeq = psnAfter(qp.nextSeq, len, qp.mtu);
  return true;
}

/** The peer takes a WRITE of this number, now. */
function awaits(peer: QueuePair, seq: number): boolean {
  if (peer.type !== 'RC' || !peer.receives || peer.expectedSeq !== seq) return false;
  if (((peer.attr.qpAccessFlags ?? 0) & accessBits.remote_write) === 0) return false;
  return peer.rx.holder === null && !peer.cutOff && !peer.destroyed;
}
