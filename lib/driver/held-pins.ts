// Pins that are held: a set that forgets those which are gone, in the order in which they came.
//
// Nobody tells it of an unpin. It looks for itself whenever it has doubled since it looked last, so
// that it is never much longer than what is held, and adding stays cheap.

import type { PinnedPages } from '../mm/gup.js';

/** Shorter sets are not looked through. */
const FEW = 32;

export class HeldPins {
  readonly #pins = new Set<PinnedPages>();
  #limit = FEW;

  add(pins: PinnedPages): void {
    this.#pins.add(pins);
    if (this.#pins.size < this.#limit) return;
    this.#forgetGone();
    this.#limit = Math.max(FEW, 2 * this.#pins.size);
  }

  /** Those that are not GONE, oldest first. */
  list(): readonly PinnedPages[] {
    this.#forgetGone();
    return [...this.#pins];
  }

  /** How many it remembers: those held, and gone ones it has not looked at yet. */
  get nrRemembered(): number {
    return this.#pins.size;
  }

  #forgetGone(): void {
    for (const pins of this.#pins) if (pins.state === 'GONE') this.#pins.delete(pins);
  }
}
