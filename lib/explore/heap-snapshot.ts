// Puts a world back to where it stood: every field, element, entry and byte that can be reached
// from its roots, written back in place. Booting a machine anew costs a hundred times as much.
//
//   take(roots) -> restore() -> a run changes things -> restore() -> ...
//
// Reached is what fields, elements, entries and views lead to. What a function captured is not, and
// a private `#field` is not either: modules are loaded with their fields opened for this
// (scripts/open-fields.mjs), and fieldsAreOpen says whether they were. What can be neither read
// nor put back, as a promise that is not settled, makes the snapshot unsound: `unsound` names it.

import { inspect, types } from 'node:util';
import { Region } from '../mm/region.js';
import { StoreLog } from '../mm/store-log.js';
import {
  listenToSideTables,
  notedAbout,
  type SideTable,
  type SideTableListener,
} from '../sched/index.js';
import { PAGE_SIZE } from '../units.js';

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

type Restore = () => void;
type Fields = Record<PropertyKey, unknown>;

/** Writes the values from at on back into the fields of one object. */
type Loader = (object: object, values: readonly unknown[], at: number) => void;

const bytesOf = (view: ArrayBufferView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** By their keys: one machine after the other has the same shapes, and compiled code is dear. */
const loaders = new Map<string, Loader>();

function loaderOf(keys: readonly string[]): Loader {
  const id = JSON.stringify(keys);
  let loader = loaders.get(id);
  if (loader === undefined) loaders.set(id, (loader = makeLoader(keys)));
  return loader;
}

/** A loader for objects with these keys: straight stores, which the engine compiles to moves. */
function makeLoader(keys: readonly string[]): Loader {
  const stores = keys.map((key, i) => `o[${JSON.stringify(key)}] = v[at + ${i}];`).join('\n');

  return new Function('o', 'v', 'at', stores) as Loader;
}

/** Objects of one shape: restored by one loader, one after the other. */
class Shape {
  readonly #keys: readonly string[];
  /** With those that cannot be written: accessors. */
  readonly #allKeys: readonly string[];
  readonly #objects: object[] = [];
  readonly #values: unknown[] = [];
  readonly #loader: Loader;
  /** Such an object may have got more keys since. */
  readonly #loose: boolean;

  constructor(keys: readonly string[], allKeys: readonly string[], loose: boolean) {
    this.#keys = keys;
    this.#allKeys = allKeys;
    this.#loose = loose;
    this.#loader = loaderOf(keys);
  }

  add(object: object): void {
    this.#objects.push(object);
    for (const key of this.#keys) this.#values.push((object as Fields)[key]);
  }

  restore(): void {
    const objects = this.#objects;
    const values = this.#values;
    const loader = this.#loader;
    const width = this.#keys.length;
    for (let i = 0, at = 0; i < objects.length; i++, at += width) {
      loader(objects[i]!, values, at);
      if (this.#loose) this.#forgetNewKeys(objects[i] as Fields);
    }
  }

  #forgetNewKeys(object: Fields): void {
    let nr = 0;
    for (const _ in object) nr++;
    if (nr === this.#allKeys.length) return;
    for (const key of this.#newKeys(object)) Reflect.deleteProperty(object, key);
  }

  #newKeys(object: object): string[] {
    return Object.keys(object).filter((key) => !this.#allKeys.includes(key));
  }

  /** Fields that objects of a class have beside its own, and keep. */
  strayFields(): string[] {
    if (this.#loose) return [];
    const fieldsOf = (object: object): string[] =>
      this.#newKeys(object).map((key) => `${object.constructor.name}.${key}`);
    return [...new Set(this.#objects.flatMap(fieldsOf))];
  }
}

/** Lists, each put back to its elements. One loop over all of them is compiled once, for good. */
class Lists {
  readonly #lists: unknown[][] = [];
  readonly #saved: (readonly unknown[])[] = [];

  add(list: unknown[]): void {
    this.#lists.push(list);
    this.#saved.push([...list]);
  }

  restore(): void {
    for (let n = 0; n < this.#lists.length; n++) {
      const list = this.#lists[n]!;
      const saved = this.#saved[n]!;
      const { length } = saved;
      if (list.length !== length) list.length = length;
      for (let i = 0; i < length; i++) if (list[i] !== saved[i]) list[i] = saved[i];
    }
  }
}

/**
 * Maps and sets, each put back to its entries in their order. Most are unchanged, or got keys that
 * come last. Of a set the values are its keys.
 */
class Keyed {
  readonly #all: (Map<unknown, unknown> | Set<unknown>)[] = [];
  readonly #keys: (readonly unknown[])[] = [];
  readonly #values: (readonly unknown[])[] = [];
  readonly #late: unknown[] = [];

  add(keyed: Map<unknown, unknown> | Set<unknown>): void {
    this.#all.push(keyed);
    this.#keys.push([...keyed.keys()]);
    this.#values.push([...keyed.values()]);
  }

  restore(): void {
    for (let n = 0; n < this.#all.length; n++) {
      const keyed = this.#all[n]!;
      if (this.#keys[n]!.length > 0) this.#restore(keyed, n);
      else if (keyed.size > 0) keyed.clear();
    }
  }

  #restore(keyed: Map<unknown, unknown> | Set<unknown>, n: number): void {
    const keys = this.#keys[n]!;
    const values = this.#values[n]!;
    if (this.#beginsAsItDid(keyed, keys, values)) {
      for (const key of this.#late) keyed.delete(key);
    } else {
      keyed.clear();
      for (let i = 0; i < keys.length; i++) {
        if (keyed instanceof Map) keyed.set(keys[i], values[i]);
        else keyed.add(keys[i]);
      }
    }
    this.#late.length = 0;
  }

  #beginsAsItDid(
    keyed: Map<unknown, unknown> | Set<unknown>,
    keys: readonly unknown[],
    values: readonly unknown[],
  ): boolean {
    if (keyed.size < keys.length) return false;
    let n = 0;
    for (const key of keyed.keys()) {
      if (n >= keys.length) this.#late.push(key);
      else if (key !== keys[n]) return false;
      else if (keyed instanceof Map && keyed.get(key) !== values[n]) return false;
      n++;
    }
    return true;
  }
}

function bytesRestorer(view: ArrayBufferView): Restore {
  const bytes = bytesOf(view);
  const saved = Uint8Array.from(bytes);
  return () => bytes.set(saved);
}

/** Shared memory whole; of the data of a region that lies in it, the pages that are stored to. */
function memoryRestorer(buffer: SharedArrayBuffer, region: Region | null): Restore {
  const bytes = new Uint8Array(buffer);
  const saved = Uint8Array.from(bytes);
  if (region === null) return () => bytes.set(saved);
  const { dataPos } = region.place;
  const endPos = dataPos + region.nrPages * PAGE_SIZE;
  const before = saved.subarray(0, dataPos);
  const behind = saved.subarray(endPos);
  const log = region.stores!;
  const putBack = (page: number): void => {
    const pos = dataPos + page * PAGE_SIZE;
    bytes.set(saved.subarray(pos, pos + PAGE_SIZE), pos);
  };
  return () => {
    bytes.set(before);
    bytes.set(behind, endPos);
    log.drain(putBack);
  };
}

/** What has no state of its own that a run could change. */
function isOpaque(value: object): boolean {
  return (
    value instanceof StoreLog ||
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

const isPlain = (object: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === Object.prototype || prototype === null;
};

function writableKeys(object: object): string[] {
  const keys: string[] = [];
  for (const key of Object.keys(object)) {
    const { get, writable } = Object.getOwnPropertyDescriptor(object, key)!;
    if (get === undefined && (writable === true || Object.isFrozen(object))) keys.push(key);
  }
  return keys;
}

interface Noted {
  readonly table: SideTable<object, unknown>;
  readonly key: object;
  readonly before: unknown;
}

export class HeapSnapshot implements SideTableListener {
  /** What cannot be put back, by class and field; empty if all is well. */
  readonly unsound: readonly string[];
  readonly #shapes = new Map<string, Shape>();
  readonly #lists = new Lists();
  readonly #keyed = new Keyed();
  readonly #memories: Restore[] = [];
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
    for (const [buffer, region] of this.#buffers) {
      this.#memories.push(memoryRestorer(buffer, region));
    }
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
   * found them: to look for them at each restore would take longer than all of it.
   */
  strayFields(): string[] {
    return [...this.#shapes.values()].flatMap((shape) => shape.strayFields());
  }

  /** It will not be needed again. */
  release(): void {
    this.#stopListening();
    for (const region of this.#buffers.values()) if (region !== null) region.stores = null;
  }

  restore(): void {
    const noted = this.#noted.splice(0);
    for (const { table, key, before } of noted.reverse()) {
      if (before === undefined) table.delete(key);
      else table.set(key, before);
    }
    this.#noted.length = 0;
    for (const shape of this.#shapes.values()) shape.restore();
    this.#lists.restore();
    this.#keyed.restore();
    for (const restore of this.#memories) restore();
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
      this.#keyed.add(object);
    } else if (object instanceof Set) {
      for (const value of object) this.#reach(value, name);
      this.#keyed.add(object);
    }
    this.#saveFields(object, name);
  }

  #saveFields(object: object, name: string): void {
    const plain = isPlain(object);
    const allKeys = Object.keys(object);
    // An object of a class has its fields and nothing else; a literal may have getters.
    const keys = plain ? writableKeys(object) : allKeys;
    for (const key of keys) this.#reach((object as Fields)[key], `${name}.${key}`);
    if (Object.isFrozen(object)) return;
    if (keys.length === 0 && !plain) return;
    const id = `${plain ? 'plain' : name} ${keys.join(' ')} of ${allKeys.join(' ')}`;
    let shape = this.#shapes.get(id);
    if (shape === undefined) this.#shapes.set(id, (shape = new Shape(keys, allKeys, plain)));
    shape.add(object);
  }

  #watchStores(region: Region): void {
    region.stores = new StoreLog(region.nrPages);
    this.#buffers.set(region.place.buffer, region);
  }

  /** Shared memory once, with all of it; of a buffer that others use too, the part of this view. */
  #saveBytes(view: ArrayBufferView): void {
    if (view.buffer instanceof SharedArrayBuffer) {
      if (!this.#buffers.has(view.buffer)) this.#buffers.set(view.buffer, null);
    } else if (view.byteLength > 0) {
      this.#memories.push(bytesRestorer(view));
    }
  }
}
