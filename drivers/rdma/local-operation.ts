// Requests that never leave the adapter: BIND_MW and LOCAL_INV (rxe_req.c: rxe_do_local_ops).

import type { QueuePair } from './queue-pair.js';
import { bindRefusal, doBind } from './memory-window.js';
import { invalidate } from './receive.js';
import type { WCStatus } from './wc.js';
import type { BindInfo, SendWR } from './work-request.js';

/** Carry it out at once; its status. */
export function runLocal(qp: QueuePair, wr: SendWR): WCStatus {
  if (wr.opcode === 'LOCAL_INV') {
    return invalidate(qp, wr.invalidateRkey!) ? 'SUCCESS' : 'LOC_QP_OP_ERR';
  }
  return bind(qp, wr.bind!) ? 'SUCCESS' : 'MW_BIND_ERR';
}

function bind(qp: QueuePair, info: BindInfo): boolean {
  const { hca } = qp;
  const mw = hca.windows.get(info.mwRkey);
  if (mw === undefined || mw.rkey !== info.mwRkey) return false;
  const region = info.len === 0 ? null : hca.regions.get(info.mrLkey);
  if (region === undefined || (region !== null && region.lkey !== info.mrLkey)) return false;
  const binder = { qpn: qp.qpn, pd: qp.init.pd };
  if (bindRefusal(mw, region, info, binder) !== null) return false;
  doBind(mw, region, info, binder);
  return true;
}
