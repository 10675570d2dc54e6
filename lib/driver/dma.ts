// A DMA mapping: the IO addresses under which one device reaches a list of pages.
//
//   dmaMap -> LIVE -> dmaUnmap -> GONE
//
// A mapping remembers whose pages it was made for. The hardware keeps the handle for as long as
// it likes: what an access through a GONE mapping does is the IOMMU's business (iommu.ts).

import type { PageOwners } from '../mm/page.js';

/** What the device may do: 'to-device' it reads, 'from-device' it writes. */
export type DmaDirection = 'to-device' | 'from-device' | 'bidirectional';
export type DmaAccess = 'read' | 'write';

export interface DmaMapping {
  /** The address on the device's bus of byte 0. Never handed out twice by one IOMMU. */
  readonly iova: number;
  /** Byte 0 of the mapping lies this far into its first page. */
  readonly offset: number;
  readonly len: number;
  readonly pfns: Uint32Array;
  /** Who owned each page when it was mapped: where every byte of DMA ought to land. */
  readonly owners: PageOwners;
  readonly dir: DmaDirection;
  /** The device it was made for. */
  readonly device: string;
  readonly live: boolean;
}

/** One access as the referee sees it: bytes [pos, pos + len) of a mapping, already moved. */
export interface DmaEvent {
  readonly device: string;
  readonly access: DmaAccess;
  readonly mapping: DmaMapping;
  readonly pos: number;
  readonly len: number;
}

export interface DmaFaultEvent {
  readonly device: string;
  readonly access: DmaAccess;
  readonly mapping: DmaMapping;
  readonly pos: number;
  readonly len: number;
  readonly why: string;
}

/** The IOMMU stopped the access; nothing was moved. The hardware turns it into a status. */
export class DmaFault extends Error {
  override readonly name = 'DmaFault';
  readonly event: DmaFaultEvent;

  constructor(event: DmaFaultEvent) {
    const { device, access, pos, len, why } = event;
    super(`${device}: ${access} of ${String(len)} bytes at ${String(pos)}: ${why}`);
    this.event = event;
  }
}

export const mayWrite = (dir: DmaDirection): boolean => dir !== 'to-device';
export const mayRead = (dir: DmaDirection): boolean => dir !== 'from-device';
