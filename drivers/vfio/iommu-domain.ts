// The IOMMU in front of an assigned device: IO virtual addresses that the application chose.
//
//   map -> TRANSLATED -> unmap: no access begins any more, those under way end -> GONE
//
// The device names an IOVA for every access and learns 'fault' where nothing is translated.
// unmap() resolves after the invalidation: what the device had begun through the entry has ended
// by then, so its pages may go (linux drivers/iommu/iommu.c:iommu_iotlb_sync).
// That is the hardware's part, and there whatever the machine's `iommu` option says.

import assert from 'node:assert/strict';
import {
  type Bus,
  DmaFault,
  type DmaMapping,
  PAGE_SIZE,
  type Scheduler,
  type Task,
  WaitQueue,
} from '../../lib/driver/index.js';

/** What the device may do through an entry, from its own point of view. */
export interface IommuProt {
  readonly read: boolean;
  readonly write: boolean;
}

interface Translation {
  readonly iova: number;
  readonly mapping: DmaMapping;
  readonly prot: IommuProt;
  nrUnderWay: number;
}

export class IommuDomain {
  readonly #bus: Bus;
  readonly #ended: WaitQueue;
  /** By IOVA; they do not overlap. */
  readonly #entries = new Map<number, Translation>();

  constructor(sched: Scheduler, bus: Bus) {
    this.#bus = bus;
    this.#ended = new WaitQueue(sched, 'IOMMU invalidation');
  }

  get nrEntries(): number {
    return this.#entries.size;
  }

  map(iova: number, mapping: DmaMapping, prot: IommuProt): void {
    const end = iova + mapping.len;
    for (const e of this.#entries.values()) {
      assert(e.iova >= end || e.iova + e.mapping.len <= iova, 'an IOVA is translated twice');
    }
    this.#entries.set(iova, { iova, mapping, prot, nrUnderWay: 0 });
  }

  /** Take the entry that begins at iova out, and wait for what is under way through it. */
  async unmap(task: Task, iova: number): Promise<void> {
    const entry = this.#entries.get(iova);
    assert(entry !== undefined, `no entry at iova ${iova}`);
    this.#entries.delete(iova);
    await this.#ended.waitEvent(task, () => entry.nrUnderWay === 0, {
      mode: 'uninterruptible',
      why: 'DMA under way to end',
    });
  }

  /**
   * The device reads into bytes, or writes them, page by page. 'fault': an address is translated
   * to nothing, or not for this; the pages before it were moved.
   */
  async transfer(dir: keyof IommuProt, iova: number, bytes: Uint8Array): Promise<'ok' | 'fault'> {
    for (let done = 0; done < bytes.length;) {
      const at = iova + done;
      const entry = this.#find(at);
      if (entry === undefined || !entry.prot[dir]) return 'fault';
      const pos = at - entry.iova;
      const len = Math.min(bytes.length - done, PAGE_SIZE - (pos % PAGE_SIZE));
      if (!(await this.#move(entry, dir, pos, bytes.subarray(done, done + len)))) return 'fault';
      done += len;
    }
    return 'ok';
  }

  #find(iova: number): Translation | undefined {
    for (const e of this.#entries.values()) {
      if (iova >= e.iova && iova < e.iova + e.mapping.len) return e;
    }
    return undefined;
  }

  async #move(
    entry: Translation,
    dir: keyof IommuProt,
    pos: number,
    bytes: Uint8Array,
  ): Promise<boolean> {
    entry.nrUnderWay++;
    try {
      if (dir === 'write') await this.#bus.write(entry.mapping, pos, bytes);
      else await this.#bus.read(entry.mapping, pos, bytes);
      return true;
    } catch (e) {
      if (e instanceof DmaFault) return false;
      throw e;
    } finally {
      entry.nrUnderWay--;
      this.#ended.wakeAll();
    }
  }
}
