// A directory: names to inode numbers. Read whole when first used, written block by block.
//
// `.` and `..` are no entries: the path walk knows them, and an inode of a directory carries its
// parent's number. Adding a name may need one more block; roomFor() says so beforehand, so that a
// full device refuses before anything was changed.

import assert from 'node:assert/strict';
import { PAGE_SIZE } from '../units.js';
import {
  addDirent,
  emptyDirectoryBlock,
  hasRoom,
  nameBytes,
  readDirectoryBlock,
  removeDirent,
  retargetDirent,
  type Dirent,
} from './directory-block.js';
import type { DiskStore } from './disk-store.js';
import { BLOCK_SIZE } from './format.js';
import type { InodeRecord } from './inode-record.js';
import type { JournalHandle } from './journal.js';

interface DirectoryBlock {
  readonly block: number;
  readonly bytes: Uint8Array;
}

export class Directory {
  readonly #record: InodeRecord;
  /** Null for a directory that lives in memory only. */
  readonly #store: DiskStore | null;
  readonly #entries = new Map<string, Dirent>();
  readonly #blocks: DirectoryBlock[] = [];

  /** EUCLEAN: a block is damaged. */
  constructor(record: InodeRecord, store: DiskStore | null) {
    this.#record = record;
    this.#store = store;
    if (store !== null) this.#load(store);
  }

  #load(store: DiskStore): void {
    for (const { block, nrPages } of this.#record.extents.all) {
      for (let b = block; b < block + nrPages; b++) {
        const bytes = store.journal.read(b, 0, BLOCK_SIZE);
        this.#blocks.push({ block: b, bytes });
        for (const e of readDirectoryBlock(bytes, this.#record.ino)) this.#entries.set(e.name, e);
      }
    }
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /** The entries in the order in which they were added. */
  list(): Dirent[] {
    return [...this.#entries.values()];
  }

  lookup(name: string): Dirent | undefined {
    return this.#entries.get(name);
  }

  /** Blocks that adding this name will take: 0 or 1. */
  blocksFor(name: string): number {
    if (this.#store === null) return 0;
    const { length } = nameBytes(name);
    return this.#blocks.some((b) => hasRoom(b.bytes, this.#record.ino, length)) ? 0 : 1;
  }

  add(handle: JournalHandle, entry: Dirent): void {
    assert(!this.#entries.has(entry.name), `directory: ${entry.name} is there already`);
    this.#entries.set(entry.name, entry);
    if (this.#store === null) return;
    const { ino } = this.#record;
    let target = this.#blocks.find((b) => addDirent(b.bytes, ino, entry));
    if (target === undefined) {
      target = this.#grow(handle, this.#store);
      assert(addDirent(target.bytes, ino, entry), 'directory: a name does not fit an empty block');
    }
    handle.write(target.block, 0, target.bytes);
  }

  /** Take the first block even though there is no name yet, as mkfs does for the root. */
  takeBlock(handle: JournalHandle): void {
    assert(this.#store !== null);
    const { block, bytes } = this.#grow(handle, this.#store);
    handle.write(block, 0, bytes);
  }

  #grow(handle: JournalHandle, store: DiskStore): DirectoryBlock {
    const record = this.#record;
    const [run] = store.allocator.alloc(handle, 1, 'metadata');
    assert(run !== undefined);
    const { block } = run;
    const unwritten = false;
    record.extents.insert({ pgoff: record.extents.end, nrPages: 1, block, unwritten });
    record.size = record.extents.end * PAGE_SIZE;
    store.write(handle, record);
    const grown = { block, bytes: emptyDirectoryBlock(record.ino) };
    this.#blocks.push(grown);
    return grown;
  }

  remove(handle: JournalHandle, name: string): void {
    assert(this.#entries.delete(name), `directory: there is no ${name}`);
    if (this.#store === null) return;
    const target = this.#blocks.find((b) => removeDirent(b.bytes, this.#record.ino, name));
    assert(target !== undefined, `directory: ${name} is in no block`);
    handle.write(target.block, 0, target.bytes);
  }

  /** Let a name that is there mean another inode: rename over it. */
  retarget(handle: JournalHandle, entry: Dirent): void {
    assert(this.#entries.has(entry.name), `directory: there is no ${entry.name}`);
    this.#entries.set(entry.name, entry);
    if (this.#store === null) return;
    const target = this.#blocks.find((b) => retargetDirent(b.bytes, this.#record.ino, entry));
    assert(target !== undefined, `directory: ${entry.name} is in no block`);
    handle.write(target.block, 0, target.bytes);
  }
}
