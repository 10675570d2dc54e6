// The objects behind one open uverbs file, by handle (drivers/infiniband/core/rdma_core.c).
//
//   handle unknown            ENOENT
//   of another kind           EINVAL
//   in use by another call    EBUSY     (a destroy or rereg excludes all others; uses may overlap)
//
// When the file closes, objects go newest first, in passes, until nothing more can go.

import assert from 'node:assert/strict';
import { Errno } from '../../lib/driver/index.js';

export type ObjectKind = 'pd' | 'mr' | 'mw' | 'cq' | 'srq' | 'qp' | 'ah' | 'channel';

interface Entry {
  readonly handle: number;
  readonly kind: ObjectKind;
  readonly object: object;
  /** Calls that use it; -1: one that excludes all others. */
  users: number;
}

/** A lock on one object for the length of a call. */
export class Guard<T> implements Disposable {
  readonly handle: number;
  readonly object: T;
  readonly #release: () => void;

  constructor(handle: number, object: T, release: () => void) {
    this.handle = handle;
    this.object = object;
    this.#release = release;
  }

  [Symbol.dispose](): void {
    this.#release();
  }
}

export class ObjectTable {
  readonly #entries = new Map<number, Entry>();
  #nextHandle = 0;

  get size(): number {
    return this.#entries.size;
  }

  add(kind: ObjectKind, object: object): number {
    const handle = this.#nextHandle++;
    this.#entries.set(handle, { handle, kind, object, users: 0 });
    return handle;
  }

  remove(handle: number): void {
    assert(this.#entries.delete(handle), `handle ${handle} is not there`);
  }

  /** Use an object beside other users. */
  use<T extends object>(kind: ObjectKind, handle: unknown): Guard<T> {
    const entry = this.#find(kind, handle);
    if (entry.users < 0) throw busy(entry);
    entry.users++;
    return new Guard(entry.handle, entry.object as T, () => entry.users--);
  }

  /** Have an object alone. */
  own<T extends object>(kind: ObjectKind, handle: unknown): Guard<T> {
    const entry = this.#find(kind, handle);
    if (entry.users !== 0) throw busy(entry);
    entry.users = -1;
    return new Guard(entry.handle, entry.object as T, () => (entry.users = 0));
  }

  /** The objects of one kind, oldest first. */
  ofKind<T extends object>(kind: ObjectKind): T[] {
    const found = [...this.#entries.values()].filter((entry) => entry.kind === kind);
    return found.map((entry) => entry.object as T);
  }

  /** Everything, newest first: the order of a close. */
  newestFirst(): { readonly handle: number; readonly kind: ObjectKind; readonly object: object }[] {
    return [...this.#entries.values()].reverse();
  }

  #find(kind: ObjectKind, handle: unknown): Entry {
    if (typeof handle !== 'number' || !Number.isInteger(handle) || handle < 0) {
      throw new Errno('EINVAL', `${kind}: ${String(handle)} is no handle`);
    }
    const entry = this.#entries.get(handle);
    if (entry === undefined) throw new Errno('ENOENT', `${kind}: no object ${handle}`);
    if (entry.kind !== kind) throw new Errno('EINVAL', `${kind}: ${handle} is a ${entry.kind}`);
    return entry;
  }
}

const busy = (entry: Entry): Errno =>
  new Errno('EBUSY', `${entry.kind} ${entry.handle} is in use by another call`);
