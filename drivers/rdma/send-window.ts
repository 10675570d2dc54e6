// The messages of a queue pair that are on the wire, oldest first: sent, and not yet completed.
//
//   LOST -sent()-> SENT -answered()-> ANSWERED
//     ^--NAK_SEQ, RNR, expire()--'
//
// They complete from the oldest on, whatever order answers come in. The far end carries messages
// out in order, so that an answer to one says that those before it were carried out (IBA 9.7.5.1:
// acknowledges coalesce): a SEND or WRITE needs no answer of its own then; a READ or an atomic
// does, and is sent again. What is sent again is everything from the hole on (go back n); answers
// that say "out of sequence" or "not ready" count for the round of sending they belong to.

import type { SendWQE } from './queue-pair.js';
import type { WCStatus } from './wc.js';
import { psnAfter, psnBefore, rnrTimerNs, type WireRequest, type WireResponse } from './wire.js';

/** An end on this side. local: before the message left, or while it did. */
export interface Failure {
  readonly status: WCStatus;
  readonly local: boolean;
}

interface Message {
  readonly wqe: SendWQE;
  readonly request: WireRequest;
  /** What goes wrong on this side once the packets before the bad one are sent. */
  readonly failing: Failure | null;
}

export interface InFlight extends Message {
  state: 'LOST' | 'SENT' | 'ANSWERED';
  /** An ACK or one of the final NAKs. */
  answer: WireResponse | null;
  /** It ended on this side: retries used up, or its own region failed. */
  failure: Failure | null;
  /** A later message was answered, so this one was carried out. */
  confirmed: boolean;
}

/** What a queue pair's attributes say about trying again. */
export interface RetryLimits {
  readonly timeoutNs: number;
  readonly retryCnt: number;
  readonly rnrRetry: number;
  readonly retryCnt7IsForever: boolean;
}

/** Packets on the wire at most: a part of all numbers, so that old and new are told apart. */
const MAX_PACKETS = 1 << 22;

const isFetch = ({ request }: InFlight): boolean =>
  request.kind === 'read' || request.kind === 'atomic';

export class SendWindow {
  /** Messages are not sent before: the receiver was not ready. */
  heldUntilNs = 0;
  #entries: InFlight[] = [];
  #limits: RetryLimits = { timeoutNs: 0, retryCnt: 0, rnrRetry: 0, retryCnt7IsForever: false };
  #retries = 0;
  #rnrRetries = 0;
  #round = 0;
  /** When the oldest was sent last, or became the oldest. */
  #sinceNs = 0;

  get length(): number {
    return this.#entries.length;
  }

  /** READs and atomics that are under way. */
  get nrFetches(): number {
    return this.#entries.filter(isFetch).length;
  }

  /** Whether another message may be taken up, as far as numbers go. */
  get hasRoom(): boolean {
    const [oldest, last] = [this.#entries[0], this.#entries.at(-1)];
    if (oldest === undefined || last === undefined) return true;
    const { seq, len, mtu } = last.request;
    return psnBefore(psnAfter(seq, len, mtu), psnAfter(oldest.request.seq, MAX_PACKETS, 1));
  }

  /** Take a message up; it is to be sent. */
  add(message: Message, limits: RetryLimits): InFlight {
    if (this.#entries.length === 0) {
      this.#limits = limits;
      this.#refill();
    }
    const entry: InFlight = {
      ...message,
      ...{ state: 'LOST', answer: null, failure: null, confirmed: false },
    };
    this.#entries.push(entry);
    return entry;
  }

  /** The queue pair lost its state: nothing is on the wire any more, as far as it knows. */
  clear(): SendWQE[] {
    this.heldUntilNs = 0;
    return this.#entries.splice(0).map(({ wqe }) => wqe);
  }

  /** The first message to send now, if any. */
  nextToSend(nowNs: number): InFlight | undefined {
    return nowNs < this.heldUntilNs ? undefined : this.#firstLost();
  }

  /** Nothing is sent behind a message that failed on this side. */
  #firstLost(): InFlight | undefined {
    const next = this.#entries.find(({ state, failure }) => state === 'LOST' || failure !== null);
    return next?.failure === null ? next : undefined;
  }

