// What was over first when a holder went: its lease or its pins. The order that Jason Gunthorpe
// asked
// about: a lease that ends before the DMA is fenced protects nothing.

import type { Machine } from '../machine.js';
import { tracepoints } from '../trace/index.js';

/** How many long-term pins of files there are. */
export const pinsOfFiles = ({ mm }: Machine): number =>
  [...mm.pinTable].filter((p) => p.longterm && p.origin.dataFile !== '').length;

export class LeaseWatch {
  #leaseAt = Infinity;
  #pinsAt = Infinity;
  #count = 0;
  #unsubscribe: readonly (() => void)[];

  constructor(machine: Machine) {
    const { sched } = machine;
    this.#unsubscribe = [
      tracepoints.lease.subscribe((e) => {
        if (e.source === sched && e.phase === 'end') this.#leaseAt = ++this.#count;
      }),
      tracepoints.gup_unpin.subscribe((e) => {
        if (e.source === sched && pinsOfFiles(machine) === 0) this.#pinsAt = ++this.#count;
      }),
    ];
  }

  get first(): 'pins' | 'lease' | null {
    for (const stop of this.#unsubscribe) stop();
    this.#unsubscribe = [];
    if (this.#leaseAt === Infinity) return null;
    return this.#pinsAt < this.#leaseAt ? 'pins' : 'lease';
  }
}
