// The hardware of the block driver: it moves blocks between its medium and memory.
//
// Both ends are mappings of the bus: where the medium is pmem, its blocks are pages as well. A test
// can make it slow, stall it, or let it fail so many times.

import {
  type Bus,
  type DmaMapping,
  type Scheduler,
  type Task,
  type VmOperations,
  WaitQueue,
} from '../../lib/driver/index.js';

export interface DiskTransfer {
  readonly dir: 'read' | 'write';
  readonly media: DmaMapping;
  readonly memory: DmaMapping;
  readonly len: number;
}

export class Disk {
  /** What mappings of its node do; null: it cannot be mapped. */
  readonly vmOps: VmOperations | null;
  /** What a request takes before its first byte moves. */
  delayNs = 0;
  readonly counters = { reads: 0, writes: 0, bytes: 0, errors: 0 };
  #failures = 0;
  #stalled = false;
  #bus: Bus | null = null;
  #go: WaitQueue | null = null;

  constructor(vmOps: VmOperations | null = null) {
    this.vmOps = vmOps;
  }

  /** The driver binds. */
  attach(sched: Scheduler, bus: Bus): void {
    this.#bus = bus;
    this.#go = new WaitQueue(sched, 'a stalled disk');
  }

  /** The next n requests fail without moving anything. */
  failNext(n: number): void {
    this.#failures = n;
  }

  get stalled(): boolean {
    return this.#stalled;
  }

  set stalled(stalled: boolean) {
    this.#stalled = stalled;
    this.#go?.wakeAll();
  }

  /** One request; 'error' when the medium failed. DmaFault if the IOMMU stops it. */
  async execute(task: Task, io: DiskTransfer): Promise<'ok' | 'error'> {
    if (this.delayNs > 0) await task.sched.clock.sleep(task, this.delayNs);
    await this.#go!.waitEvent(task, () => !this.#stalled, {
      mode: 'uninterruptible',
      why: 'the disk to go on',
    });
    if (this.#failures > 0) {
      this.#failures--;
      this.counters.errors++;
      return 'error';
    }
    const [to, from] = io.dir === 'read' ? [io.memory, io.media] : [io.media, io.memory];
    await this.#bus!.copy(to, 0, from, 0, io.len);
    if (io.dir === 'read') this.counters.reads++;
    else this.counters.writes++;
    this.counters.bytes += io.len;
    return 'ok';
  }
}
