// A type1 container: which of the application's memory the assigned device reaches, at which IOVA.
//
//   MAP_DMA    checks -> pin, long-term -> charge mm.locked_vm -> IOMMU      all or nothing
//   UNMAP_DMA  IOMMU, and what is under way -> unpin -> uncharge             whole entries only
//
// The pins are irrevocable: a device driven by an application cannot be told to leave one page
// alone, so a policy that must be able to take pages back does not let them in. They go with
// UNMAP_DMA, with the file, or with a reset of the device. (linux vfio_iommu_type1.c:
// vfio_dma_do_map, vfio_pin_map_dma, vfio_dma_do_unmap, vfio_remove_dma. Its checks, their order.)

import {
  alignDown,
  type Caller,
  chargeLocked,
  type Device,
  type DmaMapping,
  Errno,
  type MM,
  Mutex,
  PAGE_SIZE,
  type PinnedPages,
  type Task,
  unchargeLocked,
} from '../../lib/driver/index.js';
import type { AssignedDevice } from './assigned-device.js';
import { checkFlags, checkInt, checkObject } from './args.js';
import type { IommuDomain } from './iommu-domain.js';
import { vfioRules } from './rules.js';

export type MapFlag = 'read' | 'write';
export type UnmapFlag = 'all' | 'dirty-bitmap' | 'vaddr';

/** vfio_iommu_type1_dma_map. Bytes, all three multiples of the page size. */
export interface MapDMAArg {
  readonly vaddr: number;
  readonly iova: number;
  readonly size: number;
  /** What the device may do there. */
  readonly flags: readonly MapFlag[];
}

/** vfio_iommu_type1_dma_unmap. With 'all' both numbers are 0. */
export interface UnmapDMAArg {
  readonly iova: number;
  readonly size: number;
  readonly flags?: readonly UnmapFlag[];
}

/** vfio_dma: one MAP_DMA. */
interface Entry {
  readonly iova: number;
  readonly size: number;
  readonly pins: PinnedPages;
  readonly mapping: DmaMapping;
  /** Whose locked_vm is charged: who mapped it, whoever unmaps it. */
  readonly mm: MM;
}

const endOf = (e: { iova: number; size: number }): number => e.iova + e.size;

export class Container {
  readonly #dev: Device<AssignedDevice>;
  readonly #domain: IommuDomain;
  /** iommu->lock. */
  readonly #lock: Mutex;
  /** By IOVA. */
  #entries: readonly Entry[] = [];
  #open = true;

  constructor(dev: Device<AssignedDevice>, domain: IommuDomain) {
    this.#dev = dev;
    this.#domain = domain;
    this.#lock = new Mutex(dev.sched, `container of ${dev.name}`);
  }

  /** Entries that MAP_DMA may still add. */
  get nrFree(): number {
    return this.#dev.hardware.limits.maxEntries - this.#entries.length;
  }

