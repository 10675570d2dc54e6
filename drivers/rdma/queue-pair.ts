// A queue pair of the adapter: its queues, its state, and what the two ends have counted.
//
// The send side is worked on by the requester (requester.ts, a thread of the adapter), the receive
// side by whoever delivers a message (responder.ts), one at a time.
//
// Moving to ERR flushes: each request that nobody works on completes with WR_FLUSH_ERR, in order.
// The request under way is completed by the requester, which sees by `epoch` that it lost its turn.

import assert from 'node:assert/strict';
import { Errno, Mutex, WaitQueue } from '../../lib/driver/index.js';
import type { CompletionQueue } from './completion-queue.js';
import { ringCapacity } from './completion-queue.js';
import type { Hca } from './hca.js';
import { opcodes, type QPType } from './opcode.js';
import type { AHAttr, QPAttr, QPState } from './qp-state.js';
import { RecvQueue, type RecvWQE } from './recv-queue.js';
import type { WC, WCStatus } from './wc.js';
import { checkSendWR, type RecvWR, type SendWR } from './work-request.js';

export interface QPCap {
  readonly maxSendWR: number;
  readonly maxRecvWR: number;
  readonly maxSendSGE: number;
  readonly maxRecvSGE: number;
  readonly maxInline: number;
}

export interface QPInit {
  readonly type: QPType;
  readonly pd: number;
  readonly sendCQ: CompletionQueue;
  readonly recvCQ: CompletionQueue;
  readonly srq: RecvQueue | null;
  readonly cap: QPCap;
  /** Every send request completes visibly, signaled or not. */
  readonly sqSigAll: boolean;
}

export interface SendWQE {
  readonly wr: SendWR;
  readonly len: number;
  /** Inline data, read from the application when it was posted. */
  readonly inline: Uint8Array | null;
  /** UD: where the address handle pointed when it was posted. */
  readonly ah: AHAttr | null;
}

/** Attributes that modify_qp has set so far. */
export type QPAttrs = { -readonly [N in keyof QPAttr]?: QPAttr[N] };

export type QPEvent =
  'QP_FATAL' | 'QP_REQ_ERR' | 'QP_ACCESS_ERR' | 'COMM_EST' | 'SQ_DRAINED' | 'LAST_WQE_REACHED';

export class QueuePair {
  readonly hca: Hca;
  readonly qpn: number;
  readonly init: QPInit;
  readonly sqCapacity: number;
  readonly rq: RecvQueue;
  readonly attr: QPAttrs = {};
  state: QPState = 'RESET';
  /** Counts the moves to ERR and RESET: work begun before one is void. */
  epoch = 0;
  /** Number of the next message to send, and of the next one expected. */
  nextSeq = 0;
  expectedSeq = 0;
  /** The last atomic answered, for the case that its answer is lost. */
  lastAtomic: { readonly seq: number; readonly old: bigint } | null = null;
  /** A receive request that a message has begun to fill. */
  receiving: RecvWQE | null = null;
  /** The requester works on the head of the send queue. */
  executing: SendWQE | null = null;
  destroyed = false;
  onEvent: (event: QPEvent) => void = () => {};
  /** Wakes the requester. */
  readonly work: WaitQueue;
  /** Held while a message is received. */
  readonly rx: Mutex;
  readonly #sq: SendWQE[] = [];

  constructor(hca: Hca, qpn: number, init: QPInit) {
    this.hca = hca;
    this.qpn = qpn;
    this.init = init;
    this.sqCapacity = ringCapacity(init.cap.maxSendWR);
    this.rq = new RecvQueue(init.srq === null ? init.cap.maxRecvWR : 0, init.cap.maxRecvSGE);
    const { sched } = hca;
    this.work = new WaitQueue(sched, `send queue of QP ${qpn}`);
    this.rx = new Mutex(sched, `receiver of QP ${qpn}`, { lockClass: { name: 'qp receiver' } });
    init.sendCQ.nrUsers++;
    init.recvCQ.nrUsers++;
  }

  get type(): QPType {
    return this.init.type;
  }

  get mtu(): number {
    return this.type === 'UD' ? this.hca.portMtu : (this.attr.pathMtu ?? 256);
  }

  /** Send requests not completed. */
  get sqLength(): number {
    return this.#sq.length + (this.executing === null ? 0 : 1);
  }

  /** Whether the requester may take up the next request. */
  get canSend(): boolean {
    return this.state === 'RTS' && this.#sq.length > 0 && !this.destroyed;
  }

  /** EINVAL: not yet RTS, or a bad request; ENOMEM: the queue is full. */
  postSend(wr: SendWR, inline: Uint8Array | null, ah: AHAttr | null): void {
    const { cap, type } = this.init;
    const limits = { type, maxSGE: cap.maxSendSGE, maxInline: cap.maxInline };
    const len = checkSendWR(wr, limits);
    if (this.sqLength >= this.sqCapacity) {
      throw new Errno('ENOMEM', `post_send: all ${this.sqCapacity} places are taken`);
    }
    if (this.state === 'RESET' || this.state === 'INIT' || this.state === 'RTR') {
      throw new Errno('EINVAL', `post_send: queue pair ${this.qpn} is in ${this.state}`);
    }
    const wqe = { wr, len, inline, ah };
    if (this.state === 'ERR') this.completeSend(wqe, 'WR_FLUSH_ERR');
    else this.#sq.push(wqe);
    this.work.wakeAll();
  }

