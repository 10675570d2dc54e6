// What a file system promised, as a plain model beside a random workload.
//
// The workload is a function of its seed, so that whoever knows the seed and how far it came knows
// what was done. The model keeps every state since the last promise. After a crash the names and
// sizes must be those of one such state, and each byte of a file one that it had in some of them:
// metadata comes back as it was at one moment, stores that nobody synced in any order.

import { Prng } from '../sched/index.js';
import { PAGE_SIZE } from '../units.js';

export type Op =
  | { readonly op: 'write' | 'store'; name: string; pos: number; len: number; byte: number }
  | { readonly op: 'truncate'; name: string; size: number }
  | { readonly op: 'alloc' | 'punch' | 'zero'; name: string; pos: number; len: number }
  | { readonly op: 'collapse' | 'insert'; name: string; pos: number; len: number }
  | { readonly op: 'rename' | 'link' | 'exchange'; name: string; to: string }
  | { readonly op: 'fsync' | 'unlink' | 'pin'; name: string }
  | { readonly op: 'create'; name: string }
  | { readonly op: 'unpin' };

/** Directories that are made, and synced, before the workload begins. */
export const directories = ['/', '/d/'] as const;
const MAX_SIZE = 12 * PAGE_SIZE;
const NR_NAMES = 6;

/** What stands under each name: the number of a file and its size. */
export type Names = ReadonlyMap<string, { readonly id: number; readonly size: number }>;

interface FileHistory {
  /** Contents since the last sync, the newest last. */
  versions: Uint8Array[];
  /** Blocks came or went since: a byte may read as zero. */
  zeros: boolean;
}

export interface ModelOptions {
  /** A sync of one file keeps the bytes of all: the stores live on when only the process dies. */
  readonly storesSurvive: boolean;
}

export class TortureModel {
  readonly #options: ModelOptions;
  readonly #names = new Map<string, number>();
  readonly #files = new Map<number, FileHistory>();
  #states: Names[] = [new Map()];
  #nextId = 1;

  constructor(options: ModelOptions) {
    this.#options = options;
  }

  get names(): readonly string[] {
    return [...this.#names.keys()];
  }

  content(name: string): Uint8Array {
    return this.#history(name).versions.at(-1)!;
  }

  #history(name: string): FileHistory {
    return this.#files.get(this.#names.get(name)!)!;
  }

