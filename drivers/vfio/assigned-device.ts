// The assigned device: a hardware model that does DMA on its own clock.
//
//   IDLE --start(job)--> RUNNING: one round every periodNs, for ever --reset()--> IDLE
//
// Nobody asks it to stop: not the application that rang it, nor the kernel, which knows nothing of
// its registers. A reset is all there is, and it is why its memory cannot be taken back piece by
// piece. A round that the IOMMU stops counts as a fault, and the next one is tried all the same.

import assert from 'node:assert/strict';
import { type Scheduler, type Task, WaitQueue } from '../../lib/driver/index.js';
import type { IommuDomain } from './iommu-domain.js';

/** What one round does: write `byte` all over [iova, iova + len), or read it. */
export interface DmaJob {
  readonly dir: 'read' | 'write';
  readonly iova: number;
  readonly len: number;
  readonly byte: number;
  readonly periodNs: number;
}

export interface DeviceCounters {
  rounds: number;
  bytes: number;
  faults: number;
  resets: number;
}

/** What the IOMMU of the board can hold. type1 counts entries, libvfio-user bytes of one too. */
export interface IommuLimits {
  readonly maxEntries: number;
  readonly maxEntryLen: number;
  /** The last address that the device can put on its bus. */
  readonly lastIova: number;
}

/** dma_entry_limit's default, U16_MAX (vfio_iommu_type1.c), and 48 bits of address. */
export const usualLimits: IommuLimits = {
  maxEntries: 65535,
  maxEntryLen: Infinity,
  lastIova: 2 ** 48 - 1,
};

export interface AssignedDeviceEnv {
  readonly sched: Scheduler;
  readonly domain: IommuDomain;
  spawn(label: string, fn: (task: Task) => Promise<void>): unknown;
}

export class AssignedDevice {
  readonly limits: IommuLimits;
  readonly counters: DeviceCounters = { rounds: 0, bytes: 0, faults: 0, resets: 0 };
  #env: AssignedDeviceEnv | null = null;
  #changed: WaitQueue | null = null;
  #job: DmaJob | null = null;
  #busy = false;

  constructor(limits: Partial<IommuLimits> = {}) {
    this.limits = { ...usualLimits, ...limits };
  }

  get running(): boolean {
    return this.#job !== null;
  }

  /** Power. Once per driver that is bound to it. */
  attach(env: AssignedDeviceEnv): void {
    this.#env = env;
    this.#changed = new WaitQueue(env.sched, 'the assigned device');
    this.#job = null;
    env.spawn('dma engine', (task) => this.#engine(task));
  }

  /** Ring it: the first round is due now; a job there was is forgotten after its round. */
  start(job: DmaJob): void {
    assert(this.#changed !== null, 'the device has no power');
    this.#job = job;
    this.#changed.wakeAll();
  }

  /** Function-level reset: when it resolves nothing is under way, and no round comes. */
  async reset(task: Task): Promise<void> {
    this.#job = null;
    this.counters.resets++;
    this.#changed?.wakeAll();
    await this.#changed?.waitEvent(task, () => !this.#busy, {
      mode: 'uninterruptible',
      why: 'the last round of the assigned device',
    });
  }

  async #engine(task: Task): Promise<void> {
    const changed = this.#changed!;
    const { clock } = this.#env!.sched;
    for (;;) {
      await changed.waitEvent(task, () => this.#job !== null, { why: 'a job' });
      const job = this.#job!;
      await this.#round(job);
      const untilNs = clock.nowNs + job.periodNs;
      await changed.waitEvent(task, () => this.#job !== job, { why: 'the next round', untilNs });
    }
  }

  async #round(job: DmaJob): Promise<void> {
    this.#busy = true;
    try {
      const bytes = new Uint8Array(job.len).fill(job.byte);
      const end = await this.#env!.domain.transfer(job.dir, job.iova, bytes);
      this.counters.rounds++;
      if (end === 'ok') this.counters.bytes += job.len;
      else this.counters.faults++;
    } finally {
      this.#busy = false;
      this.#changed!.wakeAll();
    }
  }
}
