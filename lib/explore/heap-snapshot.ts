// Puts a world back to where it stood: every field, element, entry and byte that can be reached
// from its roots, written back in place. Booting a machine anew costs a hundred times as much.
//
//   take(roots) -> restore() -> a run changes things -> restore() -> ...
//
// Reached is what fields, elements, entries and views lead to. What a function captured is not, and
// a private `#field` is not either: modules are loaded with their fields opened for this
// (scripts/open-fields.mjs), and fieldsAreOpen says whether they were. What can be neither read
// nor put back, as a promise that is not settled, makes the snapshot unsound: `unsound` names it.
//
// What need not be put back: a field that its class declares `readonly`, as the compiler holds
// everybody to (strayFields() shows who got around it), and a frozen object.

import { inspect, types } from 'node:util';
import { Region } from '../mm/region.js';
import { StoreLog } from '../mm/store-log.js';
import { Scratch } from '../scratch.js';
import {
  listenToSideTables,
  notedAbout,
  type SideTable,
  type SideTableListener,
} from '../sched/index.js';
import { SavedLists, SavedMaps, SavedSets } from './saved-containers.js';
import { knownKeys, SavedFields, type Fields } from './saved-fields.js';
import { SavedMemory } from './saved-memory.js';

/** Whether `#fields` of this project are properties now. */
export const fieldsAreOpen = ((): boolean => {
  class Probe {
    #field = 1;
    read(): number {
      return this.#field;
    }
  }
  const probe = new Probe();
  return probe.read() === 1 && Object.keys(probe).length === 1;
})();

/** What has no state of its own that a run could change. */
function isOpaque(value: object): boolean {
  return (
    value instanceof StoreLog ||
    value instanceof Scratch ||
    value instanceof Error ||
    value instanceof RegExp ||
    value instanceof Date ||
    value instanceof ArrayBuffer ||
    value instanceof SharedArrayBuffer ||
    value instanceof WeakRef
  );
}

const isIteration = (value: object): boolean =>
  types.isGeneratorObject(value) || types.isMapIterator(value) || types.isSetIterator(value);

interface Noted {
  readonly table: SideTable<object, unknown>;
  readonly key: object;
  readonly before: unknown;
}

export class HeapSnapshot implements SideTableListener {
  /** What cannot be put back, by class and field; empty if all is well. */
  readonly unsound: readonly string[];
  readonly #fields = new SavedFields();
  readonly #lists = new SavedLists();
  readonly #maps = new SavedMaps();
  readonly #sets = new SavedSets();
  readonly #memory = new SavedMemory();
  readonly #seen = new Set<object>();
  /** Shared memory, with the region whose pages lie in it. */
  readonly #buffers = new Map<SharedArrayBuffer, Region | null>();
  readonly #queue: object[] = [];
  readonly #unsound: string[] = [];
  /** What side tables said about objects of this snapshot before it was changed, oldest first. */
  readonly #noted: Noted[] = [];
  readonly #stopListening: () => void;

  /** opaque: objects that stay as they are, with all that only they lead to. */
  private constructor(roots: readonly object[], opaque: readonly object[]) {
    for (const object of opaque) this.#seen.add(object);
    for (const root of roots) this.#reach(root, 'a root');
    for (let object = this.#queue.pop(); object !== undefined; object = this.#queue.pop()) {
      this.#save(object);
    }
    for (const [buffer, region] of this.#buffers) this.#memory.addShared(buffer, region);
    this.unsound = this.#unsound;
    this.#stopListening = listenToSideTables(this);
  }

  static take(roots: readonly object[], opaque: readonly object[] = []): HeapSnapshot {
    return new HeapSnapshot(roots, opaque);
  }

  changing(table: SideTable<object, unknown>, key: object, before: unknown): void {
    if (this.#seen.has(key)) this.#noted.push({ table, key, before });
  }

  /**
   * Fields that objects of a class got after they were made, which is how every run after the first
   * found them, and readonly ones that were written to: to look for them at each restore would take
   * longer than all of it.
   */
  strayFields(): string[] {
    return this.#fields.strayFields();
  }

  /** It will not be needed again. */
  release(): void {
    this.#stopListening();
    for (const region of this.#buffers.values()) if (region !== null) region.stores = null;
  }

  restore(): void {
    if (this.#noted.length > 0) this.#takeNotesBack();
    this.#fields.restore();
    this.#lists.restore();
    this.#maps.restore();
    this.#sets.restore();
    this.#memory.restore();
  }

  #takeNotesBack(): void {
    for (const { table, key, before } of this.#noted.splice(0).reverse()) {
      if (before === undefined) table.delete(key);
      else table.set(key, before);
    }
    this.#noted.length = 0; // what was just put back was noted too
  }

  #reach(value: unknown, from: string): void {
    if (typeof value !== 'object' || value === null || this.#seen.has(value)) return;
    this.#seen.add(value);
    if (value instanceof Promise) {
      if (inspect(value).includes('<pending>')) this.#unsound.push(`${from}: a pending promise`);
    } else if (value instanceof WeakMap || value instanceof WeakSet) {
      this.#unsound.push(`${from}: what it holds cannot be listed`);
    } else if (isIteration(value)) {
      this.#unsound.push(`${from}: where an iteration stands`);
    } else if (!isOpaque(value)) {
      this.#queue.push(value);
    }
  }

  #save(object: object): void {
    const name = object.constructor?.name ?? 'object';
    if (object instanceof Region) this.#watchStores(object);
    for (const noted of notedAbout(object)) this.#reach(noted, `a note about ${name}`);
    if (ArrayBuffer.isView(object)) return this.#saveBytes(object);
    if (Array.isArray(object)) {
      for (const element of object) this.#reach(element, name);
      if (!Object.isFrozen(object)) this.#lists.add(object);
      return;
    }
    if (object instanceof Map) {
      for (const [key, value] of object) {
        this.#reach(key, name);
        this.#reach(value, name);
      }
      this.#maps.add(object);
    } else if (object instanceof Set) {
      for (const value of object) this.#reach(value, name);
      this.#sets.add(object);
    }
    this.#saveFields(object, name);
  }

  #saveFields(object: object, name: string): void {
    const isData = (key: string): boolean => typeof (object as Fields)[key] !== 'function';
    // What a filter gives for a function is its own, and not what its target has.
    const known = types.isProxy(object) ? knownKeys(object).filter(isData) : knownKeys(object);
    for (const key of known) this.#reach((object as Fields)[key], `${name}.${key}`);
    this.#fields.add(object, name, known);
  }

  #watchStores(region: Region): void {
    region.stores = new StoreLog(region.nrPages);
    this.#buffers.set(region.place.buffer, region);
  }

  /** Shared memory once, with all of it; of a buffer that others use too, the part of this view. */
  #saveBytes(view: ArrayBufferView): void {
    if (view.buffer instanceof SharedArrayBuffer) {
      if (!this.#buffers.has(view.buffer)) this.#buffers.set(view.buffer, null);
    } else {
      this.#memory.addView(view);
    }
  }
}
