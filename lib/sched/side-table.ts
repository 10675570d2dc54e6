// A side table: what one room keeps about objects of another, for as long as they live.
//
// A WeakMap whose changes can be heard of: an exploration that puts a world back to where it stood
// must put back what was noted about its objects too, and a WeakMap cannot be listed.

/** Hears of a key's value before it changes; undefined: it had none. */
export interface SideTableListener {
  changing(table: SideTable<object, unknown>, key: object, before: unknown): void;
}

const tables: SideTable<object, unknown>[] = [];
const listeners = new Set<SideTableListener>();

/** What all tables say about one object. */
export function* notedAbout(key: object): Generator<unknown> {
  for (const table of tables) if (table.has(key)) yield table.get(key);
}

/** Hear of every change of every table, until the answer is called. */
export function listenToSideTables(listener: SideTableListener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** One for a module, not for an object: none is ever forgotten. */
export class SideTable<K extends object, V> {
  readonly #values = new WeakMap<K, V>();

  constructor() {
    tables.push(this as unknown as SideTable<object, unknown>);
  }

  has(key: K): boolean {
    return this.#values.has(key);
  }

  get(key: K): V | undefined {
    return this.#values.get(key);
  }

  set(key: K, value: V): void {
    if (listeners.size > 0) this.#tell(key);
    this.#values.set(key, value);
  }

  delete(key: K): void {
    if (listeners.size > 0) this.#tell(key);
    this.#values.delete(key);
  }

  #tell(key: K): void {
    const before = this.#values.get(key);
    const table = this as unknown as SideTable<object, unknown>;
    for (const listener of listeners) listener.changing(table, key, before);
  }
}
