// A directory: names to inode numbers. Read whole when first used, written block by block.
//
// `.` and `..` are no entries: the path walk knows them, and an inode of a directory carries its
// parent's number. Adding a name may need one more block; roomFor() says so beforehand, so that a
// full device refuses before anything was changed.

import assert from 'node:assert/strict';
import type { Access } from '../sched/index.js';
import { PAGE_SIZE } from '../units.js';
import {
  addDirent,
  direntLen,
  emptyDirectoryBlock,
  nameBytes,
  readDirectoryBlock,
  removeDirent,
  retargetDirent,
  roomIn,
  type Dirent,
} from './directory-block.js';
import type { DiskStore } from './disk-store.js';
import { BLOCK_SIZE } from './format.js';
import type { InodeRecord } from './inode-record.js';
import type { JournalHandle } from './journal.js';

interface DirectoryBlock {
  readonly block: number;
  readonly bytes: Uint8Array;
  /** The longest record that fits, in bytes. */
  room: number;
}

export class Directory {
  readonly #record: InodeRecord;
  /** Null for a directory that lives in memory only. */
  readonly #store: DiskStore | null;
  readonly #entries = new Map<string, Dirent>();
  readonly #blocks: DirectoryBlock[] = [];
  /** In which block each name stands. */
  readonly #places = new Map<string, DirectoryBlock>();

  readonly #touch: (access: Access) => void;

  /** touch() records looks and changes. EUCLEAN: a block is damaged. */
  constructor(
    record: InodeRecord,
    store: DiskStore | null,
    touch: (access: Access) => void = () => {},
  ) {
    this.#record = record;
    this.#store = store;
    this.#touch = touch;
    if (store !== null) this.#load(store);
  }

  #load(store: DiskStore): void {
    for (const { block, nrPages } of this.#record.extents.all) {
      for (let b = block; b < block + nrPages; b++) {
        const bytes = store.journal.read(b, 0, BLOCK_SIZE);
        const { ino } = this.#record;
        const names = readDirectoryBlock(bytes, ino);
        const place = { block: b, bytes, room: roomIn(bytes, ino) };
        this.#blocks.push(place);
        for (const e of names) {
          this.#entries.set(e.name, e);
          this.#places.set(e.name, place);
        }
      }
    }
  }

  get isEmpty(): boolean {
    this.#touch('read');
    return this.#entries.size === 0;
  }

  /** The entries in the order in which they were added. */
  list(): Dirent[] {
    this.#touch('read');
    return [...this.#entries.values()];
  }

  lookup(name: string): Dirent | undefined {
    this.#touch('read');
    return this.#entries.get(name);
  }

  /** Blocks that adding this name will take: 0 or 1. */
  blocksFor(name: string): number {
    if (this.#store === null) return 0;
    return this.#roomFor(name) === undefined ? 1 : 0;
  }

  #roomFor(name: string): DirectoryBlock | undefined {
    const len = direntLen(nameBytes(name).length);
    return this.#blocks.find((b) => b.room >= len);
  }

  add(handle: JournalHandle, entry: Dirent): void {
    this.#touch('write');
    if (this.#entries.has(entry.name)) assert.fail(`directory: ${entry.name} is there already`);
    this.#entries.set(entry.name, entry);
    if (this.#store === null) return;
    const { ino } = this.#record;
    const target = this.#roomFor(entry.name) ?? this.#grow(handle, this.#store);
    if (!addDirent(target.bytes, ino, entry)) assert.fail(`directory: no room for ${entry.name}`);
    target.room = roomIn(target.bytes, ino);
    this.#places.set(entry.name, target);
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
    const bytes = emptyDirectoryBlock(record.ino);
    const grown = { block, bytes, room: roomIn(bytes, record.ino) };
    this.#blocks.push(grown);
    return grown;
  }

  remove(handle: JournalHandle, name: string): void {
    this.#touch('write');
    if (!this.#entries.delete(name)) assert.fail(`directory: there is no ${name}`);
    if (this.#store === null) return;
    const { ino } = this.#record;
    const target = this.#places.get(name);
    if (!(target !== undefined && removeDirent(target.bytes, ino, name)))
      assert.fail(`no ${name} in a block`);
    target.room = roomIn(target.bytes, ino);
    this.#places.delete(name);
    handle.write(target.block, 0, target.bytes);
  }

  /** Let a name that is there mean another inode: rename over it. */
  retarget(handle: JournalHandle, entry: Dirent): void {
    this.#touch('write');
    if (!this.#entries.has(entry.name)) assert.fail(`directory: there is no ${entry.name}`);
    this.#entries.set(entry.name, entry);
    if (this.#store === null) return;
    const { ino } = this.#record;
    const target = this.#places.get(entry.name);
    assert(target !== undefined && retargetDirent(target.bytes, ino, entry), 'in no block');
    handle.write(target.block, 0, target.bytes);
  }
}
