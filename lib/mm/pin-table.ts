// The pins of one machine: who holds what, by file, by page and by process (/proc/<pid>/file_pins).

import type { Pfn, Pgoff } from '../units.js';
import type { AddressSpace } from './address-space.js';
import type { ProcessLike } from './caller.js';
import type { PinnedPages } from './pinned-pages.js';

export class PinTable {
  readonly #pins = new Set<PinnedPages>();

  add(pins: PinnedPages): void {
    this.#pins.add(pins);
  }

  remove(pins: PinnedPages): void {
    this.#pins.delete(pins);
  }

  get size(): number {
    return this.#pins.size;
  }

  [Symbol.iterator](): Iterator<PinnedPages> {
    return this.#pins[Symbol.iterator]();
  }

  /**
   * Live pins taken through pages [start, end) of the file. Says where they were taken, which a
   * collapse or insert may have moved since; who holds a page, pinsOfPage() knows.
   */
  pinsOf(mapping: AddressSpace, start: Pgoff = 0, end: Pgoff = Infinity): PinnedPages[] {
    const meets = (pins: PinnedPages): boolean =>
      pins.pieces.some(
        (piece) =>
          piece.mapping === mapping && piece.pgoff < end && piece.pgoff + piece.nrPages > start,
      );
    return [...this.#pins].filter(meets);
  }

  pinsOfPage(pfn: Pfn): PinnedPages[] {
    return [...this.#pins].filter((pins) => pins.includes(pfn));
  }

  pinsOfProcess(process: ProcessLike): PinnedPages[] {
    return [...this.#pins].filter((pins) => pins.origin.process === process);
  }

  /** Paths of the files pinned through an open file, each once (file_file_pin, facts 9.4). */
  filesPinnedThrough(openFile: object): string[] {
    return this.#paths(({ origin }) => origin.openFile === openFile);
  }

  /** And of those that a process pins through none (mm_file_pin). */
  filesPinnedBy(process: ProcessLike): string[] {
    return this.#paths(({ origin }) => origin.openFile === undefined && origin.process === process);
  }

  /** Anonymous memory has no path. */
  #paths(which: (pins: PinnedPages) => boolean): string[] {
    const paths = [...this.#pins].filter(which).map(({ origin }) => origin.dataFile);
    return [...new Set(paths.filter((path) => path !== ''))].sort();
  }
}
