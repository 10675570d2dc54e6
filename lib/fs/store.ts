// Where the inodes of a file system live: on a device (disk-store.ts) or in memory (ram-store.ts).
//
// A change is prepared first, so that nothing after the first step of a transaction can fail:
// checkSpace and checkInode throw ENOSPC, what follows them does not.

import { ExtentList } from './extent.js';
import type { FileKind } from './format.js';
import { InodeRecord } from './inode-record.js';
import type { Journal, JournalHandle } from './journal.js';

export interface NewInode {
  readonly kind: FileKind;
  readonly perm: number;
  readonly uid: number;
  readonly gid: number;
  readonly parent: number;
  readonly nowNs: number;
  /** FS_XFLAG_DAX of the directory it is made in. */
  readonly daxFlag?: boolean;
}

export interface StoreUsage {
  /** Blocks that data can ever take, all together. */
  readonly blocks: number;
  /** Blocks that could be allocated now. */
  readonly free: number;
  /** Blocks that are free on the device and still referenced. */
  readonly busy: number;
  readonly inodes: number;
  readonly freeInodes: number;
}

export interface Store {
  readonly journal: Journal;
  readonly rootIno: number;
  usage(): StoreUsage;
  /** ENOSPC unless an inode is to be had. */
  checkInode(): void;
  /** Read an inode. EUCLEAN: it is damaged, or nothing is there. */
  read(ino: number): InodeRecord;
  /** Take an inode number; checkInode said that there is one. */
  create(handle: JournalHandle, spec: NewInode): InodeRecord;
  /** Put the record where it lives; its overflow chain grows or shrinks to fit. */
  write(handle: JournalHandle, record: InodeRecord): void;
  /** Give the inode number back; its extents are gone already. */
  remove(handle: JournalHandle, record: InodeRecord): void;
  /** The numbers of all inodes that are in use. */
  inodes(): Iterable<number>;
}

/** An inode as it is when it has just been made. */
export function newRecord(ino: number, generation: number, spec: NewInode): InodeRecord {
  const { kind, perm, uid, gid, parent, nowNs } = spec;
  return new InodeRecord({
    ...{ ino, generation, kind, perm, uid, gid, parent },
    nlink: kind === 'dir' ? 2 : 1,
    size: 0,
    ...{ atimeNs: nowNs, mtimeNs: nowNs, ctimeNs: nowNs },
    daxFlag: spec.daxFlag ?? false,
    ...{ immutable: false, append: false, orphan: false, target: null },
    ...{ overflow: [], leaves: [], stored: [], truncating: false },
    extents: new ExtentList(),
  });
}
