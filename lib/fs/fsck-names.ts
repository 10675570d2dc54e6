// fsck, names: every name means an inode, every directory has one parent, and nlink counts names.
// Names that mean nothing are removed; a directory's blocks are written anew when they change.

import { isErrno } from '../errno.js';
import {
  addDirent,
  emptyDirectoryBlock,
  readDirectoryBlock,
  type Dirent,
} from './directory-block.js';
import { BLOCK_SIZE, ROOT_INO } from './format.js';
import { beyondRepair, type Fsck } from './fsck.js';
import { rewriteInode } from './fsck-inodes.js';
import type { InodeRecord } from './inode-record.js';

function blocksOf(record: InodeRecord): number[] {
  return record.extents.all.flatMap((e) =>
    Array.from({ length: e.nrPages }, (_, i) => e.block + i),
  );
}

/** The names in a directory; a damaged block loses its own. */
function readNames(fsck: Fsck, dir: InodeRecord): { names: Dirent[]; changed: boolean } {
  const names: Dirent[] = [];
  let changed = false;
  for (const block of blocksOf(dir)) {
    try {
      names.push(...readDirectoryBlock(fsck.partition.read(block, 0, BLOCK_SIZE), dir.ino));
    } catch (e) {
      if (!isErrno(e, 'EUCLEAN')) throw e;
      fsck.found('name', `${e.message} (block ${block})`, 'its names are given up');
      changed = true;
    }
  }
  return { names, changed };
}

function rewriteNames(fsck: Fsck, dir: InodeRecord, names: readonly Dirent[]): void {
  const blocks = blocksOf(dir).map((block) => ({ block, bytes: emptyDirectoryBlock(dir.ino) }));
  for (const entry of names) {
    const fits = blocks.some(({ bytes }) => addDirent(bytes, dir.ino, entry));
    if (!fits) fsck.found('name', `directory ${dir.ino}: ${entry.name} does not fit`, 'given up');
  }
  for (const { block, bytes } of blocks) fsck.partition.write(block, 0, bytes);
}

interface Walk {
  /** Names of each inode. */
  readonly count: Map<number, number>;
  readonly parents: Map<number, number>;
  readonly queue: number[];
}

/** The names of a directory that mean something; the others are findings. */
function checkEntries(fsck: Fsck, dir: InodeRecord, names: Dirent[], walk: Walk): Dirent[] {
  const kept: Dirent[] = [];
  const seen = new Set<string>();
  for (const entry of names) {
    const record = fsck.inodes.records.get(entry.ino);
    const where = `directory ${dir.ino}: ${JSON.stringify(entry.name)}`;
    if (record === undefined || seen.has(entry.name)) {
      fsck.found('name', `${where} means inode ${entry.ino}, which is not there`, 'removed');
      continue;
    }
    if (record.kind === 'dir' && (walk.parents.has(entry.ino) || entry.ino === ROOT_INO)) {
      fsck.found('name', `${where} is a second name of directory ${entry.ino}`, 'removed');
      continue;
    }
    if (record.kind !== entry.kind) fsck.found('name', `${where} is no ${entry.kind}`, 'corrected');
    seen.add(entry.name);
    kept.push({ ...entry, kind: record.kind });
    walk.count.set(entry.ino, (walk.count.get(entry.ino) ?? 0) + 1);
    if (record.kind !== 'dir') continue;
    walk.parents.set(entry.ino, dir.ino);
    walk.queue.push(entry.ino);
  }
  return kept;
}

function walkFrom(fsck: Fsck, start: number, walk: Walk): void {
  walk.queue.push(start);
  for (let ino = walk.queue.pop(); ino !== undefined; ino = walk.queue.pop()) {
    const dir = fsck.inodes.records.get(ino)!;
    const { names, changed } = readNames(fsck, dir);
    const kept = checkEntries(fsck, dir, names, walk);
    const same = kept.length === names.length && kept.every((e, i) => e.kind === names[i]!.kind);
    if (changed || !same) rewriteNames(fsck, dir, kept);
  }
}

function checkCounts(fsck: Fsck, walk: Walk, lost: ReadonlySet<number>): void {
  for (const record of fsck.inodes.records.values()) {
    const { ino, kind } = record;
    if (record.nlink === 0) continue;
    const children = [...walk.parents].filter(([, parent]) => parent === ino).length;
    const names = kind === 'dir' ? 2 + children : (walk.count.get(ino) ?? 0);
    const parent = kind !== 'dir' ? 0 : ino === ROOT_INO ? ino : (walk.parents.get(ino) ?? 0);
    const wrongParent = kind === 'dir' && record.parent !== parent && !lost.has(ino);
    if (record.nlink === names && !wrongParent) continue;
    if (lost.has(ino) && kind !== 'dir') continue;
    if (record.nlink !== names) {
      fsck.found('name', `inode ${ino}: nlink is ${record.nlink}, not ${names}`, 'corrected');
      record.nlink = names;
    }
    if (wrongParent) {
      fsck.found('name', `directory ${ino}: its parent is ${record.parent}`, `${parent} now`);
      record.parent = parent;
    }
    rewriteInode(fsck, record);
  }
}

/** Walk all directories from the root; the inodes with nlink that no name leads to. */
export function checkNames(fsck: Fsck): number[] {
  const { records } = fsck.inodes;
  if (records.get(ROOT_INO)?.kind !== 'dir') throw beyondRepair('there is no root directory');
  const walk: Walk = { count: new Map(), parents: new Map(), queue: [] };
  walkFrom(fsck, ROOT_INO, walk);
  const lost: number[] = [];
  const unreached = (r: InodeRecord): boolean =>
    r.nlink > 0 && r.ino !== ROOT_INO && !walk.count.has(r.ino);
  // Directories first: what is below them has a name again once they have.
  for (const kind of ['dir', 'file'] as const) {
    for (const record of records.values()) {
      if (!unreached(record) || (record.kind === 'dir') !== (kind === 'dir')) continue;
      fsck.found('name', `inode ${record.ino}: no name leads to it`, 'put into /lost+found');
      lost.push(record.ino);
      walk.count.set(record.ino, 1);
      if (kind === 'dir') walkFrom(fsck, record.ino, walk);
    }
  }
  checkCounts(fsck, walk, new Set(lost));
  return lost;
}
