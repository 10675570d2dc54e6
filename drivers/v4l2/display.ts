// The display: a hardware model that shows what it reads over the bus, and remembers it.

import assert from 'node:assert/strict';
import type { PixFormat } from './formats.js';

export interface FrameSource {
  read(pos: number, target: Uint8Array): Promise<void>;
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

  /** Fetch one frame, from byte pos of source. What source throws leaves a torn picture. */
  async show(source: FrameSource, pos = 0): Promise<void> {
    assert(this.#mode !== null, 'the display is not configured');
    for (let at = 0; at < this.#shown.length; at += BURST) {
      await source.read(pos + at, this.#shown.subarray(at, at + BURST));
    }
    this.nrShown++;
  }
}
