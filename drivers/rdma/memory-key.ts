// What the adapter knows of a region: an entry of its translation table, filled by the driver.
//
//   VALID -> REVOKED        the driver says so; the adapter looks at it before every step
//
// A step of a transfer is inside the entry while it moves bytes. To fence the region is to make
// it not VALID and then to wait until nobody is inside.

import assert from 'node:assert/strict';
import {
  DmaFault,
  type DmaMapping,
  type Scheduler,
  type Task,
  WaitQueue,
} from '../../lib/driver/index.js';

/** One piece of a region, reachable now: bytes [pos, pos + len) of mapping. */
export type UseRun = (mapping: DmaMapping, pos: number, len: number) => Promise<void>;

/** How the adapter reaches the pages of a region: by pins, or by faults. */
export interface Backing {
  /** The one mapping of a pinned region; null when pages come and go. */
  readonly mapping: DmaMapping | null;
  /**
   * Run use() over [pos, pos + len) of the region, run by run, in order. RegionFault when a page
   * is not there or does not allow it.
   */
  access(task: Task, pos: number, len: number, write: boolean, use: UseRun): Promise<void>;
}

/** The region does not let this access through, now. The request completes in error. */
export class RegionFault extends Error {
  override readonly name = 'RegionFault';
}

/** What the IOMMU stops is a fault of the region; anything else is what it was. */
export const regionFaultOf = (e: unknown): unknown =>
  e instanceof DmaFault ? new RegionFault(e.message, { cause: e }) : e;

export type KeyState = 'VALID' | 'REVOKED';

export interface MemoryKeyInit {
  readonly key: number;
  readonly rkey: number;
  readonly pd: number;
  readonly access: number;
  /** Where byte 0 of the region lies in the addresses that requests use. */
  readonly iova: number;
  readonly len: number;
  readonly backing: Backing;
}

export class MemoryKey {
  lkey: number;
  rkey: number;
  pd: number;
  access: number;
  iova: number;
  len: number;
  backing: Backing;
  state: KeyState = 'VALID';
  /** Windows bound to the region. */
  nrWindows = 0;
  #inside = 0;
  readonly #left: WaitQueue;

  constructor(sched: Scheduler, init: MemoryKeyInit) {
    this.lkey = init.key;
    this.rkey = init.rkey;
    this.pd = init.pd;
    this.access = init.access;
    this.iova = init.iova;
    this.len = init.len;
    this.backing = init.backing;
    this.#left = new WaitQueue(sched, `steps inside region ${init.key}`);
  }

  /** Steps that are moving bytes of the region now. */
  get inside(): number {
    return this.#inside;
  }

  /** The region goes by another variant of its key from now on. */
  renew(key: number): void {
    this.rkey = this.rkey === this.lkey ? key : this.rkey;
    this.lkey = key;
  }

  /** mr_check_range: whether [addr, addr + len) lies in the region. */
  covers(addr: number, len: number): boolean {
    return addr >= this.iova && len <= this.len && addr + len <= this.iova + this.len;
  }

  /** A step begins; it leave()s when it is over. RegionFault if the region is not VALID. */
  enter(): void {
    if (this.state !== 'VALID') throw new RegionFault(`region ${this.lkey} is ${this.state}`);
    this.#inside++;
  }

  leave(): void {
    assert(this.#inside-- > 0);
    if (this.#inside === 0) this.#left.wakeAll();
  }

  /** Run a step inside the region. RegionFault if it is not VALID, or the IOMMU stops it. */
  async within(step: () => Promise<void>): Promise<void> {
    this.enter();
    try {
      await step();
    } catch (e) {
      throw regionFaultOf(e);
    } finally {
      this.leave();
    }
  }

  /** Wait until no step is inside. The caller has made the region not VALID before. */
  drained(task: Task): Promise<unknown> | undefined {
    if (this.#inside === 0) return undefined;
    return this.#left.waitEvent(task, () => this.#inside === 0, {
      mode: 'uninterruptible',
      why: `the adapter to leave region ${this.lkey}`,
    });
  }
}

/** The pages of a region that is pinned as long as it is registered. */
export class PinnedBacking implements Backing {
  readonly mapping: DmaMapping;

  constructor(mapping: DmaMapping) {
    this.mapping = mapping;
  }

  access(_task: Task, pos: number, len: number, _write: boolean, use: UseRun): Promise<void> {
    return use(this.mapping, pos, len);
  }
}
