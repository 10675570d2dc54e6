// What stat(2) and statfs(2) tell.

import { PAGE_SIZE } from '../units.js';
import { kindModes } from './format.js';
import type { Inode } from './inode.js';
import type { Mount } from './mount.js';
import { statBlocks } from './resize.js';

export interface Stat {
  readonly dev: number;
  readonly ino: number;
  readonly generation: number;
  /** Type and permission bits. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Units of 512 bytes. */
  readonly blocks: number;
  readonly blockSize: number;
  readonly atimeNs: number;
  readonly mtimeNs: number;
  readonly ctimeNs: number;
  /** STATX_ATTR_DAX. */
  readonly dax: boolean;
}

export function statInode(inode: Inode): Stat {
  const { record, fs } = inode;
  return {
    dev: fs.id,
    ino: record.ino,
    generation: record.generation,
    mode: kindModes[inode.type] | record.perm,
    nlink: record.nlink,
    uid: record.uid,
    gid: record.gid,
    size: record.size,
    blocks: statBlocks(inode),
    blockSize: PAGE_SIZE,
    atimeNs: record.atimeNs,
    mtimeNs: record.mtimeNs,
    ctimeNs: record.ctimeNs,
    dax: inode.dax,
  };
}

/** Each block counted once: free + used + unlinkedOpen + orphaned + busy = blocks. */
export interface Statfs {
  readonly blockSize: number;
  readonly blocks: number;
  readonly free: number;
  /** Blocks of files and directories with a name, and of the file system itself. */
  readonly used: number;
  /** Blocks of files that have no name and are open. */
  readonly unlinkedOpen: number;
  /** Blocks with an orphan inode. */
  readonly orphaned: number;
  /** Blocks that are free on the device and still referenced. */
  readonly busy: number;
  readonly inodes: number;
  readonly freeInodes: number;
}

function nameless(fs: Mount): number {
  let blocks = 0;
  for (const inode of fs.inodes) {
    if (inode.record.nlink > 0) continue;
    blocks += (statBlocks(inode) * 512) / PAGE_SIZE;
  }
  return blocks;
}

export function statfsOf(fs: Mount): Statfs {
  fs.env.sched.touch(fs.metadata, 'read');
  const { blocks, free, busy, inodes, freeInodes } = fs.store.usage();
  const orphaned = fs.orphans.nrOrphaned;
  const unlinkedOpen = nameless(fs);
  const used = blocks - free - busy - orphaned - unlinkedOpen;
  const blockSize = PAGE_SIZE;
  return { blockSize, blocks, free, used, unlinkedOpen, orphaned, busy, inodes, freeInodes };
}
