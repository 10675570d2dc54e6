// Names that go or move: unlink, rmdir, rename (fs/namei.c:vfs_unlink, vfs_rmdir, vfs_rename).
//
// None of them changes a layout, and none breaks a lease that an application holds (measured).
// An inode that lost its last name lives on while it is open; evict.ts ends it.

import { Errno } from '../errno.js';
import type { Caller } from '../mm/caller.js';
import { nameBytes } from './directory-block.js';
import { NAME_MAX } from './format.js';
import { touchDirectory } from './create.js';
import { evictIfUnused } from './evict.js';
import type { Inode } from './inode.js';
import type { JournalHandle } from './journal.js';
import type { Located } from './namei.js';
import { checkDelete, checkPermission, MAY_EXEC, MAY_WRITE } from './permission.js';

/** The inode that a name means now, under the directory's lock. ENOENT. */
function entryOf(dir: Inode, name: string): Inode {
  const entry = dir.directory.lookup(name);
  if (entry === undefined) throw new Errno('ENOENT', `path: no ${name} in ${dir.label}`);
  return dir.fs.inode(entry.ino);
}

/** A name of inode went; a directory loses its own entry as well. */
function dropName(handle: JournalHandle, dir: Inode, inode: Inode): void {
  const { record, fs } = inode;
  if (record.kind === 'dir') {
    record.nlink = 0;
    dir.record.nlink -= 1;
  } else {
    record.nlink -= 1;
  }
  record.ctimeNs = fs.nowNs;
  fs.store.write(handle, record);
}

/** unlink(2). EISDIR for a directory. The last name and no reference: the file is gone. */
export async function unlinkEntry(caller: Caller, found: Located): Promise<void> {
  const { dir, name } = found;
  const { task, process } = caller;
  if (name === '.' || name === '..') throw new Errno('EISDIR', `unlink: ${name}`);
  let victim: Inode;
  await dir.iRwsem.downWrite(task);
  try {
    victim = entryOf(dir, name);
    checkDelete(dir, victim, process.cred, 'unlink');
    if (victim.type === 'dir') throw new Errno('EISDIR', `unlink: ${name}`);
    await dir.fs.transaction(task, (handle) => {
      dir.directory.remove(handle, name);
      dropName(handle, dir, victim);
      touchDirectory(handle, dir);
    });
  } finally {
    dir.iRwsem.upWrite(task);
  }
  await evictIfUnused(task, victim);
}

/** rmdir(2). EINVAL for `.`, ENOTEMPTY for `..` and what is not empty, EBUSY for the root. */
export async function rmdirEntry(caller: Caller, found: Located): Promise<void> {
  const { dir, name } = found;
  const { task, process } = caller;
  if (found.inode === dir && name === '.') {
    const root = dir.ino === dir.fs.store.rootIno;
    throw new Errno(root ? 'EBUSY' : 'EINVAL', `rmdir: ${name}`);
  }
  if (name === '..') throw new Errno('ENOTEMPTY', 'rmdir: ..');
  let victim: Inode;
  await dir.iRwsem.downWrite(task);
  try {
    victim = entryOf(dir, name);
    checkDelete(dir, victim, process.cred, 'rmdir');
    if (victim.type !== 'dir') throw new Errno('ENOTDIR', `rmdir: ${name}`);
    if (!victim.directory.isEmpty) throw new Errno('ENOTEMPTY', `rmdir: ${name}`);
    await dir.fs.transaction(task, (handle) => {
      dir.directory.remove(handle, name);
      dropName(handle, dir, victim);
      touchDirectory(handle, dir);
    });
  } finally {
    dir.iRwsem.upWrite(task);
  }
  await evictIfUnused(task, victim);
}

/** Whether `dir` is `inode` or lies below it. */
function isBelow(dir: Inode, inode: Inode): boolean {
  const { rootIno } = dir.fs.store;
  for (let at = dir; ; at = at.fs.inode(at.record.parent)) {
    if (at === inode) return true;
    if (at.ino === rootIno) return false;
  }
}

