// What was over first when a holder went: its lease or its pins; and when the last pin went.
//
// The order is the one that Jason Gunthorpe asked about: a lease that ends before the DMA is fenced
// protects nothing.

import type { Machine } from '../machine.js';
import { tracepoints } from '../trace/index.js';

/** How many long-term pins of files there are. */
export const pinsOfFiles = ({ mm }: Machine): number =>
  [...mm.pinTable].filter((p) => p.longterm && p.origin.dataFile !== '').length;

export class LeaseWatch {
  #leaseAt = Infinity;
  #pinsAt = Infinity;
  #count = 0;
  readonly #clock: Machine['clock'];
  #sinceNs: number;
  #unpinnedAtNs: number | null = null;
  #unsubscribe: readonly (() => void)[];

  constructor(machine: Machine) {
    const { sched } = machine;
    const held = pinsOfFiles(machine) > 0;
    this.#clock = sched.clock;
    this.#sinceNs = sched.clock.nowNs;
    this.#unsubscribe = [
      tracepoints.lease.subscribe((e) => {
        if (e.source === sched && e.phase === 'end') this.#leaseAt = ++this.#count;
      }),
      tracepoints.gup_unpin.subscribe((e) => {
        if (!held || e.source !== sched || this.#unpinnedAtNs !== null) return;
        if (pinsOfFiles(machine) > 0) return;
        this.#pinsAt = ++this.#count;
        this.#unpinnedAtNs = e.atNs;
      }),
    ];
  }

  /** The operation begins now. */
  begin(): void {
    this.#sinceNs = this.#clock.nowNs;
  }

  /** From the beginning of the operation to the unpin of the last page of a file. */
  get unpinnedNs(): number | null {
    return this.#unpinnedAtNs === null ? null : Math.max(0, this.#unpinnedAtNs - this.#sinceNs);
  }

  stop(): void {
    for (const stop of this.#unsubscribe) stop();
    this.#unsubscribe = [];
  }

  get first(): 'pins' | 'lease' | null {
    if (this.#leaseAt === Infinity) return null;
    return this.#pinsAt < this.#leaseAt ? 'pins' : 'lease';
  }
}
