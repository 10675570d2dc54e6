// A completion queue of the adapter: where the outcome of each request is written.
//
// Arming asks for one event at the next completion (or the next solicited one); the event
// disarms. A queue that overflows is lost: CQ_ERR, and what fed it goes to ERR.

import { type Scheduler, WaitQueue } from '../../lib/driver/index.js';
import type { WC } from './wc.js';

export type Arming = 'none' | 'solicited' | 'next';

/** Ring sizes are powers of two with one slot unused (rxe_queue.c: rxe_queue_init). */
export function ringCapacity(wanted: number): number {
  let slots = 1;
  while (slots < wanted + 1) slots *= 2;
  return slots - 1;
}

export class CompletionQueue {
  readonly cqn: number;
  capacity: number;
  /** Queues that complete here: while there are any it cannot be destroyed. */
  nrUsers = 0;
  overflowed = false;
  /** Wakes those who wait for a completion. */
  readonly arrived: WaitQueue;
  /** A completion came while the queue was armed. */
  onEvent: () => void = () => {};
  onOverflow: () => void = () => {};
  #arming: Arming = 'none';
  #entries: WC[] = [];

  constructor(sched: Scheduler, cqn: number, cqe: number) {
    this.cqn = cqn;
    this.capacity = ringCapacity(cqe);
    this.arrived = new WaitQueue(sched, `completion queue ${cqn}`);
  }

  get length(): number {
    return this.#entries.length;
  }

  get arming(): Arming {
    return this.#arming;
  }

  /** False: there was no room, and the queue is lost. */
  post(wc: WC, solicited: boolean): boolean {
    if (this.overflowed || this.#entries.length >= this.capacity) {
      if (!this.overflowed) {
        this.overflowed = true;
        this.onOverflow();
      }
      return false;
    }
    this.#entries.push(wc);
    this.arrived.wakeAll();
    if (this.#arming === 'next' || (this.#arming === 'solicited' && solicited)) {
      this.#arming = 'none';
      this.onEvent();
    }
    return true;
  }

  /** Take up to max completions, oldest first. */
  poll(max: number): WC[] {
    return this.#entries.splice(0, max);
  }

  /** Ask for an event; asking for solicited ones only does not weaken an earlier request. */
  arm(solicitedOnly: boolean): void {
    if (!solicitedOnly) this.#arming = 'next';
    else if (this.#arming === 'none') this.#arming = 'solicited';
  }
}