  /** The message goes out. Returns the round that its answers belong to. */
  sent(entry: InFlight, nowNs: number): number {
    entry.state = 'SENT';
    if (entry === this.#entries[0]) this.#sinceNs = nowNs;
    return this.#round;
  }

  /** An answer came; one that is late, or for a message that is no more, changes nothing. */
  answered(entry: InFlight, round: number, answer: WireResponse, nowNs: number): void {
    const index = this.#entries.indexOf(entry);
    if (index < 0 || entry.state === 'ANSWERED') return;
    const { syndrome } = answer;
    if (syndrome === 'NAK_SEQ') {
      if (round === this.#round) this.#hole(answer.expected ?? entry.request.seq);
    } else if (syndrome === 'RNR') {
      if (round === this.#round) this.#notReady(index, answer.rnrTimer ?? 0, nowNs);
    } else {
      entry.state = 'ANSWERED';
      entry.answer = answer;
      this.#confirm(index);
    }
  }

  /** The oldest message, if it is known how it ended; it leaves the window. */
  takeFinished(nowNs: number): InFlight | undefined {
    if (!this.hasFinished) return undefined;
    const oldest = this.#entries.shift();
    this.#sinceNs = nowNs;
    this.#refill();
    return oldest;
  }

  get hasFinished(): boolean {
    const [oldest] = this.#entries;
    if (oldest === undefined) return false;
    if (oldest.failure !== null || oldest.answer !== null) return true;
    return oldest.confirmed && !isFetch(oldest);
  }

  /** When something is to be done though no answer comes. Infinity: never. */
  get deadlineNs(): number {
    const resend = this.#firstLost() === undefined ? Infinity : this.heldUntilNs;
    return Math.min(resend, this.#timeoutNs);
  }

  /** When the oldest message has waited too long for its answer. */
  get #timeoutNs(): number {
    const waits = this.#entries[0]?.state === 'SENT';
    return waits ? this.#sinceNs + this.#limits.timeoutNs : Infinity;
  }

  /** No answer came in time: send everything again, as often as retry_cnt says. */
  expire(nowNs: number): void {
    if (nowNs >= this.#timeoutNs) this.#retry(0);
  }

  /** The receiver waits for another message than the one that came. */
  #hole(expected: number): void {
    const index = this.#entries.findIndex(({ request }) => !psnBefore(request.seq, expected));
    if (index < 0) return;
    this.#confirm(index);
    this.#retry(index);
  }

  #notReady(index: number, timer: number, nowNs: number): void {
    this.#confirm(index);
    const { rnrRetry } = this.#limits;
    if (this.#rnrRetries === 0) {
      this.#entries[index]!.failure = { status: 'RNR_RETRY_EXC_ERR', local: false };
      return;
    }
    if (rnrRetry !== 7) this.#rnrRetries--;
    this.heldUntilNs = nowNs + rnrTimerNs(timer);
    this.#goBack(index);
  }

  #retry(index: number): void {
    const { retryCnt, retryCnt7IsForever } = this.#limits;
    if (this.#retries === 0) {
      this.#entries[index]!.failure = { status: 'RETRY_EXC_ERR', local: false };
      return;
    }
    if (retryCnt !== 7 || !retryCnt7IsForever) this.#retries--;
    this.#goBack(index);
  }

  #goBack(index: number): void {
    this.#round++;
    for (const entry of this.#entries.slice(index))
      if (entry.state === 'SENT') entry.state = 'LOST';
  }

  /** Messages before this one were carried out; those whose bytes are missing are asked again. */
  #confirm(index: number): void {
    for (const entry of this.#entries.slice(0, index)) {
      if (!entry.confirmed && isFetch(entry) && entry.state === 'SENT') entry.state = 'LOST';
      entry.confirmed = true;
    }
  }

  #refill(): void {
    this.#retries = this.#limits.retryCnt;
    this.#rnrRetries = this.#limits.rnrRetry;
  }
}
