// One layout as the server keeps it (nfs4_layout_stateid): the extents, and who waits for it.
//
//   GRANTED --CB_LAYOUTRECALL--> RECALLED --LAYOUTRETURN--> GONE
//      `------LAYOUTRETURN-------------------------^   `--2 lease periods--> fence --> GONE

import {
  type BlockLayout,
  type Device,
  type DmaMapping,
  Errno,
  PAGE_SIZE,
  WaitQueue,
} from '../../lib/driver/index.js';

export type IOMode = 'read' | 'rw';

export interface LayoutExtent {
  /** Bytes of the file. */
  readonly pos: number;
  readonly len: number;
}

/** A piece of an I/O: the extent's blocks, from byte pos of them. */
export interface BlockPiece {
  readonly mapping: DmaMapping;
  readonly pos: number;
  readonly start: number;
  readonly end: number;
}

export class LayoutState {
  readonly stateid: number;
  readonly iomode: IOMode;
  readonly extents: readonly LayoutExtent[];
  /** Woken when the layout is recalled, an I/O ended, or it is gone. */
  readonly changed: WaitQueue;
  state: 'GRANTED' | 'RECALLED' | 'GONE' = 'GRANTED';
  /** I/O of the client under way through it. */
  nrUnderWay = 0;
  readonly #dev: Device;
  readonly #layout: BlockLayout;
  readonly #mappings: readonly DmaMapping[];

  constructor(dev: Device, layout: BlockLayout, stateid: number, iomode: IOMode) {
    this.#dev = dev;
    this.#layout = layout;
    this.stateid = stateid;
    this.iomode = iomode;
    this.extents = layout.extents.map(({ pos, len }) => ({ pos, len }));
    this.changed = new WaitQueue(dev.sched, `layout ${stateid}`);
    const dir = iomode === 'rw' ? 'bidirectional' : 'to-device';
    this.#mappings = layout.extents.map(({ pfn, len }) => {
      const borrowed = Uint32Array.from({ length: len / PAGE_SIZE }, (_, i) => pfn + i);
      return dev.dmaMap({ borrowed, pos: 0, len }, dir);
    });
  }

  /** The blocks of [pos, pos + len). EINVAL: the layout does not cover it. */
  piecesOf(pos: number, len: number): BlockPiece[] {
    const pieces: BlockPiece[] = [];
    let at = pos;
    this.extents.forEach((e, i) => {
      if (at < e.pos || at >= e.pos + e.len || at >= pos + len) return;
      const end = Math.min(pos + len, e.pos + e.len);
      pieces.push({
        mapping: this.#mappings[i]!,
        pos: at - e.pos,
        start: at - pos,
        end: end - pos,
      });
      at = end;
    });
    if (at !== pos + len || len === 0) {
      throw new Errno('EINVAL', `layout ${this.stateid} does not cover [${pos}, +${len})`);
    }
    return pieces;
  }

  recall(): void {
    if (this.state === 'GRANTED') this.state = 'RECALLED';
    this.changed.wakeAll();
  }

  /** Give the blocks back to the file system, once. The client is done with them, or fenced. */
  drop(): void {
    if (this.state === 'GONE') return;
    this.state = 'GONE';
    for (const mapping of this.#mappings) this.#dev.dmaUnmap(mapping);
    this.#layout.release();
    this.changed.wakeAll();
  }
}
