// Names that move, renameat2(2): over what is there, only where nothing is, or two names that
// change places (fs/namei.c:do_renameat2, vfs_rename).
//
//   flag        target exists                 target is missing
//   none        it loses the name             the name is made
//   noreplace   EEXIST                        the name is made
//   exchange    both change places            ENOENT
//
// One transaction each: after a crash either name means what it did, or what it was to mean. No
// layout changes, and no lease that an application holds breaks (measured); delegations do, of both
// directories and of what is no directory and moves, or makes way.

import { Errno } from '../errno.js';
import type { Caller } from '../mm/caller.js';
import { touchDirectory } from './create.js';
import { breakingDelegations, filesOf, lockInodes } from './delegations.js';
import { nameBytes } from './directory-block.js';
import { evictIfUnused } from './evict.js';
import { NAME_MAX } from './format.js';
import type { Inode } from './inode.js';
import type { JournalHandle } from './journal.js';
import type { Located } from './namei.js';
import { checkDelete, checkPermission, MAY_EXEC, MAY_WRITE } from './permission.js';
import { dropName, entryOf } from './remove.js';

/** RENAME_NOREPLACE, RENAME_EXCHANGE. */
export type RenameFlag = 'noreplace' | 'exchange';

/** Whether `dir` is `inode` or lies below it. */
function isBelow(dir: Inode, inode: Inode): boolean {
  const { rootIno } = dir.fs.store;
  for (let at = dir; ; at = at.fs.inode(at.record.parent)) {
    if (at === inode) return true;
    if (at.ino === rootIno) return false;
  }
}

/** One call, with its directories locked and its names looked up. */
interface Move {
  readonly caller: Caller;
  readonly from: Located;
  readonly to: Located;
  readonly moved: Inode;
  readonly target: Inode | undefined;
  readonly exchange: boolean;
}

/** do_renameat2(): what is refused before the directories are asked for their rights. */
function checkNames({ from, to, moved, target, exchange }: Move, noReplace: boolean): void {
  const isDir = moved.type === 'dir';
  if (noReplace && target !== undefined) throw new Errno('EEXIST', `rename: ${to.name}`);
  if (exchange && target === undefined) throw new Errno('ENOENT', `rename: ${to.name}`);
  if (exchange && to.mustBeDir && target?.type !== 'dir') throw new Errno('ENOTDIR', to.name);
  if (!isDir && (from.mustBeDir || (!exchange && to.mustBeDir))) {
    throw new Errno('ENOTDIR', from.name);
  }
  if (isDir && isBelow(to.dir, moved)) {
    throw new Errno('EINVAL', `rename: ${to.name} lies below it`);
  }
  if (target?.type === 'dir' && isBelow(from.dir, target)) {
    throw new Errno(exchange ? 'EINVAL' : 'ENOTEMPTY', `rename: ${from.name} lies below it`);
  }
}

/** vfs_rename(): rights and kinds. */
function checkMove({ caller, from, to, moved, target, exchange }: Move): void {
  const { cred } = caller.process;
  const isDir = moved.type === 'dir';
  checkDelete(from.dir, moved, cred, 'rename');
  if (target === undefined) checkPermission(to.dir, cred, MAY_WRITE | MAY_EXEC, 'rename');
  else checkDelete(to.dir, target, cred, 'rename');
  if (!exchange && target !== undefined) {
    if (isDir && target.type !== 'dir') throw new Errno('ENOTDIR', to.name);
    if (!isDir && target.type === 'dir') throw new Errno('EISDIR', `rename: ${to.name}`);
  }
  if (from.dir !== to.dir) {
    // Its `..` will name another directory.
    if (isDir) checkPermission(moved, cred, MAY_WRITE, 'rename');
    if (exchange && target?.type === 'dir') checkPermission(target, cred, MAY_WRITE, 'rename');
  }
  if (nameBytes(to.name).length > NAME_MAX) throw new Errno('ENAMETOOLONG', to.name);
}

/** ->rename(): what the file system itself refuses. */
function checkRoom({ to, target, exchange }: Move): void {
  if (!exchange && target?.type === 'dir' && !target.directory.isEmpty) {
    throw new Errno('ENOTEMPTY', to.name);
  }
  const blocks = target === undefined ? to.dir.directory.blocksFor(to.name) : 0;
  to.dir.fs.disk?.allocator.checkSpace(blocks + 1, 'metadata');
}

/** An inode came into another directory, or changed its name in the same one. */
function noteMoved(handle: JournalHandle, inode: Inode, from: Inode, to: Inode): void {
  const { record, fs } = inode;
  record.ctimeNs = fs.nowNs;
  if (record.kind === 'dir') {
    from.record.nlink -= 1;
    to.record.nlink += 1;
    record.parent = to.ino;
  }
  fs.store.write(handle, record);
}

function moveName(handle: JournalHandle, { from, to, moved, target, exchange }: Move): void {
  const entry = { name: to.name, ino: moved.ino, kind: moved.type };
  if (target === undefined) to.dir.directory.add(handle, entry);
  else to.dir.directory.retarget(handle, entry);
  if (exchange && target !== undefined) {
    const back = { name: from.name, ino: target.ino, kind: target.type };
    from.dir.directory.retarget(handle, back);
    noteMoved(handle, target, to.dir, from.dir);
  } else {
    if (target !== undefined) dropName(handle, to.dir, target);
    from.dir.directory.remove(handle, from.name);
  }
  noteMoved(handle, moved, from.dir, to.dir);
  touchDirectory(handle, from.dir);
  if (to.dir !== from.dir) touchDirectory(handle, to.dir);
}

/** `.`, `..` and the root cannot be renamed; as a target they exist, which noreplace says first. */
function checkLast(from: Located, to: Located, noReplace: boolean): void {
  const isDot = ({ name }: Located): boolean => name === '.' || name === '..';
  if (isDot(from)) throw new Errno('EBUSY', `rename: ${from.name}`);
  if (isDot(to)) throw new Errno(noReplace ? 'EEXIST' : 'EBUSY', `rename: ${to.name}`);
}

/**
 * renameat2(2). EBUSY for `.`, `..` and the root; EINVAL into itself, from either side when two
 * names change places, and for both flags; ENOTEMPTY, EISDIR, ENOTDIR, EEXIST, ENOENT.
 */
export async function renameEntry(
  caller: Caller,
  from: Located,
  to: Located,
  flags: readonly RenameFlag[] = [],
): Promise<void> {
  const [exchange, noReplace] = [flags.includes('exchange'), flags.includes('noreplace')];
  if (exchange && noReplace) throw new Errno('EINVAL', 'rename: exchange and noreplace');
  checkLast(from, to, noReplace);
  const gone = await breakingDelegations(caller, async (tryBreak) => {
    using _dirs = await lockInodes(caller.task, from.dir, to.dir);
    const moved = entryOf(from.dir, from.name);
    const there = to.dir.directory.lookup(to.name);
    const target = there === undefined ? undefined : to.dir.fs.inode(there.ino);
    const move: Move = { caller, from, to, moved, target, exchange };
    checkNames(move, noReplace);
    if (target === moved) return undefined;
    const files = filesOf(moved, target);
    using _files = await lockInodes(caller.task, ...files);
    checkMove(move);
    tryBreak(...new Set([from.dir, to.dir, ...files]));
    checkRoom(move);
    await from.dir.fs.transaction(caller.task, (handle) => moveName(handle, move));
    return exchange ? undefined : target;
  });
  if (gone !== undefined) await evictIfUnused(caller.task, gone);
}
