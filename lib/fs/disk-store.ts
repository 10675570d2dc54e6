// The inodes, the block map and the superblock of one mounted device: read when asked for, written
// through the journal.

import assert from 'node:assert/strict';
import { constant } from '../constant.js';
import { Errno } from '../errno.js';
import { BlockAllocator } from './block-allocator.js';
import { runsOf, type BlockRun } from './extent.js';
import {
  BLOCK_SIZE,
  INODE_LEN,
  ROOT_INO,
  kindModes,
  knownFeatures,
  type SuperblockValues,
} from './format.js';
import { InodeMap, readState, slotOf } from './inode-map.js';
import { inodeBytes, overflowBytes, readInodeRecord, type InodeRecord } from './inode-record.js';
import { directJournal, type Journal, type JournalHandle } from './journal.js';
import { planLeaves } from './extent-leaves.js';
import { JournalLog } from './journal-log.js';
import type { Partition } from './partition.js';
import { noPersistence, type Persistence } from './persistence.js';
import { RedoJournal } from './redo-journal.js';
import { newRecord, type NewInode, type Store, type StoreUsage } from './store.js';
import { findSuperblock, writeSuperblock } from './superblock.js';

/** What a mount found and put right. */
export interface Recovery {
  /** Records of the log that were put in their places. */
  readonly replayed: number;
  /** What was wrong with a superblock copy that was made anew; null: nothing. */
  readonly superblock: string | null;
  /** Whether it had been unmounted. */
  readonly clean: boolean;
}

const ONE_BLOCK = (block: number): BlockRun => ({ block, nrBlocks: 1 });

/** An inode on its way into an image. */
const slotBytes = new Uint8Array(INODE_LEN);

export class DiskStore implements Store {
  readonly partition: Partition;
  readonly journal: Journal;
  readonly allocator: BlockAllocator;
  readonly inodeMap: InodeMap;
  readonly rootIno = ROOT_INO;
  readonly recovery: Recovery;
  readonly #persistence: Persistence;
  #sb: SuperblockValues;
  readonly #raw: Journal;

  constructor(
    partition: Partition,
    sb: SuperblockValues,
    raw: Journal,
    persistence: Persistence = noPersistence,
    recovery: Recovery = constant({ replayed: 0, superblock: null, clean: true }),
  ) {
    this.partition = partition;
    this.recovery = recovery;
    this.#raw = raw;
    this.#persistence = persistence;
    this.#sb = sb;
    const state = readState(raw, sb);
    this.allocator = new BlockAllocator(sb, raw, state.freeBlocks);
    this.inodeMap = new InodeMap(sb, raw, state);
    this.journal = {
      transaction: (task, change) =>
        raw.transaction(task, (handle) => {
          const result = change(handle);
          const { nrFree, nrBusy } = this.allocator;
          this.inodeMap.write(handle, nrFree + nrBusy);
          return result;
        }),
      read: (block, offset, len) => raw.read(block, offset, len),
      capacity: raw.capacity,
      commit: () => raw.commit(),
      checkpoint: () => raw.checkpoint(),
    };
  }

  /**
   * Recover what is on the partition and open it. EINVAL: there is no file system. EUCLEAN: both
   * superblocks, the log, the state block or the root directory are damaged.
   */
  static open(partition: Partition, persistence: Persistence = noPersistence): DiskStore {
    const { values, damage } = findSuperblock(partition);
    const log = new JournalLog(partition, values, persistence);
    const journal = new RedoJournal(partition, log, persistence);
    const clean = values.state === 0;
    const replayed = journal.recover(clean && damage === null); // the other copy may be older
    if (damage !== null) writeSuperblock(partition, values, persistence);
    const recovery = constant({ replayed, superblock: damage, clean });
    const store = new DiskStore(partition, values, journal, persistence, recovery);
    if (!store.inodeMap.has(ROOT_INO) || store.read(ROOT_INO).kind !== 'dir') {
      throw new Errno('EUCLEAN', 'mount: there is no root directory');
    }
    return store;
  }

  /** Open what mkfs is making: no log yet. */
  static fresh(partition: Partition, sb: SuperblockValues): DiskStore {
    return new DiskStore(partition, sb, directJournal(partition));
  }

  get superblock(): SuperblockValues {
    return this.#sb;
  }

