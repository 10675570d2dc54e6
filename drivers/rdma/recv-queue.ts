// A receive queue: buffers that wait for messages, of one queue pair or shared by many (SRQ).

import { Errno } from '../../lib/driver/index.js';
import { ringCapacity } from './completion-queue.js';
import { checkRecvWR, type RecvWR, type SGE } from './work-request.js';

export interface RecvWQE {
  readonly wrId: number;
  readonly sgList: readonly SGE[];
  readonly len: number;
}

export class RecvQueue {
  readonly maxSGE: number;
  capacity: number;
  /** SRQ: fewer left than this raises one event, which clears it. */
  limit = 0;
  onLimit: () => void = () => {};
  #wqes: RecvWQE[] = [];

  constructor(maxWR: number, maxSGE: number) {
    this.capacity = maxWR === 0 ? 0 : ringCapacity(maxWR);
    this.maxSGE = maxSGE;
  }

  get length(): number {
    return this.#wqes.length;
  }

  /** ENOMEM when it is full, EINVAL for a bad request; nothing was posted then. */
  post(wr: RecvWR): RecvWQE {
    if (this.#wqes.length >= this.capacity) {
      throw new Errno('ENOMEM', `post_recv: all ${this.capacity} places are taken`);
    }
    const len = checkRecvWR(wr, this.maxSGE);
    const wqe = { wrId: wr.wrId, sgList: [...(wr.sgList ?? [])], len };
    this.#wqes.push(wqe);
    return wqe;
  }

  head(): RecvWQE | undefined {
    return this.#wqes[0];
  }

  take(): RecvWQE | undefined {
    const wqe = this.#wqes.shift();
    if (wqe !== undefined && this.limit > 0 && this.#wqes.length < this.limit) {
      this.limit = 0;
      this.onLimit();
    }
    return wqe;
  }

  /** All that is left, oldest first; the queue is empty afterwards. */
  drain(): RecvWQE[] {
    return this.#wqes.splice(0);
  }
}