  #note(): void {
    const state = new Map<string, { id: number; size: number }>();
    for (const [name, id] of this.#names) {
      state.set(name, { id, size: this.#files.get(id)!.versions.at(-1)!.length });
    }
    this.#states.push(state);
  }

  /** An operation began: from now on its effects may be seen. */
  begin(op: Op): void {
    if (op.op === 'fsync' || op.op === 'pin' || op.op === 'unpin') return;
    if (op.op === 'create') {
      this.#names.set(op.name, this.#nextId);
      this.#files.set(this.#nextId++, { versions: [new Uint8Array()], zeros: true });
    } else if (op.op === 'unlink') this.#names.delete(op.name);
    else if (op.op === 'exchange') {
      const [id, other] = [this.#names.get(op.name)!, this.#names.get(op.to)!];
      this.#names.set(op.name, other).set(op.to, id);
    } else if (op.op === 'rename' || op.op === 'link') {
      const id = this.#names.get(op.name)!;
      if (this.#names.get(op.to) === id) return; // two names of one file: rename(2) leaves both
      if (op.op === 'rename') this.#names.delete(op.name);
      this.#names.set(op.to, id);
    } else {
      const history = this.#history(op.name);
      history.versions.push(changed(this.content(op.name), op));
      history.zeros ||= op.op !== 'store';
    }
    this.#note();
  }

  /** An operation returned: what it promised holds from now on. */
  end(op: Op): void {
    if (op.op !== 'fsync') return;
    this.#states = this.#states.slice(-1);
    const synced = this.#options.storesSurvive
      ? this.#files.values()
      : [this.#history(op.name)].values();
    for (const history of synced) {
      history.versions = history.versions.slice(-1);
      history.zeros = false;
    }
  }

  /** What is wrong with what was found after a crash; null: nothing. */
  check(found: ReadonlyMap<string, Uint8Array>): string | null {
    const state = this.#states.find((s) => sameNames(s, found));
    if (state === undefined) {
      const seen = [...found].map(([name, bytes]) => `${name} ${bytes.length}`).join(', ');
      return `names and sizes were never like this: ${seen || 'nothing'}`;
    }
    for (const [name, { id }] of state) {
      const wrong = this.#wrongByte(this.#files.get(id)!, found.get(name)!);
      if (wrong >= 0) return `${name}: byte ${wrong} is ${found.get(name)![wrong]}, never written`;
    }
    return null;
  }

  #wrongByte({ versions, zeros }: FileHistory, bytes: Uint8Array): number {
    return bytes.findIndex(
      (byte, pos) => !(zeros && byte === 0) && !versions.some((v) => (v[pos] ?? 0) === byte),
    );
  }
}

function sameNames(state: Names, found: ReadonlyMap<string, Uint8Array>): boolean {
  if (state.size !== found.size) return false;
  return [...state].every(([name, { size }]) => found.get(name)?.length === size);
}

/** The content of a file after an operation. */
function changed(before: Uint8Array, op: Op): Uint8Array {
  if (op.op === 'truncate') return resized(before, op.size);
  if (op.op === 'write' || op.op === 'store') {
    return resized(before, Math.max(before.length, op.pos + op.len)).fill(
      op.byte,
      op.pos,
      op.pos + op.len,
    );
  }
  if (op.op === 'alloc') return resized(before, Math.max(before.length, op.pos + op.len));
  if (op.op === 'punch') return before.slice().fill(0, op.pos, op.pos + op.len);
  if (op.op === 'zero') {
    const size = Math.max(before.length, op.pos + op.len);
    return resized(before, size).fill(0, op.pos, op.pos + op.len);
  }
  if (op.op === 'collapse' || op.op === 'insert') {
    const gap = op.op === 'insert' ? op.len : 0;
    const skip = op.op === 'collapse' ? op.len : 0;
    const after = new Uint8Array(before.length + gap - skip);
    after.set(before.subarray(0, op.pos));
    after.set(before.subarray(op.pos + skip), op.pos + gap);
    return after;
  }
  return before;
}

function resized(before: Uint8Array, size: number): Uint8Array {
  const after = new Uint8Array(size);
  after.set(before.subarray(0, size));
  return after;
}

const nameOf = (rng: Prng): string =>
  `${directories[rng.uint32() % directories.length]}f${rng.uint32() % NR_NAMES}`;

const pick = <T>(rng: Prng, from: readonly T[]): T => from[rng.uint32() % from.length]!;

const kinds = [
  ...['write', 'write', 'write', 'store', 'store', 'truncate', 'truncate', 'alloc', 'punch'],
  ...['zero', 'collapse', 'insert', 'rename', 'link', 'unlink', 'fsync', 'fsync', 'create'],
  ...['create', 'pin', 'pin', 'unpin', 'exchange'],
] as const;

/** The next operation that the model's state allows. */
function propose(rng: Prng, model: TortureModel): Op | null {
  const op = pick(rng, kinds);
  if (op === 'unpin') return { op };
  if (op === 'create') {
    const name = nameOf(rng);
    return model.names.includes(name) ? null : { op, name };
  }
  if (model.names.length === 0) return null;
  const name = pick(rng, model.names);
  if (op === 'fsync' || op === 'unlink' || op === 'pin') return { op, name };
  if (op === 'exchange') {
    const to = pick(rng, model.names);
    return to === name ? null : { op, name, to };
  }
  if (op === 'rename' || op === 'link') {
    const to = nameOf(rng);
    const taken = model.names.includes(to);
    return to === name || (op === 'link' && taken) ? null : { op, name, to };
  }
  return proposeChange(rng, op, name, model.content(name).length);
}

/** Operations on the bytes of a file. */
type Change = 'write' | 'store' | 'truncate' | 'alloc' | 'punch' | 'zero' | 'collapse' | 'insert';

function proposeChange(rng: Prng, op: Change, name: string, size: number): Op | null {
  if (op === 'truncate') return { op, name, size: rng.uint32() % MAX_SIZE };
  if (op === 'collapse' || op === 'insert') {
    const pages = Math.floor(size / PAGE_SIZE);
    if (pages < 2 || (op === 'insert' && size + PAGE_SIZE > MAX_SIZE)) return null;
    return { op, name, pos: (rng.uint32() % (pages - 1)) * PAGE_SIZE, len: PAGE_SIZE };
  }
  const inside = op === 'store' || op === 'punch';
  const limit = inside ? size : MAX_SIZE;
  if (limit === 0) return null;
  const pos = rng.uint32() % limit;
  const len = 1 + (rng.uint32() % Math.min(limit - pos, 3 * PAGE_SIZE));
  const byte = 1 + (rng.uint32() % 255);
  return op === 'write' || op === 'store' ? { op, name, pos, len, byte } : { op, name, pos, len };
}

/** The workload of a seed, without end; the caller tells the model what it begins and ends. */
export function* workload(seed: number, model: TortureModel): IterableIterator<Op> {
  const rng = new Prng(seed);
  for (;;) {
    const op = propose(rng, model);
    if (op !== null) yield op;
  }
}

/** How far a workload came: operations that began, and those of them that returned. */
export interface Progress {
  readonly begun: number;
  readonly ended: number;
}

/** The model of the workload of a seed that came so far. */
export function modelAt(
  seed: number,
  { begun, ended }: Progress,
  options: ModelOptions,
): TortureModel {
  const model = new TortureModel(options);
  let n = 0;
  for (const op of workload(seed, model)) {
    if (n === begun) break;
    model.begin(op);
    if (++n <= ended) model.end(op);
  }
  return model;
}
