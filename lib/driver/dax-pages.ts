// Pages that a device-dax node hands out: one address space over a fixed range, mapped by faults.
//
//   ALIVE: faults map the page at its place, SIGBUS past the end --close--> DEAD: SIGBUS everywhere
//
// There is no file system over them, so nothing truncates, nothing moves and no lease is taken: a
// page stays where it is until the device goes, which waits for whoever still references one (linux
// drivers/dax/device.c:dev_dax_fault, bus.c:kill_dev_dax, mm/memremap.c:memunmap_pages).

import assert from 'node:assert/strict';
import { AddressSpace } from '../mm/address-space.js';
import type { MMEnv } from '../mm/mm-env.js';
import { installPte, type VMA, VmFault, type VmOperations } from '../mm/vma.js';
import type { Task } from '../sched/index.js';
import { posOf, type Pfn } from '../units.js';

export class DaxPages {
  readonly mapping: AddressSpace;
  readonly #env: MMEnv;
  readonly #pfns: Uint32Array;
  readonly #onClose: (pages: DaxPages) => void;
  #alive = true;

  constructor(
    env: MMEnv,
    label: string,
    pfns: Uint32Array,
    onClose: (pages: DaxPages) => void = () => {},
  ) {
    assert(pfns.length > 0, `${label}: no pages`);
    this.#env = env;
    this.#pfns = pfns;
    this.#onClose = onClose;
    // No mount has number 0; the first page tells two such devices apart.
    const host = { mount: 0, ino: pfns[0]!, generation: 1, dirtyTracked: false } as const;
    const size = (): number => this.len;
    this.mapping = new AddressSpace(env, { ...host, kind: 'devdax', label, size });
  }

  get len(): number {
    return posOf(this.#pfns.length);
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** For the node's mmap() to put in the new mapping. */
  readonly vmOps: VmOperations = {
    fault: async (task, vma, pgoff, access) => {
      const { invalidateLock } = this.mapping;
      await invalidateLock.downRead(task);
      try {
        return this.#map(vma, pgoff, access === 'write');
      } finally {
        invalidateLock.upRead(task);
      }
    },
  };

  #map(vma: VMA, pgoff: number, dirty: boolean): Pfn {
    const pfn = this.#alive ? this.#pfns[pgoff] : undefined;
    const index = pgoff - vma.pgoff;
    if (pfn === undefined) throw new VmFault('BUS_ADRERR', vma.addrOfIndex(index));
    if (this.mapping.lookup(pgoff) === undefined) this.mapping.insert(pgoff, pfn);
    return installPte(vma, index, pfn, { write: vma.prot.write, dirty });
  }

  /** Unmap everything; resolves when nobody references a page any more. Once. */
  async close(task: Task): Promise<void> {
    assert(this.#alive, `${this.mapping.host.label}: closed twice`);
    const { mapping } = this;
    const { pages } = this.#env;
    await mapping.invalidateLock.downWrite(task);
    this.#alive = false;
    await mapping.unmapMappingRange(task, 0, Infinity);
    mapping.invalidateLock.upWrite(task);
    for (;;) {
      const busy = mapping.firstBusy();
      if (busy === undefined) break;
      await pages.idleQueue(busy).waitEvent(task, () => pages.isIdle(busy), {
        mode: 'uninterruptible',
        why: `page ${busy} of ${mapping.host.label} to become idle`,
      });
    }
    for (const [pgoff, pfn] of [...mapping.entries()]) {
      mapping.delete(pgoff);
      pages.setOwner(pfn, null);
    }
    this.#onClose(this);
  }
}
