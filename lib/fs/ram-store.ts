// The inodes of tmpfs: objects in memory and nothing else. What limits it is a number of pages,
// counted where files take pages and where pages leave (mm/shmem.c:shmem_inode_acct_blocks).

import { Errno } from '../errno.js';
import { ROOT_INO } from './format.js';
import type { InodeRecord } from './inode-record.js';
import { ramJournal, type JournalHandle } from './journal.js';
import { newRecord, type NewInode, type Store, type StoreUsage } from './store.js';

export class RamStore implements Store {
  readonly journal = ramJournal;
  readonly rootIno = ROOT_INO;
  readonly #nrBlocks: number;
  readonly #nrInodes: number;
  readonly #records = new Map<number, InodeRecord>();
  #nextIno = ROOT_INO;
  #nextGeneration = 1;
  #used = 0;

  constructor(nrBlocks: number, nowNs: number) {
    this.#nrBlocks = nrBlocks;
    this.#nrInodes = Math.max(16, Math.floor(nrBlocks / 2));
    const root = { kind: 'dir', perm: 0o777, uid: 0, gid: 0, parent: ROOT_INO, nowNs } as const;
    this.create(null, root);
  }

  /** Account one page to a file. ENOSPC: all are taken. */
  charge(): void {
    if (this.#used >= this.#nrBlocks) {
      throw new Errno('ENOSPC', `all ${this.#nrBlocks} pages of the tmpfs are in use`);
    }
    this.#used += 1;
  }

  /** A page left its file; who still holds it does not count. */
  uncharge(nrPages: number): void {
    this.#used -= nrPages;
  }

  usage(): StoreUsage {
    return {
      blocks: this.#nrBlocks,
      free: this.#nrBlocks - this.#used,
      busy: 0,
      inodes: this.#nrInodes,
      freeInodes: this.#nrInodes - this.#records.size,
    };
  }

  checkInode(): void {
    if (this.#records.size >= this.#nrInodes) throw new Errno('ENOSPC', 'no inode is free');
  }

  read(ino: number): InodeRecord {
    const record = this.#records.get(ino);
    if (record === undefined) throw new Errno('EUCLEAN', `inode ${ino}: nothing is there`);
    return record;
  }

  create(_handle: JournalHandle | null, spec: NewInode): InodeRecord {
    const ino = this.#nextIno++;
    const record = newRecord(ino, this.#nextGeneration++, spec);
    this.#records.set(ino, record);
    return record;
  }

  write(): void {}

  remove(_handle: JournalHandle, record: InodeRecord): void {
    this.#records.delete(record.ino);
  }

  inodes(): number[] {
    return [...this.#records.keys()];
  }
}
