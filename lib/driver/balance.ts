// The balance of one device: every object it holds by name, from acquire to release.
//
// Each pair of calls counts here (pin/unpin, map/unmap, alloc/free, …). What is left at the end of
// an unbind is a leak of the driver, and is named.

import assert from 'node:assert/strict';

export type HeldKind =
  | 'pin'
  | 'mapping'
  | 'pages'
  | 'watch'
  | 'work'
  | 'task'
  | 'dma-buf'
  | 'attachment'
  | 'lease'
  | 'vma'
  | 'file'
  | 'action';

export interface HeldObject {
  readonly kind: HeldKind;
  readonly label: string;
}

export class Balance {
  readonly #held = new Map<object, HeldObject>();

  acquire(object: object, kind: HeldKind, label: string): void {
    if (this.#held.has(object)) assert.fail(`${kind} ${label} is held already`);
    this.#held.set(object, { kind, label });
  }

  release(object: object): void {
    assert(this.#held.delete(object), 'released an object that this device does not hold');
  }

  holds(object: object): boolean {
    return this.#held.has(object);
  }

  count(kind?: HeldKind): number {
    if (kind === undefined) return this.#held.size;
    let n = 0;
    for (const held of this.#held.values()) if (held.kind === kind) n++;
    return n;
  }

  /** The objects of one kind, oldest first. */
  objects<T extends object>(kind: HeldKind): T[] {
    return [...this.#held].filter(([, held]) => held.kind === kind).map(([object]) => object as T);
  }

  /** Everything held, oldest first. */
  list(): HeldObject[] {
    return [...this.#held.values()];
  }
}
