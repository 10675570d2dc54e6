// fsck: is everything on the partition what it should be, and if not, make it so.
//
//   superblocks -> log replayed -> inodes -> blocks -> names -> maps and counts -> orphans, lost
//   files
//
// Without repair the same happens on a view in memory and the partition stays as it is. A repair
// gives up as little as it can: a damaged inode and blocks that two files claim are lost, files
// without a name go to /lost+found. Interrupted, it may be run again.

import { Errno, isErrno } from '../errno.js';
import { posOf } from '../units.js';
import { checkInodes, type KnownInodes } from './fsck-inodes.js';
import { attachLost, freeNameless } from './fsck-lost.js';
import { checkMaps } from './fsck-maps.js';
import { checkNames } from './fsck-names.js';
import type { SuperblockValues } from './format.js';
import { JournalLog } from './journal-log.js';
import { overlayPartition } from './overlay-partition.js';
import type { Partition } from './partition.js';
import { noPersistence, type Persistence } from './persistence.js';
import { RedoJournal } from './redo-journal.js';
import { findSuperblock, writeSuperblock } from './superblock.js';

export type FsckCheck = 'superblock' | 'journal' | 'inode' | 'block' | 'name' | 'map' | 'orphan';

export interface Finding {
  readonly check: FsckCheck;
  /** What is wrong, with the number of the inode or block. */
  readonly what: string;
  /** What a repair does about it. */
  readonly repair: string;
}

export interface FsckReport {
  /** Nothing was found, or all of it was repaired. */
  readonly sound: boolean;
  readonly repaired: boolean;
  readonly findings: readonly Finding[];
  /** What is no damage: records replayed, not unmounted, files that wait to be freed. */
  readonly notes: readonly string[];
  readonly files: number;
  readonly directories: number;
  readonly links: number;
  readonly usedBlocks: number;
  readonly blocks: number;
}

/** One run: where the checks put what they find. */
export interface Fsck {
  readonly partition: Partition;
  readonly persistence: Persistence;
  readonly sb: SuperblockValues;
  readonly notes: string[];
  readonly inodes: KnownInodes;
  /** Inodes on the orphan list, which a mount would finish with. */
  nrOrphans: number;
  /** Something is wrong, and the caller is about to put it right in its view. */
  found(check: FsckCheck, what: string, repair: string): void;
}

function checkSuperblock(partition: Partition, findings: Finding[]): SuperblockValues {
  const { values, damage } = findSuperblock(partition);
  if (damage !== null) {
    findings.push({ check: 'superblock', what: damage, repair: 'made anew from the other copy' });
  }
  return values;
}

function checkJournal(fsck: Fsck): void {
  const { partition, persistence, sb } = fsck;
  const log = new JournalLog(partition, sb, persistence);
  try {
    const replayed = new RedoJournal(partition, log, persistence).recover();
    if (replayed > 0) fsck.notes.push(`${replayed} records of the log replayed`);
  } catch (e) {
    if (!isErrno(e, 'EUCLEAN')) throw e;
    fsck.found('journal', e.message, 'emptied; what it said is lost');
    new JournalLog(partition, sb, persistence).format();
  }
}

/**
 * Check a partition that nobody has mounted. EINVAL: there is no file system on it. EUCLEAN: both
 * superblocks are damaged, and where anything is cannot be told.
 */
export async function fsckPartition(
  device: Partition,
  repair: boolean,
  devicePersistence: Persistence = noPersistence,
): Promise<FsckReport> {
  const findings: Finding[] = [];
  const partition = repair ? device : overlayPartition(device);
  const persistence = repair ? devicePersistence : noPersistence;
  const sb = checkSuperblock(partition, findings);
  const fsck: Fsck = {
    ...{ partition, persistence, sb, notes: [], inodes: { records: new Map(), lost: new Set() } },
    nrOrphans: 0,
    found: (check, what, how) => findings.push({ check, what, repair: how }),
  };
  if (sb.state !== 0) fsck.notes.push('it was not unmounted');
  checkJournal(fsck);
  const owned = checkInodes(fsck);
  const reached = checkNames(fsck);
  checkMaps(fsck, owned);
  await freeNameless(fsck);
  await attachLost(fsck, reached);
  if (repair) {
    persistence.flush(0, posOf(partition.nrBlocks));
    writeSuperblock(partition, { ...sb, sequence: sb.sequence + 1, state: 0 }, persistence);
  }
  const records = [...fsck.inodes.records.values()];
  const count = (kind: string): number => records.filter((r) => r.kind === kind).length;
  return {
    ...{ sound: findings.length === 0 || repair, repaired: repair && findings.length > 0 },
    ...{ findings, notes: fsck.notes },
    ...{ files: count('file'), directories: count('dir'), links: count('link') },
    ...{ usedBlocks: owned.count, blocks: sb.nrBlocks - sb.dataStart - 1 },
  };
}

/** A finding that no repair exists for is an error of its own. */
export const beyondRepair = (what: string): Errno => new Errno('EUCLEAN', `fsck: ${what}`);
