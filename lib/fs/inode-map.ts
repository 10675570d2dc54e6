// Which inode numbers are in use, and which inodes are on the orphan list: the inode bitmap and the
// state block. Everything is read when asked for and written through the journal.
//
// The orphan list begins in the state block and goes on through the inodes themselves, newest
// first. Who stands where in it is also kept in memory, for as long as it stands there.

import assert from 'node:assert/strict';
import { Errno } from '../errno.js';
import { DiskBitmap } from './disk-bitmap.js';
import {
  INODES_PER_BLOCK,
  INODE_LEN,
  STATE_LEN,
  STATE_MAGIC,
  decode,
  encode,
  inodeLayout,
  seal,
  sealed,
  stateLayout,
  type StateValues,
  type SuperblockValues,
} from './format.js';
import type { Journal, JournalHandle } from './journal.js';

const INODE_CHECKSUM = inodeLayout.checksum.at;

/** The state block as it is. EUCLEAN: it is damaged. */
export function readState(journal: Pick<Journal, 'read'>, sb: SuperblockValues): StateValues {
  const bytes = journal.read(sb.stateBlock, 0, STATE_LEN);
  const values = decode(stateLayout, bytes);
  const possible =
    values.orphanHead <= sb.nrInodes &&
    values.freeBlocks <= sb.nrBlocks &&
    values.freeInodes <= sb.nrInodes;
  if (values.magic !== STATE_MAGIC || !sealed(bytes, stateLayout.checksum.at) || !possible) {
    throw new Errno('EUCLEAN', `state block ${sb.stateBlock}: it is damaged`);
  }
  return values;
}

export function stateBytes(values: Omit<StateValues, 'magic' | 'checksum'>): Uint8Array {
  const bytes = new Uint8Array(STATE_LEN);
  const { orphanHead, freeBlocks, freeInodes, nextGeneration } = values;
  const magic = STATE_MAGIC;
  const all = { magic, orphanHead, freeBlocks, freeInodes, nextGeneration, checksum: 0 };
  encode(stateLayout, all, bytes);
  seal(bytes, stateLayout.checksum.at);
  return bytes;
}

/** Where the slot of an inode is. */
export function slotOf(sb: SuperblockValues, ino: number): { block: number; offset: number } {
  const index = ino - 1;
  return {
    block: sb.inodeTableStart + Math.floor(index / INODES_PER_BLOCK),
    offset: (index % INODES_PER_BLOCK) * INODE_LEN,
  };
}

export class InodeMap {
  readonly #sb: SuperblockValues;
  readonly #used: DiskBitmap;
  #nrFree: number;
  #nextGeneration: number;
  /** No number below is free. */
  #lowest = 1;
  #head: number;
  /** Of each inode on the orphan list: its neighbours, 0 at the ends. */
  readonly #next = new Map<number, number>();
  readonly #previous = new Map<number, number>();

  constructor(sb: SuperblockValues, journal: Pick<Journal, 'read'>, state: StateValues) {
    this.#sb = sb;
    this.#used = new DiskBitmap(journal, sb.inodeBitmapStart, sb.nrInodes);
    this.#nrFree = state.freeInodes;
    this.#nextGeneration = state.nextGeneration;
    this.#head = state.orphanHead;
    this.#loadOrphans(journal);
  }

  #loadOrphans(journal: Pick<Journal, 'read'>): void {
    let previous = 0;
    for (let ino = this.#head; ino !== 0;) {
      const { block, offset } = slotOf(this.#sb, ino);
      const inside = ino <= this.#sb.nrInodes && !this.#next.has(ino) && this.has(ino);
      const bytes = inside ? journal.read(block, offset, INODE_LEN) : null;
      if (bytes === null || !sealed(bytes, INODE_CHECKSUM)) {
        throw new Errno('EUCLEAN', `orphan list: inode ${ino} does not belong there`);
      }
      const next = decode(inodeLayout, bytes).nextOrphan;
      this.#next.set(ino, next);
      this.#previous.set(ino, previous);
      previous = ino;
      ino = next;
    }
  }

  get nrFree(): number {
    return this.#nrFree;
  }

  has(ino: number): boolean {
    return ino >= 1 && ino <= this.#sb.nrInodes && this.#used.get(ino - 1);
  }

  /** The numbers in use, ascending. */
  *all(): IterableIterator<number> {
    const { nrInodes } = this.#sb;
    for (let bit = this.#used.next(0, true); bit < nrInodes; bit = this.#used.next(bit + 1, true)) {
      yield bit + 1;
    }
  }

  /** Take the lowest free number, and a generation that nobody ever had. */
  take(handle: JournalHandle): { ino: number; generation: number } {
    const bit = this.#used.next(this.#lowest - 1, false);
    if (bit >= this.#sb.nrInodes) throw new Errno('EUCLEAN', 'the inode bitmap is full');
    this.#used.set(handle, bit, 1, true);
    this.#lowest = bit + 1;
    this.#nrFree -= 1;
    const generation = this.#nextGeneration;
    this.#nextGeneration = generation === 0xffffffff ? 1 : generation + 1;
    return { ino: bit + 1, generation };
  }

  give(handle: JournalHandle, ino: number): void {
    this.dropOrphan(handle, ino);
    this.#used.set(handle, ino - 1, 1, false);
    this.#lowest = Math.min(this.#lowest, ino);
    this.#nrFree += 1;
  }

  // -- the orphan list --

  orphans(): number[] {
    return [...this.#next.keys()];
  }

  isOrphan(ino: number): boolean {
    return this.#next.has(ino);
  }

  /** Who follows on the orphan list: what is written into the inode. */
  nextOrphan(ino: number): number {
    return this.#next.get(ino) ?? 0;
  }

  addOrphan(ino: number): void {
    if (this.#next.has(ino)) return;
    if (this.#head !== 0) this.#previous.set(this.#head, ino);
    this.#next.set(ino, this.#head);
    this.#previous.set(ino, 0);
    this.#head = ino;
  }

  /** Its own slot is the caller's to write. */
  dropOrphan(handle: JournalHandle, ino: number): void {
    const next = this.#next.get(ino);
    const previous = this.#previous.get(ino);
    if (next === undefined || previous === undefined) return;
    this.#next.delete(ino);
    this.#previous.delete(ino);
    if (next !== 0) this.#previous.set(next, previous);
    if (previous === 0) this.#head = next;
    else this.#relink(handle, previous, next);
  }

  /** Let an inode that is on the list be followed by another. */
  #relink(handle: JournalHandle, ino: number, next: number): void {
    const { block, offset } = slotOf(this.#sb, ino);
    const bytes = handle.read(block, offset, INODE_LEN);
    if (!this.#next.has(ino)) assert.fail(`orphan list: ${ino} is not on it`);
    encode(inodeLayout, { ...decode(inodeLayout, bytes), nextOrphan: next }, bytes);
    seal(bytes, INODE_CHECKSUM);
    handle.write(block, offset, bytes);
    this.#next.set(ino, next);
  }

  /** Put the counts into the state block. */
  write(handle: JournalHandle, freeBlocks: number): void {
    const bytes = stateBytes({
      orphanHead: this.#head,
      freeBlocks,
      freeInodes: this.#nrFree,
      nextGeneration: this.#nextGeneration,
    });
    handle.write(this.#sb.stateBlock, 0, bytes);
  }
}
