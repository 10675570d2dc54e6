// Names that go: unlink, rmdir (fs/namei.c:vfs_unlink, vfs_rmdir).
//
// Neither changes a layout, and neither breaks a lease that an application holds (measured). Both
// break the delegations of the directory, unlink those of the file too.
// An inode that lost its last name lives on while it is open; evict.ts ends it.

import { Errno } from '../errno.js';
import type { Caller } from '../mm/caller.js';
import { touchDirectory } from './create.js';
import { breakingDelegations, filesOf, lockInodes, type TryBreak } from './delegations.js';
import { evictIfUnused } from './evict.js';
import type { Inode } from './inode.js';
import type { JournalHandle } from './journal.js';
import type { Located } from './namei.js';
import { checkDelete } from './permission.js';

/** The inode that a name means now, under the directory's lock. ENOENT. */
export function entryOf(dir: Inode, name: string): Inode {
  const entry = dir.directory.lookup(name);
  if (entry === undefined) throw new Errno('ENOENT', `path: no ${name} in ${dir.label}`);
  return dir.fs.inode(entry.ino);
}

/** A name of inode went; a directory loses its own entry as well. */
export function dropName(handle: JournalHandle, dir: Inode, inode: Inode): void {
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

/** Take the name away from what check() lets go: whose it was, for evictIfUnused(). */
async function removeName(
  { task }: Caller,
  { dir, name }: Located,
  check: (victim: Inode) => void,
): Promise<Inode> {
  using _dir = await dir.iRwsem.write(task);
  const victim = entryOf(dir, name);
  using _victim = await lockInodes(task, ...filesOf(victim));
  check(victim);
  await dir.fs.transaction(task, (handle) => {
    dir.directory.remove(handle, name);
    dropName(handle, dir, victim);
    touchDirectory(handle, dir);
  });
  return victim;
}

/** unlink(2). EISDIR for a directory. The last name and no reference: the file is gone. */
export async function unlinkEntry(caller: Caller, found: Located): Promise<void> {
  const { dir, name } = found;
  if (name === '.' || name === '..') throw new Errno('EISDIR', `unlink: ${name}`);
  const gone = await breakingDelegations(caller, (tryBreak) =>
    removeName(caller, found, (victim) => {
      checkDelete(dir, victim, caller.process.cred, 'unlink');
      if (victim.type === 'dir') throw new Errno('EISDIR', `unlink: ${name}`);
      tryBreak(dir, victim);
    }),
  );
  await evictIfUnused(caller.task, gone);
}

/** rmdir(2). EINVAL for `.`, ENOTEMPTY for `..` and what is not empty, EBUSY for the root. */
export async function rmdirEntry(
  caller: Caller,
  found: Located,
  tryBreak: TryBreak,
): Promise<void> {
  const { dir, name } = found;
  if (found.inode === dir && name === '.') {
    const root = dir.ino === dir.fs.store.rootIno;
    throw new Errno(root ? 'EBUSY' : 'EINVAL', `rmdir: ${name}`);
  }
  if (name === '..') throw new Errno('ENOTEMPTY', 'rmdir: ..');
  const gone = await removeName(caller, found, (victim) => {
    checkDelete(dir, victim, caller.process.cred, 'rmdir');
    if (victim.type !== 'dir') throw new Errno('ENOTDIR', `rmdir: ${name}`);
    tryBreak(dir);
    if (!victim.directory.isEmpty) throw new Errno('ENOTEMPTY', `rmdir: ${name}`);
  });
  await evictIfUnused(caller.task, gone);
}
