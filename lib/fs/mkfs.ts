// mkfs: write an empty file system onto a partition. What was there is gone.

import { Directory } from './directory.js';
import { DiskStore } from './disk-store.js';
import { BLOCK_SIZE, INODE_LEN, ROOT_INO, type DiskFlavor } from './format.js';
import { directJournal } from './journal.js';
import type { Partition } from './partition.js';
import { planSuperblock, writeSuperblock, type Geometry } from './superblock.js';

export interface MkfsOptions extends Omit<Geometry, 'nrBlocks'> {
  readonly flavor: DiskFlavor;
  /** When the root directory was made. */
  readonly nowNs?: number;
  /** Permission bits of the root directory. Anybody may make files in it if not given. */
  readonly rootPerm?: number;
}

/** EINVAL: the partition is too small. The superblocks are written last. */
export async function mkfs(partition: Partition, options: MkfsOptions): Promise<void> {
  const { flavor, nowNs = 0, rootPerm = 0o777, nrInodes, journalBlocks } = options;
  const geometry = { nrBlocks: partition.nrBlocks, nrInodes, journalBlocks };
  const sb = planSuperblock(flavor, geometry);
  partition.zero(0, 1);
  partition.zero(sb.nrBlocks - 1, 1);
  partition.zero(sb.journalStart, sb.journalBlocks);
  partition.zero(sb.inodeTableStart, Math.ceil((sb.nrInodes * INODE_LEN) / BLOCK_SIZE));
  const journal = directJournal(partition);
  const store = new DiskStore(partition, sb, journal, true);
  partition.write(sb.bitmapStart, 0, store.allocator.bitmap);
  await journal.transaction(null, (handle) => {
    const owner = { uid: 0, gid: 0, parent: ROOT_INO };
    const root = store.create(handle, { kind: 'dir', perm: rootPerm, ...owner, nowNs });
    new Directory(root, store).takeBlock(handle);
  });
  writeSuperblock(partition, { ...sb, nextGeneration: 2 });
}