  /** It has features that only code which knows them may write. */
  get mustNotWrite(): boolean {
    return (this.#sb.roCompat & ~knownFeatures.roCompat) !== 0;
  }

  /** Blocks that an inode's record names, with what they hold. */
  blocksOf(record: InodeRecord): BlockRun[] {
    return [...runsOf(record.extents.all), ...record.overflow.map(ONE_BLOCK)];
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

  /** Note on the device that it is mounted, or no longer is. EIO. */
  setMounted(mounted: boolean): void {
    this.#raw.checkpoint();
    const sequence = this.#sb.sequence + 1;
    this.#sb = constant({ ...this.#sb, sequence, state: mounted ? 1 : 0 });
    writeSuperblock(this.partition, this.#sb, this.#persistence);
  }

  usage(): StoreUsage {
    return {
      blocks: this.#sb.nrBlocks - this.#sb.dataStart - 1,
      free: this.allocator.nrFree,
      busy: this.allocator.nrBusy,
      inodes: this.#sb.nrInodes,
      freeInodes: this.inodeMap.nrFree,
    };
  }

  inodes(): Iterable<number> {
    return this.inodeMap.all();
  }

  checkInode(): void {
    if (this.inodeMap.nrFree <= 0) throw new Errno('ENOSPC', 'no inode is free');
  }

  read(ino: number): InodeRecord {
    const record = this.inodeMap.has(ino) ? this.#readSlot(ino) : null;
    if (record === null) throw new Errno('EUCLEAN', `inode ${ino}: nothing is there`);
    // Blocks of an inode that the map calls free would be given away twice.
    for (const run of this.blocksOf(record)) {
      if (this.allocator.allUsed(run)) continue;
      throw new Errno(
        'EUCLEAN',
        `inode ${ino}: blocks ${run.block}+${run.nrBlocks} are marked free`,
      );
    }
    record.truncating = record.nlink > 0 && this.inodeMap.isOrphan(ino);
    return record;
  }

  #readSlot(ino: number): InodeRecord | null {
    const { block, offset } = slotOf(this.#sb, ino);
    return readInodeRecord(this.#raw.read(block, offset, INODE_LEN), ino, {
      readBlock: (b) => this.#raw.read(b, 0, BLOCK_SIZE),
      isData: (b) => this.allocator.isData(b),
    });
  }

  create(handle: JournalHandle, spec: NewInode): InodeRecord {
    const { ino, generation } = this.inodeMap.take(handle);
    const record = newRecord(ino, generation, spec);
    this.write(handle, record);
    return record;
  }

  write(handle: JournalHandle, record: InodeRecord): void {
    const changed = this.#fitOverflow(handle, record);
    const { ino } = record;
    if (record.nlink === 0 || record.truncating) this.inodeMap.addOrphan(ino);
    else this.inodeMap.dropOrphan(handle, ino);
    const { block, offset } = slotOf(this.#sb, ino);
    const mode = kindModes[record.kind] | record.perm;
    const nextOrphan = this.inodeMap.nextOrphan(ino);
    handle.write(block, offset, inodeBytes(record, mode, nextOrphan, slotBytes));
    for (const { block: leaf, bytes } of overflowBytes(record, changed)) {
      handle.write(leaf, 0, bytes);
    }
  }

  /** Let the chain of leaves fit the extent list; which of them are to be written. ENOSPC. */
  #fitOverflow(handle: JournalHandle, record: InodeRecord): (leaf: number) => boolean {
    const { overflow, leaves, stored, extents } = record;
    const { before, after, between } = planLeaves(stored, leaves, extents.all);
    const had = leaves.length - before - after;
    const blocks = overflow.slice(before, before + had);
    const surplus = blocks.splice(between.length);
    const missing = between.length - blocks.length;
    if (missing > 0) {
      for (const run of this.allocator.alloc(handle, missing, 'metadata')) {
        for (let i = 0; i < run.nrBlocks; i++) blocks.push(run.block + i);
      }
    }
    if (surplus.length > 0) this.allocator.free(handle, surplus.map(ONE_BLOCK), 'metadata');
    overflow.splice(before, had, ...blocks);
    leaves.splice(before, had, ...between);
    record.stored = [...extents.all];
    // The leaf before them names the first of them.
    const from = had === between.length && missing <= 0 ? before : before - 1;
    return (leaf) => leaf >= from && leaf < before + between.length;
  }

  remove(handle: JournalHandle, record: InodeRecord): void {
    assert.equal(record.extents.length, 0, `inode ${record.ino}: removed with blocks`);
    this.#fitOverflow(handle, record);
    const { block, offset } = slotOf(this.#sb, record.ino);
    handle.write(block, offset, new Uint8Array(INODE_LEN));
    this.inodeMap.give(handle, record.ino);
  }
}
