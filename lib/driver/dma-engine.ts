// DmaEngine: who moves the bytes of a live machine's DMA, where that is not the bus itself: a
// worker thread, say, that writes while the kernel goes on.
//
//   move -> under way -> moved          drain: blocks until nothing that was begun is under way
//
// The bus asks and judges; the engine only moves. A mapping is drained before it is gone, as an
// IOMMU waits for the writes that it has let through: nothing arrives after dmaUnmap.

/** Where bytes come from: pages, counted from the first of the list, or a buffer. */
export type DmaSource =
  { readonly pfns: Uint32Array; readonly pos: number } | { readonly bytes: Uint8Array };

export interface DmaMove {
  readonly pfns: Uint32Array;
  /** Counted from the start of the first page. */
  readonly pos: number;
  readonly len: number;
  readonly from: DmaSource;
  /** Whose the pages are meant to be, as PageOwners.words has it. */
  readonly owners: Uint32Array;
}

export interface DmaEngine {
  move(move: DmaMove): Promise<void>;
  /** Returns when all that was begun has been moved; the promises are settled later. */
  drain(): void;
}
