// A queue pair of the adapter: its queues, its state, and what the two ends have counted.
//
// The send side is worked on by the requester (requester.ts, a thread of the adapter), the receive
// side by whoever delivers a message (responder.ts), one at a time.
//
// Moving to ERR flushes: each request that nobody works on completes with WR_FLUSH_ERR, in order,
// those on the wire first. The request that the requester has in hand is completed by it: it sees
// by `epoch` that it lost its turn.

import assert from 'node:assert/strict';
import { Errno, Mutex, WaitQueue } from '../../lib/driver/index.js';
import type { CompletionQueue } from './completion-queue.js';
import { ringCapacity } from './completion-queue.js';
import type { Hca } from './hca.js';
import { Inbox } from './inbox.js';
import { opcodes, type QPType } from './opcode.js';
import type { AHAttr, QPAttr, QPState } from './qp-state.js';
import { RecvQueue, type RecvWQE } from './recv-queue.js';
import { SendWindow } from './send-window.js';
import type { WC, WCStatus } from './wc.js';
import { psnAfter, type WireRequest } from './wire.js';
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

const receiving: ReadonlySet<QPState> = new Set(['RTR', 'RTS', 'SQD', 'SQE']);

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
  /** Number of the next packet to send, and of the next one expected: 24 bits. */
  nextSeq = 0;
  expectedSeq = 0;
  /** Atomics answered last, for the case that their answers are lost. */
  readonly atomics: { readonly seq: number; readonly old: bigint }[] = [];
  /** Messages to other adapters that are not completed. */
  readonly window = new SendWindow();
  /** Messages from other adapters that wait for their turn. */
  readonly inbox: Inbox;
  /** A receive request that a message has begun to fill. */
  receiving: RecvWQE | null = null;
  /** The last message that came had packets, but no last one. */
  cutOff = false;
  /** The requester works on the head of the send queue. */
  executing: SendWQE | null = null;
  destroyed = false;
  onEvent: (event: QPEvent) => void = () => {};
  /** Wakes the requester. */
  readonly work: WaitQueue;
  /** What its thread waits for while there is nothing to do. */
  readonly why: string;
  /** Held while a message is received. */
  readonly rx: Mutex;
  readonly #sq: SendWQE[] = [];

  constructor(hca: Hca, qpn: number, init: QPInit) {
    this.hca = hca;
    this.inbox = new Inbox(hca);
    this.qpn = qpn;
    this.init = init;
    this.sqCapacity = ringCapacity(init.cap.maxSendWR);
    this.rq = new RecvQueue(init.srq === null ? init.cap.maxRecvWR : 0, init.cap.maxRecvSGE);
    const { sched } = hca;
    this.why = `work for QP ${qpn}`;
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
    return this.#sq.length + this.window.length + (this.executing === null ? 0 : 1);
  }

  /** The request that the requester takes up next. */
  get nextSend(): SendWQE | undefined {
    return this.#sq[0];
  }

  /** Whether its state lets messages in. */
  get receives(): boolean {
    return receiving.has(this.state);
  }

  /** Nothing that was taken up is unfinished. */
  get idle(): boolean {
    return this.executing === null && this.window.length === 0;
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

  /** A message was carried out. Sent again, it does not move the number back. */
  advance({ seq, len, mtu }: WireRequest): void {
    if (seq === this.expectedSeq) this.expectedSeq = psnAfter(seq, len, mtu);
  }

  /** Keep what an atomic answered for as many of them as may be under way. */
  saveAtomic(seq: number, old: bigint): void {
    this.atomics.push({ seq, old });
    if (this.atomics.length > Math.max(1, this.attr.maxDestRdAtomic ?? 1)) this.atomics.shift();
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
    const unfinished = [...this.window.clear(), ...this.#sq.splice(0)];
    for (const wqe of unfinished) this.completeSend(wqe, 'WR_FLUSH_ERR');
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
    this.window.clear();
    this.rq.drain();
    this.receiving = null;
    this.cutOff = false;
    this.nextSeq = 0;
    this.expectedSeq = 0;
    this.atomics.length = 0;
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
    if (to === 'SQD' && this.idle) this.onEvent('SQ_DRAINED');
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
