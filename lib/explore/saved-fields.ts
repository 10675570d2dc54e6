// The fields of objects, each put back to the value that it had: shape by shape, since objects of
// one class, or literals with the same keys, are put back by the same straight stores.

/** Where a loaded class names its readonly fields; what it inherits is named by its base. */
const readonlyNames = Symbol.for('leasehold.readonly');

function readonlyFields(object: object): ReadonlySet<string> {
  const fields = new Set<string>();
  for (let of: unknown = object.constructor; typeof of === 'function';) {
    if (Object.hasOwn(of, readonlyNames)) {
      for (const name of (of as unknown as Record<symbol, string[]>)[readonlyNames]!) {
        fields.add(name);
      }
    }
    of = Object.getPrototypeOf(of);
  }
  return fields;
}

export type Fields = Record<PropertyKey, unknown>;

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

/**
 * The fields that a run may read and write. A literal may have getters; an object of a class has
 * its fields and nothing else.
 */
export function knownKeys(object: object): string[] {
  return isPlain(object) ? writableKeys(object) : Object.keys(object);
}

/** Writes the values from at on back into the fields of one object. */
type Loader = (object: object, values: readonly unknown[], at: number) => void;

/** By their keys: one machine after the other has the same shapes, and compiled code is dear. */
const loaders = new Map<string, Loader>();

function loaderOf(name: string, keys: readonly string[]): Loader {
  const id = `${name} ${JSON.stringify(keys)}`;
  let loader = loaders.get(id);
  if (loader === undefined) loaders.set(id, (loader = makeLoader(keys)));
  return loader;
}

/** A loader for objects with these keys: straight stores, which the engine compiles to moves. */
function makeLoader(keys: readonly string[]): Loader {
  const stores = keys.map((key, i) => `o[${JSON.stringify(key)}] = v[at + ${i}];`).join('\n');

  return new Function('o', 'v', 'at', `'use strict';\n${stores}`) as Loader;
}

interface ShapeKeys {
  /** Those that a run may write to. */
  readonly keys: readonly string[];
  readonly readonlyKeys: readonly string[];
  /** With those that cannot be written: accessors, and what a filter gives for functions. */
  readonly allKeys: readonly string[];
}

/** Objects of one shape: restored by one loader, one after the other. */
class Shape {
  readonly #keys: readonly string[];
  readonly #readonlyKeys: readonly string[];
  readonly #allKeys: readonly string[];
  readonly #objects: object[] = [];
  readonly #values: unknown[] = [];
  /** Of the readonly fields of all objects; looked at only by strayFields(). */
  readonly #constants: unknown[] = [];
  readonly #loader: Loader;
  /** Such an object may have got more keys since. */
  readonly #loose: boolean;

  constructor(name: string, { keys, readonlyKeys, allKeys }: ShapeKeys, loose: boolean) {
    this.#keys = keys;
    this.#allKeys = allKeys;
    this.#readonlyKeys = readonlyKeys;
    this.#loose = loose;
    this.#loader = loaderOf(name, keys);
  }

  add(object: object): void {
    this.#objects.push(object);
    for (const key of this.#keys) this.#values.push((object as Fields)[key]);
    for (const key of this.#readonlyKeys) this.#constants.push((object as Fields)[key]);
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

  /**
   * Fields that objects of a class have beside its own, and keep; and readonly ones that were
   * written to.
   */
  strayFields(): string[] {
    if (this.#loose) return [];
    const stray = new Set<string>();
    for (const [i, object] of this.#objects.entries()) {
      const { name } = object.constructor;
      for (const key of this.#newKeys(object)) stray.add(`${name}.${key}`);
      for (const [j, key] of this.#readonlyKeys.entries()) {
        const before = this.#constants[i * this.#readonlyKeys.length + j];
        if ((object as Fields)[key] !== before) stray.add(`${name}.${key} (readonly)`);
      }
    }
    return [...stray];
  }
}

/** The fields of all objects that were added. */
export class SavedFields {
  readonly #shapes = new Map<string, Shape>();
  /** Those of the shapes that have something to put back. */
  readonly #changing: Shape[] = [];

  /** name: of its class. known: its keys, of knownKeys(). */
  add(object: object, name: string, known: readonly string[]): void {
    if (Object.isFrozen(object)) return;
    const plain = isPlain(object);
    if (known.length === 0 && !plain) return;
    const allKeys = Object.keys(object);
    const constant = plain ? new Set() : readonlyFields(object);
    const readonlyKeys = known.filter((key) => constant.has(key));
    const keys = known.filter((key) => !constant.has(key));
    const of = plain ? 'plain' : name;
    const id = JSON.stringify([of, keys, allKeys]);
    let shape = this.#shapes.get(id);
    if (shape === undefined) {
      shape = new Shape(of, { keys, readonlyKeys, allKeys }, plain);
      this.#shapes.set(id, shape);
      if (plain || keys.length > 0) this.#changing.push(shape);
    }
    shape.add(object);
  }

  restore(): void {
    for (let i = 0; i < this.#changing.length; i++) this.#changing[i]!.restore();
  }

  strayFields(): string[] {
    return [...this.#shapes.values()].flatMap((shape) => shape.strayFields());
  }
}
