// mkfs: write an empty file system onto a partition. What was there is gone.
//
// The superblocks are written last, after everything else is durable: a partition on which mkfs was
// interrupted holds no file system.

import { posOf } from '../units.js';
import { Directory } from './directory.js';
import { DiskBitmap } from './disk-bitmap.js';
import { DiskStore } from './disk-store.js';
import { ROOT_INO, type DiskFlavor, type SuperblockValues } from './format.js';
import { stateBytes } from './inode-map.js';
import { directJournal } from './journal.js';
import { JournalLog } from './journal-log.js';
import type { Partition } from './partition.js';
import { noPersistence, type Persistence } from './persistence.js';
import { planSuperblock, writeSuperblock, type Geometry } from './superblock.js';

export interface MkfsOptions extends Omit<Geometry, 'nrBlocks'> {
  readonly flavor: DiskFlavor;
  /** When the root directory was made. */
  readonly nowNs?: number;
  /** Permission bits of the root directory. Anybody may make files in it if not given. */
  readonly rootPerm?: number;
}

/** The maps of an empty file system: its own areas and both superblocks are in use. */
async function writeMaps(partition: Partition, sb: SuperblockValues): Promise<void> {
  const journal = directJournal(partition);
  const blocks = new DiskBitmap(journal, sb.bitmapStart, sb.nrBlocks);
  await journal.transaction(null, (handle) => {
    blocks.set(handle, 0, sb.dataStart, true);
    blocks.set(handle, sb.nrBlocks - 1, 1, true);
    const freeBlocks = sb.nrBlocks - 1 - sb.dataStart;
    const counts = { freeBlocks, freeInodes: sb.nrInodes, nextGeneration: 1 };
    handle.write(sb.stateBlock, 0, stateBytes({ orphanHead: 0, ...counts }));
  });
}

/** EINVAL: the partition is too small. */
export async function mkfs(
  partition: Partition,
  options: MkfsOptions,
  persistence: Persistence = noPersistence,
): Promise<SuperblockValues> {
  const { flavor, nowNs = 0, rootPerm = 0o777, nrInodes, journalBlocks } = options;
  const geometry = { nrBlocks: partition.nrBlocks, nrInodes, journalBlocks };
  const sb = planSuperblock(flavor, geometry);
  partition.zero(0, sb.dataStart);
  partition.zero(sb.nrBlocks - 1, 1);
  persistence.flush(posOf(sb.nrBlocks - 1), posOf(1));
  await writeMaps(partition, sb);
  const store = DiskStore.fresh(partition, sb);
  await store.journal.transaction(null, (handle) => {
    const owner = { uid: 0, gid: 0, parent: ROOT_INO };
    const root = store.create(handle, { kind: 'dir', perm: rootPerm, ...owner, nowNs });
    new Directory(root, store).takeBlock(handle);
  });
  new JournalLog(partition, sb, persistence).format();
  persistence.flush(0, posOf(sb.dataStart + 1));
  writeSuperblock(partition, sb, persistence);
  return sb;
}
