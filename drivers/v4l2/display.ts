// The display: a hardware model that shows what it reads over the bus, and remembers it.

import assert from 'node:assert/strict';
import type { PixFormat } from './formats.js';

export interface FrameSource {
  /** plane: which stretch of memory, where the format has several. */
  read(pos: number, target: Uint8Array, plane?: number): Promise<void>;
}

const BURST = 64 * 1024;

export class Display {
  /** Frames shown since it was made. */
  nrShown = 0;
  #mode: PixFormat | null = null;
  #shown = new Uint8Array(0);

  get mode(): PixFormat | null {
    return this.#mode;
  }

  /** The picture on the screen. */
  get picture(): Uint8Array {
    return this.#shown;
  }

  configure(mode: PixFormat): void {
    this.#mode = mode;
    this.#shown = new Uint8Array(mode.sizeimage);
  }

  /** Fetch one frame, from those bytes of its planes. What source throws leaves a torn picture. */
  async show(source: FrameSource, starts: readonly number[] = [0]): Promise<void> {
    assert(this.#mode !== null, 'the display is not configured');
    let to = 0;
    for (const [plane, size] of this.#mode.planeSizes.entries()) {
      for (let at = 0; at < size; at += BURST) {
        const piece = this.#shown.subarray(to + at, to + Math.min(at + BURST, size));
        await source.read((starts[plane] ?? 0) + at, piece, plane);
      }
      to += size;
    }
    this.nrShown++;
  }
}
