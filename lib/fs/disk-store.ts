// The inodes, the block map and the superblock of one mounted device, read at mount and written
// through the journal ever after.

import assert from 'node:assert/strict';
import { Errno } from '../errno.js';
import { BlockAllocator } from './block-allocator.js';
import { ExtentList, runsOf, type BlockRun } from './extent.js';
import {
  BLOCK_SIZE,
  INODES_PER_BLOCK,
  INODE_LEN,
  ROOT_INO,
  kindModes,
  type SuperblockValues,
} from './format.js';
import {
  inodeBytes,
  overflowBlocksFor,
  overflowBytes,
  readInodeRecord,
  type InodeRecord,
} from './inode-record.js';
import { directJournal, type Journal, type JournalHandle } from './journal.js';
import type { Partition } from './partition.js';
import { newRecord, type NewInode, type Store, type StoreUsage } from './store.js';
import { readSuperblock, writeSuperblock } from './superblock.js';

/** More inodes than one mount can make. */
const GENERATION_GAP = 2 ** 20;

export class DiskStore implements Store {
  readonly partition: Partition;
  readonly journal: Journal;
  readonly allocator: BlockAllocator;
  readonly rootIno = ROOT_INO;
  #sb: SuperblockValues;
  /** Inode numbers in use, by number. */
  readonly #used: Set<number>;
  #nextGeneration: number;

  constructor(partition: Partition, sb: SuperblockValues, journal: Journal, fresh = false) {
    this.partition = partition;
    this.journal = journal;
    this.#sb = sb;
    this.allocator = fresh ? BlockAllocator.fresh(sb) : BlockAllocator.load(sb, partition);
    this.#used = new Set();
    // Not unmounted cleanly: inodes may have come and gone since the number was noted.
    this.#nextGeneration = sb.nextGeneration + (sb.state === 1 ? GENERATION_GAP : 0);
    if (!fresh) this.#scanInodes();
  }

  /** Open what is on the partition. EINVAL, EUCLEAN: see readSuperblock and readInodeRecord. */
  static open(partition: Partition): DiskStore {
    return new DiskStore(partition, readSuperblock(partition), directJournal(partition));
  }

  get superblock(): SuperblockValues {
    return this.#sb;
  }

  /** Find the inodes in use, and a generation above all that were ever given out. */
  #scanInodes(): void {
    for (const [ino, bytes] of this.#slotsInUse()) {
      const record = this.#record(ino, bytes);
      if (record === null) continue;
      this.#used.add(ino);
      this.#nextGeneration = Math.max(this.#nextGeneration, record.generation + 1);
      this.#checkBlocksUsed(record);
    }
    if (!this.#used.has(ROOT_INO)) throw new Errno('EUCLEAN', 'mount: there is no root directory');
  }

