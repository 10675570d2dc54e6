// The IOMMU: IO addresses of one device, and what an access through a stale one does.
//
//   mode      a mapping that is gone        beyond the mapping   against its direction
//   off       reaches the old pages         DmaFault (a BUG of the model is no DMA)   allowed
//   strict    DmaFault, nothing moved       DmaFault                                  DmaFault
//
// Addresses are never handed out twice, so a stale handle can always be told from a new one, and
// a page is left free after each mapping.

import assert from 'node:assert/strict';
import { shown } from '../arguments.js';
import { Errno } from '../errno.js';
import type { PageOwners } from '../mm/page.js';
import type { Pfn } from '../units.js';
import { PAGE_SIZE, pagesSpanned } from '../units.js';
import {
  DmaFault,
  mayRead,
  mayWrite,
  type DmaAccess,
  type DmaDirection,
  type DmaFaultEvent,
  type DmaMapping,
} from './dma.js';

export type IommuMode = 'off' | 'strict';

/** Where the first mapping of a device lies on its bus. */
const FIRST_IOVA = 0x1_0000_0000;

class Mapping implements DmaMapping {
  readonly iova: number;
  readonly offset: number;
  readonly len: number;
  readonly pfns: Uint32Array;
  readonly owners: PageOwners;
  readonly dir: DmaDirection;
  readonly device: string;
  live = true;

  constructor(iova: number, device: string, spec: MappingSpec) {
    this.iova = iova;
    this.device = device;
    this.offset = spec.offset;
    this.len = spec.len;
    this.pfns = spec.pfns;
    this.owners = spec.owners;
    this.dir = spec.dir;
  }
}

export interface MappingSpec {
  /** Copied by the caller: the mapping keeps this list. */
  readonly pfns: Uint32Array;
  readonly offset: number;
  readonly len: number;
  readonly owners: PageOwners;
  readonly dir: DmaDirection;
}

export class Iommu {
  readonly device: string;
  readonly mode: IommuMode;
  readonly #onFault: (event: DmaFaultEvent) => void;
  readonly #live = new Set<DmaMapping>();
  #nextIova = FIRST_IOVA;

  constructor(device: string, mode: IommuMode, onFault: (event: DmaFaultEvent) => void = () => {}) {
    this.device = device;
    this.mode = mode;
    this.#onFault = onFault;
  }

  get nrMappings(): number {
    return this.#live.size;
  }

  map(spec: MappingSpec): DmaMapping {
    if (!(spec.offset >= 0 && spec.offset < PAGE_SIZE))
      assert.fail(`dmaMap: offset ${spec.offset}`);
    const nrPages = pagesSpanned(spec.offset, spec.len);
    if (nrPages > spec.pfns.length)
      assert.fail(`dmaMap: ${spec.len} bytes in ${spec.pfns.length} pages`);
    assert.equal(spec.owners.length, spec.pfns.length, 'dmaMap: an owner for every page');
    const mapping = new Mapping(this.#nextIova + spec.offset, this.device, spec);
    this.#nextIova += (spec.pfns.length + 1) * PAGE_SIZE;
    this.#live.add(mapping);
    return mapping;
  }

  unmap(mapping: DmaMapping): void {
    if (!this.#live.delete(mapping))
      assert.fail(`${this.device}: dmaUnmap of a mapping that is not live`);
    (mapping as Mapping).live = false;
  }

  /** Let an access through or stop it: DmaFault. The caller checks again at every page. */
  check(mapping: DmaMapping, access: DmaAccess, pos: number, len: number): void {
    if (!(mapping instanceof Mapping)) {
      throw new Errno('EINVAL', `dma ${access}: mapping: ${shown(mapping)} is none`);
    }
    const why = this.#refusal(mapping, access, pos, len);
    if (why === null) return;
    const event = { device: this.device, access, mapping, pos, len, why };
    this.#onFault(event);
    throw new DmaFault(event);
  }

  #refusal(mapping: DmaMapping, access: DmaAccess, pos: number, len: number): string | null {
    if (!Number.isSafeInteger(pos) || !Number.isSafeInteger(len)) return 'no position in bytes';
    if (!(pos >= 0 && len >= 0 && pos + len <= mapping.len)) return 'beyond the mapping';
    if (this.mode === 'off') return null;
    if (!mapping.live) return 'the mapping is gone';
    const allowed = access === 'write' ? mayWrite(mapping.dir) : mayRead(mapping.dir);
    return allowed ? null : `the mapping is ${mapping.dir}`;
  }
}

/** The pfn behind byte pos of a mapping. */
export function pfnAt(mapping: DmaMapping, pos: number): Pfn {
  const pfn = mapping.pfns[Math.floor((mapping.offset + pos) / PAGE_SIZE)];
  if (pfn === undefined) assert.fail(`byte ${pos} of a mapping of ${mapping.len}`);
  return pfn;
}
