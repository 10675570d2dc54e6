// Bytes, put back in place: views of private memory, and shared memory with the regions in it.

import { headerParts, layoutOf } from '../mm/dax-info-block.js';
import type { Region } from '../mm/region.js';
import { PAGE_SIZE } from '../units.js';

/** Of the data of a region: the pages that are stored to. */
class SavedPages {
  readonly #bytes: Uint8Array;
  readonly #saved: Uint8Array;
  readonly #region: Region;
  readonly #putBack = (page: number): void => {
    const pos = this.#region.place.dataPos + page * PAGE_SIZE;
    this.#bytes.set(this.#saved.subarray(pos, pos + PAGE_SIZE), pos);
  };

  constructor(bytes: Uint8Array, saved: Uint8Array, region: Region) {
    this.#bytes = bytes;
    this.#saved = saved;
    this.#region = region;
  }

  restore(): void {
    this.#region.stores!.drain(this.#putBack);
  }
}

/** What stands before the data of a region, without the gaps that nobody writes to. */
function partsBefore({ place, nrPages }: Region): readonly { pos: number; len: number }[] {
  const layout = layoutOf(nrPages * PAGE_SIZE);
  const isDevice = layout.dataPos === place.dataPos && layout.countersPos === place.countersPos;
  return isDevice ? headerParts(layout) : [{ pos: 0, len: place.dataPos }];
}

export class SavedMemory {
  readonly #bytes: Uint8Array[] = [];
  readonly #saved: Uint8Array[] = [];
  readonly #pages: SavedPages[] = [];

  addView(view: ArrayBufferView): void {
    if (view.byteLength === 0) return;
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    this.#bytes.push(bytes);
    this.#saved.push(Uint8Array.from(bytes));
  }

  /** Shared memory whole; of the data of a region in it, the pages that are stored to. */
  addShared(buffer: SharedArrayBuffer, region: Region | null): void {
    const bytes = new Uint8Array(buffer);
    const saved = Uint8Array.from(bytes);
    const add = (pos: number, len: number): void => {
      if (len === 0) return;
      this.#bytes.push(bytes.subarray(pos, pos + len));
      this.#saved.push(saved.subarray(pos, pos + len));
    };
    if (region === null) return add(0, bytes.length);
    for (const { pos, len } of partsBefore(region)) add(pos, len);
    const endPos = region.place.dataPos + region.nrPages * PAGE_SIZE;
    add(endPos, bytes.length - endPos);
    this.#pages.push(new SavedPages(bytes, saved, region));
  }

  restore(): void {
    for (let i = 0; i < this.#bytes.length; i++) this.#bytes[i]!.set(this.#saved[i]!);
    for (let i = 0; i < this.#pages.length; i++) this.#pages[i]!.restore();
  }
}