  /** Blocks of an inode that the map calls free would be given away twice. */
  #checkBlocksUsed(record: InodeRecord): void {
    for (const run of this.#blocksOf(record)) {
      for (let block = run.block; block < run.block + run.nrBlocks; block++) {
        if (this.allocator.isUsed(block)) continue;
        throw new Errno('EUCLEAN', `inode ${record.ino}: its block ${block} is marked free`);
      }
    }
  }

  #blocksOf(record: InodeRecord): BlockRun[] {
    const chain = record.overflow.map((block) => ({ block, nrBlocks: 1 }));
    return [...runsOf(record.extents.all), ...chain];
  }

  /** Keep the allocator from free pages that a dead opener may still hold; pages of the device. */
  keepFrom(
    runs: readonly { readonly start: number; readonly nrPages: number }[],
    first: number,
  ): void {
    for (const { start, nrPages } of runs) {
      for (let block = start - first; block < start - first + nrPages; block++) {
        if (this.allocator.isData(block)) this.allocator.quarantine(block);
      }
    }
  }

  /** Note on the device that it is mounted, or no longer is. */
  setMounted(mounted: boolean): void {
    const sequence = this.#sb.sequence + 1;
    const state = mounted ? 1 : 0;
    this.#sb = { ...this.#sb, sequence, state, nextGeneration: this.#nextGeneration };
    writeSuperblock(this.partition, this.#sb);
  }

  usage(): StoreUsage {
    return {
      blocks: this.#sb.nrBlocks - this.#sb.dataStart - 1,
      free: this.allocator.nrFree,
      busy: this.allocator.nrBusy,
      inodes: this.#sb.nrInodes,
      freeInodes: this.#sb.nrInodes - this.#used.size,
    };
  }

  inodes(): number[] {
    return [...this.#used].sort((a, b) => a - b);
  }

  checkInode(): void {
    if (this.#used.size >= this.#sb.nrInodes) throw new Errno('ENOSPC', 'no inode is free');
  }

  #slot(ino: number): { block: number; offset: number } {
    const index = ino - 1;
    return {
      block: this.#sb.inodeTableStart + Math.floor(index / INODES_PER_BLOCK),
      offset: (index % INODES_PER_BLOCK) * INODE_LEN,
    };
  }

  /** The slots of the table that are not all zeros: a block at a time, most are empty. */
  *#slotsInUse(): IterableIterator<[number, Uint8Array]> {
    const { inodeTableStart, nrInodes } = this.#sb;
    const empty = new Uint8Array(BLOCK_SIZE);
    for (let first = 1; first <= nrInodes; first += INODES_PER_BLOCK) {
      const at = inodeTableStart + (first - 1) / INODES_PER_BLOCK;
      const block = this.partition.read(at, 0, BLOCK_SIZE);
      if (Buffer.compare(block, empty) === 0) continue;
      for (let i = 0; i < INODES_PER_BLOCK; i++) {
        yield [first + i, block.subarray(i * INODE_LEN, (i + 1) * INODE_LEN)];
      }
    }
  }

  #readSlot(ino: number): InodeRecord | null {
    const { block, offset } = this.#slot(ino);
    return this.#record(ino, this.partition.read(block, offset, INODE_LEN));
  }

  #record(ino: number, bytes: Uint8Array): InodeRecord | null {
    return readInodeRecord(bytes, ino, {
      readBlock: (b) => this.partition.read(b, 0, BLOCK_SIZE),
      isData: (b) => this.allocator.isData(b),
    });
  }

  read(ino: number): InodeRecord {
    const record = ino >= 1 && ino <= this.#sb.nrInodes ? this.#readSlot(ino) : null;
    if (record === null) throw new Errno('EUCLEAN', `inode ${ino}: nothing is there`);
    return record;
  }

  create(handle: JournalHandle, spec: NewInode): InodeRecord {
    let ino = 1;
    while (this.#used.has(ino)) ino += 1;
    assert(ino <= this.#sb.nrInodes, 'inode table: none is free');
    this.#used.add(ino);
    const generation = this.#nextGeneration++;
    const record = { ...newRecord(ino, generation, spec), extents: new ExtentList() };
    this.write(handle, record);
    return record;
  }

  write(handle: JournalHandle, record: InodeRecord): void {
    this.#fitOverflow(handle, record);
    const { block, offset } = this.#slot(record.ino);
    const mode = kindModes[record.kind] | record.perm;
    handle.write(block, offset, inodeBytes(record, mode));
    overflowBytes(record).forEach((bytes, i) => handle.write(record.overflow[i]!, 0, bytes));
  }

  /** Overflow blocks that a list of nrExtents needs beyond those that record has. */
  overflowWanted(record: InodeRecord, nrExtents: number): number {
    return Math.max(0, overflowBlocksFor(nrExtents) - record.overflow.length);
  }

  #fitOverflow(handle: JournalHandle, record: InodeRecord): void {
    const wanted = record.target === null ? overflowBlocksFor(record.extents.length) : 0;
    const more = wanted - record.overflow.length;
    if (more > 0) {
      for (const run of this.allocator.alloc(handle, more, 'metadata')) {
        for (let i = 0; i < run.nrBlocks; i++) record.overflow.push(run.block + i);
      }
    } else if (more < 0) {
      const gone = record.overflow.splice(wanted);
      this.allocator.free(
        handle,
        gone.map((block) => ({ block, nrBlocks: 1 })),
      );
    }
  }

  remove(handle: JournalHandle, record: InodeRecord): void {
    assert.equal(record.extents.length, 0, `inode ${record.ino}: removed with blocks`);
    this.#fitOverflow(handle, record);
    const { block, offset } = this.#slot(record.ino);
    handle.write(block, offset, new Uint8Array(INODE_LEN));
    this.#used.delete(record.ino);
  }
}
