// Messages for one queue pair that came in from the wire, carried out one after the other in the
// order in which they came.

import type { Task } from '../../lib/driver/index.js';
import type { Hca } from './hca.js';
import type { WireRequest, WireResponse } from './wire.js';

/** What is done with the answer to a message; null: there is none. */
export type Answer = (task: Task, answer: WireResponse | null) => Promise<void>;

export class Inbox {
  readonly #hca: Hca;
  readonly #queue: { readonly request: WireRequest; readonly answer: Answer }[] = [];
  #running = false;

  constructor(hca: Hca) {
    this.#hca = hca;
  }

  push(request: WireRequest, answer: Answer): void {
    this.#queue.push({ request, answer });
    if (this.#running) return;
    this.#running = true;
    this.#hca.sched.spawn(`receiver of QP ${request.destQPN}`, (task) => this.#run(task));
  }

  async #run(task: Task): Promise<void> {
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        await next.answer(task, await this.#hca.deliver(task, next.request));
      }
    } finally {
      this.#running = false;
    }
  }
}