/** Lock both directories, in the order of their numbers, as the lock order wants. */
async function lockDirectories(caller: Caller, a: Inode, b: Inode): Promise<() => void> {
  const { task } = caller;
  const dirs = a === b ? [a] : a.ino < b.ino ? [a, b] : [b, a];
  for (const dir of dirs) await dir.iRwsem.downWrite(task);
  return () => {
    for (const dir of dirs.reverse()) dir.iRwsem.upWrite(task);
  };
}

function checkRename(
  caller: Caller,
  from: Located,
  to: Located,
  moved: Inode,
  target: Inode | undefined,
): void {
  const { cred } = caller.process;
  checkDelete(from.dir, moved, cred, 'rename');
  if (target === undefined) checkPermission(to.dir, cred, MAY_WRITE | MAY_EXEC, 'rename');
  else checkDelete(to.dir, target, cred, 'rename');
  const isDir = moved.type === 'dir';
  if (isDir && target !== undefined && target.type !== 'dir') throw new Errno('ENOTDIR', to.name);
  if (!isDir && target?.type === 'dir') throw new Errno('EISDIR', `rename: ${to.name}`);
  if (!isDir && (from.mustBeDir || to.mustBeDir)) throw new Errno('ENOTDIR', from.name);
  if (isDir && isBelow(to.dir, moved))
    throw new Errno('EINVAL', `rename: ${to.name} lies below it`);
  if (target?.type === 'dir' && !target.directory.isEmpty) throw new Errno('ENOTEMPTY', to.name);
  if (nameBytes(to.name).length > NAME_MAX) throw new Errno('ENAMETOOLONG', to.name);
  const blocks = target === undefined ? to.dir.directory.blocksFor(to.name) : 0;
  to.dir.fs.disk?.allocator.checkSpace(blocks + 1, 'metadata');
}

function moveName(
  handle: JournalHandle,
  from: Located,
  to: Located,
  moved: Inode,
  target: Inode | undefined,
): void {
  const entry = { name: to.name, ino: moved.ino, kind: moved.type };
  if (target !== undefined) {
    to.dir.directory.retarget(handle, entry);
    dropName(handle, to.dir, target);
  } else {
    to.dir.directory.add(handle, entry);
  }
  from.dir.directory.remove(handle, from.name);
  const { record, fs } = moved;
  record.ctimeNs = fs.nowNs;
  if (record.kind === 'dir') {
    from.dir.record.nlink -= 1;
    to.dir.record.nlink += 1;
    record.parent = to.dir.ino;
  }
  fs.store.write(handle, record);
  touchDirectory(handle, from.dir);
  if (to.dir !== from.dir) touchDirectory(handle, to.dir);
}

/**
 * rename(2): one transaction, so that the new name means the old file or the moved one and never
 * nothing. EBUSY for `.`, `..` and the root; EINVAL into itself; ENOTEMPTY, EISDIR, ENOTDIR.
 */
export async function renameEntry(caller: Caller, from: Located, to: Located): Promise<void> {
  for (const { name } of [from, to]) {
    if (name === '.' || name === '..') throw new Errno('EBUSY', `rename: ${name}`);
  }
  const unlock = await lockDirectories(caller, from.dir, to.dir);
  let target: Inode | undefined;
  try {
    const moved = entryOf(from.dir, from.name);
    const there = to.dir.directory.lookup(to.name);
    target = there === undefined ? undefined : to.dir.fs.inode(there.ino);
    if (target === moved) return;
    checkRename(caller, from, to, moved, target);
    await from.dir.fs.transaction(caller.task, (handle) => {
      moveName(handle, from, to, moved, target);
    });
  } finally {
    unlock();
  }
  if (target !== undefined) await evictIfUnused(caller.task, target);
}
