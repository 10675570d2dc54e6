// Lists, maps and sets, each put back to what it held. Most are empty, or unchanged, or have grown
// at their ends, so each kind is asked for that first; one loop for a kind is compiled once.

/** Setting a length is a call into the engine's runtime, and most lists have grown by a few. */
function cut(list: unknown[], length: number): void {
  while (list.length > length) list.pop();
}

/** Lists, each put back to its elements. */
export class SavedLists {
  readonly #empty: unknown[][] = [];
  readonly #lists: unknown[][] = [];
  readonly #saved: (readonly unknown[])[] = [];

  add(list: unknown[]): void {
    if (list.length === 0) {
      this.#empty.push(list);
      return;
    }
    this.#lists.push(list);
    this.#saved.push([...list]);
  }

  restore(): void {
    const empty = this.#empty;
    for (let n = 0; n < empty.length; n++) {
      const list = empty[n]!;
      if (list.length !== 0) cut(list, 0);
    }
    for (let n = 0; n < this.#lists.length; n++) {
      const list = this.#lists[n]!;
      const saved = this.#saved[n]!;
      const { length } = saved;
      cut(list, length);
      while (list.length < length) list.push(saved[list.length]);
      for (let i = 0; i < length; i++) if (list[i] !== saved[i]) list[i] = saved[i];
    }
  }
}

/** Maps, each put back to its entries in their order. */
export class SavedMaps {
  readonly #empty: Map<unknown, unknown>[] = [];
  readonly #maps: Map<unknown, unknown>[] = [];
  readonly #keys: (readonly unknown[])[] = [];
  readonly #values: (readonly unknown[])[] = [];
  readonly #late: unknown[] = [];

  add(map: Map<unknown, unknown>): void {
    if (map.size === 0) {
      this.#empty.push(map);
      return;
    }
    this.#maps.push(map);
    this.#keys.push([...map.keys()]);
    this.#values.push([...map.values()]);
  }

  restore(): void {
    const empty = this.#empty;
    for (let n = 0; n < empty.length; n++) {
      const map = empty[n]!;
      if (map.size !== 0) map.clear();
    }
    const maps = this.#maps;
    for (let n = 0; n < maps.length; n++) {
      this.#restore(maps[n]!, this.#keys[n]!, this.#values[n]!);
    }
  }

  #restore(map: Map<unknown, unknown>, keys: readonly unknown[], values: readonly unknown[]): void {
    let n = 0;
    for (const [key, value] of map) {
      if (n >= keys.length) this.#late.push(key);
      else if (key !== keys[n]) break;
      else if (value !== values[n]) map.set(key, values[n]);
      n++;
    }
    if (n < map.size || n < keys.length) {
      // To clear a table keeps the old one alive beside the new one until a full collection.
      map.clear();
      for (let i = 0; i < keys.length; i++) map.set(keys[i], values[i]);
    } else {
      for (let i = 0; i < this.#late.length; i++) map.delete(this.#late[i]);
    }
    cut(this.#late, 0);
  }
}

/** Sets, each put back to its members in their order. */
export class SavedSets {
  readonly #empty: Set<unknown>[] = [];
  readonly #sets: Set<unknown>[] = [];
  readonly #saved: (readonly unknown[])[] = [];
  readonly #late: unknown[] = [];

  add(set: Set<unknown>): void {
    if (set.size === 0) {
      this.#empty.push(set);
      return;
    }
    this.#sets.push(set);
    this.#saved.push([...set]);
  }

  restore(): void {
    const empty = this.#empty;
    for (let n = 0; n < empty.length; n++) {
      const set = empty[n]!;
      if (set.size !== 0) set.clear();
    }
    for (let n = 0; n < this.#sets.length; n++) this.#restore(this.#sets[n]!, this.#saved[n]!);
  }

  #restore(set: Set<unknown>, saved: readonly unknown[]): void {
    let n = 0;
    for (const value of set) {
      if (n >= saved.length) this.#late.push(value);
      else if (value !== saved[n]) break;
      n++;
    }
    if (n < set.size || n < saved.length) {
      set.clear();
      for (let i = 0; i < saved.length; i++) set.add(saved[i]);
    } else {
      for (let i = 0; i < this.#late.length; i++) set.delete(this.#late[i]);
    }
    cut(this.#late, 0);
  }
}
