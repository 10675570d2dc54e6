// The pins of one machine: who holds what, by file, by page and by process (/proc/<pid>/file_pins).

import type { Pfn, Pgoff } from '../units.js';
import type { AddressSpace } from './address-space.js';
import type { ProcessLike } from './caller.js';
import type { PinnedPages } from './pinned-pages.js';

/** One line of file_pins: a device file, and a file that it pins (facts 9.4). */
export interface FilePin {
  readonly deviceFile: string;
  readonly dataFile: string;
  readonly nrPages: number;
}

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

  /** What /proc/<pid>/file_pins says; pins of anonymous memory are not in it. */
  filePins(process: ProcessLike): FilePin[] {
    const lines = new Map<string, FilePin>();
    for (const pins of this.pinsOfProcess(process)) {
      const { deviceFile, dataFile } = pins.origin;
      if (dataFile === '') continue;
      const key = `${deviceFile}\0${dataFile}`;
      const nrPages = (lines.get(key)?.nrPages ?? 0) + pins.nrPages;
      lines.set(key, { deviceFile, dataFile, nrPages });
    }
    return [...lines.values()];
  }
}