  /**
   * EINVAL: flags, alignment, size 0, beyond the device's addresses. EEXIST: overlaps an entry.
   * ENOSPC: no entry left, or too long. EFAULT, EOPNOTSUPP (fsdax): as any long-term pin. ENOMEM:
   * over RLIMIT_MEMLOCK, without CAP_IPC_LOCK. EINTR.
   */
  async mapDMA(caller: Caller, request: MapDMAArg): Promise<void> {
    const { vaddr, iova, size, flags } = checkMap(request);
    await this.#locked(caller.task, 'killable', async () => {
      this.#checkPlace(vaddr, iova, size);
      const write = flags.includes('write');
      const pins = await this.#dev.pinUserPages(caller, {
        ...{ addr: vaddr, len: size, access: write ? 'write' : 'read' },
        ...{ longterm: true, irrevocable: true },
      } as const);
      const { process } = caller;
      try {
        chargeLocked(process, process.mm, pins.pfns.length);
      } catch (e) {
        pins.unpin();
        throw e;
      }
      const read = flags.includes('read');
      const dir = write ? (read ? 'bidirectional' : 'from-device') : 'to-device';
      const mapping = this.#dev.dmaMap(pins, dir);
      this.#domain.map(iova, mapping, { read, write });
      const entry = { iova, size, pins, mapping, mm: process.mm };
      this.#entries = [...this.#entries, entry].sort((a, b) => a.iova - b.iova);
    });
  }

  #checkPlace(vaddr: number, iova: number, size: number): void {
    const { maxEntries, maxEntryLen, lastIova } = this.#dev.hardware.limits;
    const where = `MAP_DMA of [${iova}, +${size})`;
    if (size === 0 || [vaddr, iova, size].some((n) => n !== alignDown(n))) {
      throw new Errno('EINVAL', `${where}: no whole pages`);
    }
    if (!Number.isSafeInteger(iova + size) || !Number.isSafeInteger(vaddr + size)) {
      throw new Errno('EINVAL', `${where}: wraps around`);
    }
    if (this.#within(iova, size).length > 0) throw new Errno('EEXIST', `${where}: overlaps`);
    if (size > maxEntryLen) throw new Errno('ENOSPC', `${where}: at most ${maxEntryLen} bytes`);
    if (this.nrFree === 0) {
      const code = vfioRules[this.#dev.kernel].tooManyEntries;
      throw new Errno(code, `${where}: there are ${maxEntries} entries`);
    }
    if (iova + size - 1 > lastIova) throw new Errno('EINVAL', `${where}: beyond ${lastIova}`);
  }

  /**
   * Take out every entry within the range; the bytes they had. EINVAL: flags, alignment, an entry
   * that the range cuts. Nothing there: 0, or ENOENT (rules.ts). Resolves when the device can no
   * longer reach the pages.
   */
  async unmapDMA(task: Task, request: UnmapDMAArg): Promise<number> {
    const { iova, size, all } = checkUnmap(request);
    return this.#locked(task, 'uninterruptible', async () => {
      const entries = all ? this.#entries : this.#within(iova, size);
      const cut = entries.find((e) => !all && (e.iova < iova || endOf(e) > iova + size));
      if (cut !== undefined) {
        throw new Errno('EINVAL', `UNMAP_DMA: cuts the entry at ${cut.iova}`);
      }
      if (entries.length === 0 && !all && vfioRules[this.#dev.kernel].unmapMissing === 'ENOENT') {
        throw new Errno('ENOENT', `UNMAP_DMA: nothing is mapped in [${iova}, +${size})`);
      }
      for (const entry of entries) await this.#remove(task, entry);
      return entries.reduce((sum, e) => sum + e.size, 0);
    });
  }

  /** The file is gone, or the device was reset: nothing is reached any more, nothing comes. */
  async close(task: Task): Promise<void> {
    await this.#locked(task, 'uninterruptible', async () => {
      for (const entry of this.#entries) await this.#remove(task, entry);
      this.#open = false;
    });
  }

  #within(iova: number, size: number): readonly Entry[] {
    return this.#entries.filter((e) => e.iova < iova + size && endOf(e) > iova);
  }

  async #remove(task: Task, entry: Entry): Promise<void> {
    await this.#domain.unmap(task, entry.iova);
    this.#entries = this.#entries.filter((e) => e !== entry);
    this.#dev.dmaUnmap(entry.mapping);
    entry.pins.unpin();
    unchargeLocked(entry.mm, entry.size / PAGE_SIZE);
  }

  async #locked<T>(
    task: Task,
    mode: 'killable' | 'uninterruptible',
    body: () => Promise<T>,
  ): Promise<T> {
    await this.#lock.lock(task, mode);
    try {
      if (!this.#open) throw new Errno('ENODEV', `${this.#dev.name}: the container is closed`);
      return await body();
    } finally {
      this.#lock.unlock(task);
    }
  }
}

function checkMap(request: MapDMAArg): MapDMAArg {
  const arg = checkObject('MAP_DMA', request);
  const flags = checkFlags('MAP_DMA: flags', arg['flags'], ['read', 'write']);
  if (flags.length === 0) throw new Errno('EINVAL', 'MAP_DMA: neither read nor write');
  const vaddr = checkInt('MAP_DMA: vaddr', arg['vaddr']);
  const iova = checkInt('MAP_DMA: iova', arg['iova']);
  return { vaddr, iova, size: checkInt('MAP_DMA: size', arg['size']), flags };
}

function checkUnmap(request: UnmapDMAArg): { iova: number; size: number; all: boolean } {
  const arg = checkObject('UNMAP_DMA', request);
  const flags = checkFlags('UNMAP_DMA: flags', arg['flags'] ?? [], [
    'all',
    'dirty-bitmap',
    'vaddr',
  ]);
  const iova = checkInt('UNMAP_DMA: iova', arg['iova']);
  const size = checkInt('UNMAP_DMA: size', arg['size']);
  const all = flags.includes('all');
  // Dirty tracking is never on, and no address space is ever exchanged below a container.
  if (flags.some((flag) => flag !== 'all')) throw new Errno('EINVAL', `UNMAP_DMA: ${flags.join()}`);
  if (all && (iova !== 0 || size !== 0)) throw new Errno('EINVAL', 'UNMAP_DMA: all, and a range');
  const whole = iova === alignDown(iova) && size === alignDown(size);
  if (!whole || (size === 0 && !all) || !Number.isSafeInteger(iova + size)) {
    throw new Errno('EINVAL', `UNMAP_DMA: [${iova}, +${size})`);
  }
  return { iova, size, all };
}
