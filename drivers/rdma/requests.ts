// The requests of an uverbs node, by name: what each takes and answers.

import type { AdviseMRArg } from './advise-mr.js';
import type { DmaBuf } from '../../lib/driver/index.js';
import type { MRInfo, RegMRArg, RegMRResult } from './mr-registration.js';
import type { ReregMRArg } from './mr-rereg.js';
import type { QPType } from './opcode.js';
import type { CreateQPArg } from './qp.js';
import type { AHAttr, QPAttr, QPState } from './qp-state.js';
import type { QPCap } from './queue-pair.js';
import type { SRQAttr } from './srq.js';
import type { AsyncEvent } from './uverbs-file.js';
import type { WC } from './wc.js';
import type { RecvWR, SendWR } from './work-request.js';
import type { WindowType } from './memory-window.js';

interface Handle {
  readonly handle: number;
}

export interface DeviceInfo {
  readonly gid: string;
  readonly limits: Readonly<Record<string, number>>;
  readonly odp: boolean;
  readonly implicitOdp: boolean;
}

export type VerbsRequests = {
  ADVISE_MR: { arg: AdviseMRArg; ret: void };
  ALLOC_MW: { arg: { pd: number; type: WindowType }; ret: Handle & { rkey: number } };
  ALLOC_PD: { arg: Record<string, never>; ret: Handle };
  CREATE_AH: { arg: { pd: number; attr: AHAttr }; ret: Handle };
  CREATE_COMP_CHANNEL: { arg: Record<string, never>; ret: Handle };
  CREATE_CQ: {
    arg: { cqe: number; channel?: number; compVector?: number };
    ret: Handle & { cqe: number };
  };
  CREATE_QP: { arg: CreateQPArg; ret: Handle & { qpNum: number; cap: QPCap } };
  CREATE_SRQ: { arg: { pd: number; attr: SRQAttr }; ret: Handle & { maxWR: number } };
  DEALLOC_MW: { arg: Handle; ret: void };
  DEALLOC_PD: { arg: Handle; ret: void };
  DEREG_MR: { arg: Handle; ret: void };
  DESTROY_AH: { arg: Handle; ret: void };
  DESTROY_COMP_CHANNEL: { arg: Handle; ret: void };
  DESTROY_CQ: { arg: Handle; ret: void };
  DESTROY_QP: { arg: Handle; ret: void };
  DESTROY_SRQ: { arg: Handle; ret: void };
  GET_ASYNC_EVENT: { arg: Record<string, never>; ret: AsyncEvent };
  GET_CQ_EVENT: { arg: { channel: number }; ret: { cq: number } };
  MODIFY_QP: { arg: { qp: number; attr: QPAttr }; ret: void };
  MODIFY_SRQ: { arg: { srq: number; srqLimit: number }; ret: void };
  POLL_CQ: { arg: { cq: number; max: number }; ret: readonly WC[] };
  POST_RECV: { arg: { qp: number; wr: RecvWR | readonly RecvWR[] }; ret: void };
  POST_SEND: { arg: { qp: number; wr: SendWR | readonly SendWR[] }; ret: void };
  POST_SRQ_RECV: { arg: { srq: number; wr: RecvWR | readonly RecvWR[] }; ret: void };
  QUERY_DEVICE: { arg: Record<string, never>; ret: DeviceInfo };
  QUERY_MR: { arg: { mr: number }; ret: MRInfo };
  QUERY_QP: {
    arg: { qp: number };
    ret: { state: QPState; attr: QPAttr; cap: QPCap; type: QPType; qpNum: number };
  };
  QUERY_SRQ: { arg: { srq: number }; ret: SRQAttr };
  REG_DMABUF_MR: { arg: RegMRArg & { buf: DmaBuf; offset: number }; ret: RegMRResult };
  REG_MR: { arg: RegMRArg; ret: RegMRResult };
  REG_MR_LEASE: { arg: RegMRArg; ret: RegMRResult };
  REQ_NOTIFY_CQ: { arg: { cq: number; solicitedOnly: boolean }; ret: void };
  REREG_MR: { arg: ReregMRArg; ret: { lkey: number; rkey: number } };
  RESIZE_CQ: { arg: { cq: number; cqe: number }; ret: { cqe: number } };
  RETURN_MR: { arg: { mr: number }; ret: void };
  WAIT_CQ: { arg: { cq: number; max: number; timeoutNs?: number }; ret: readonly WC[] };
};