  /** EINVAL in RESET, on an SRQ or for a bad request; ENOMEM: the queue is full. */
  postRecv(wr: RecvWR): void {
    if (this.init.srq !== null) {
      throw new Errno('EINVAL', `post_recv: queue pair ${this.qpn} receives through an SRQ`);
    }
    if (this.state === 'RESET') {
      throw new Errno('EINVAL', `post_recv: queue pair ${this.qpn} is in RESET`);
    }
    this.rq.post(wr);
    if (this.state === 'ERR' && this.hca.rules.flushLateReceives) this.#flushReceives();
  }

  /** The requester takes the head of the queue. */
  takeSend(): SendWQE {
    const wqe = this.#sq.shift();
    assert(wqe !== undefined && this.executing === null, `QP ${this.qpn}: nothing to take`);
    this.executing = wqe;
    return wqe;
  }

  /** The head waits no longer: give it back to the queue (SQD, RNR in a drained queue). */
  putBack(wqe: SendWQE): void {
    assert(this.executing === wqe);
    this.executing = null;
    this.#sq.unshift(wqe);
  }

  /** Say how a send request ended. Success is silent unless it was asked for. */
  completeSend(wqe: SendWQE, status: WCStatus): void {
    if (this.executing === wqe) this.executing = null;
    const { wr, len } = wqe;
    const ok = status === 'SUCCESS';
    if (ok && !this.init.sqSigAll && !wr.flags?.includes('signaled')) return;
    const { wrId, opcode } = wr;
    const wc: WC = ok
      ? { wrId, status, qpNum: this.qpn, opcode: opcodes[opcode].wc, byteLen: len }
      : { wrId, status, qpNum: this.qpn };
    this.#post(this.init.sendCQ, wc, false);
  }

  completeRecv(wc: Omit<WC, 'qpNum'>, solicited: boolean): void {
    this.receiving = null;
    this.#post(this.init.recvCQ, { ...wc, qpNum: this.qpn }, solicited);
  }

  /** A completion may be dropped by a fault of the adapter: then nobody ever hears of it. */
  #post(cq: CompletionQueue, wc: WC, solicited: boolean): void {
    if (this.hca.faults.takeDrop()) return;
    if (!cq.post(wc, solicited) && this.state !== 'ERR') this.toError('QP_FATAL');
  }

  /** Any state -> ERR: flush what nobody works on. Twice is harmless. */
  toError(event?: QPEvent): void {
    if (this.state === 'ERR' || this.state === 'RESET') return;
    this.state = 'ERR';
    this.epoch++;
    if (event !== undefined) this.onEvent(event);
    for (const wqe of this.#sq.splice(0)) this.completeSend(wqe, 'WR_FLUSH_ERR');
    this.#flushReceives();
    if (this.init.srq !== null) this.onEvent('LAST_WQE_REACHED');
    this.work.wakeAll();
  }

  #flushReceives(): void {
    const begun = this.receiving;
    if (begun !== null) this.completeRecv({ wrId: begun.wrId, status: 'WR_FLUSH_ERR' }, true);
    for (const { wrId } of this.rq.drain()) {
      this.completeRecv({ wrId, status: 'WR_FLUSH_ERR' }, true);
    }
  }

  /** Any state -> RESET: everything posted is forgotten, without a completion. */
  toReset(): void {
    this.state = 'RESET';
    this.epoch++;
    this.#sq.length = 0;
    this.rq.drain();
    this.receiving = null;
    this.nextSeq = 0;
    this.expectedSeq = 0;
    this.lastAtomic = null;
    for (const name of Object.keys(this.attr)) delete this.attr[name as keyof QPAttr];
    this.work.wakeAll();
  }

  /** The attributes were checked (qp-state.ts). */
  modify(to: QPState, attr: QPAttr): void {
    const { qpState, curQPState, ...set } = attr;
    void qpState;
    void curQPState;
    if (to === 'RESET') {
      this.toReset();
      return;
    }
    Object.assign(this.attr, set);
    if (set.sqPsn !== undefined) this.nextSeq = set.sqPsn;
    if (set.rqPsn !== undefined) this.expectedSeq = set.rqPsn;
    if (to === 'ERR') this.toError();
    else this.state = to;
    if (to === 'SQD' && this.executing === null) this.onEvent('SQ_DRAINED');
    this.work.wakeAll();
  }

  /** The queue pair goes away; its queues let go of the completion queues. */
  destroy(): void {
    if (this.state !== 'RESET') this.toReset();
    this.destroyed = true;
    this.init.sendCQ.nrUsers--;
    this.init.recvCQ.nrUsers--;
    this.work.wakeAll();
  }
}
