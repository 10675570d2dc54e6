// New names: create, mkdir, symlink, link (fs/namei.c:vfs_create and its kin). Each is one
// transaction under i_rwsem of the directory, after everything that could refuse it was asked, and
// after the delegations were broken of the directory and of a file that gets a name more.

import { Errno } from '../errno.js';
import type { Caller } from '../mm/caller.js';
import { lockInodes, type TryBreak } from './delegations.js';
import { isLongerThan, nameBytes } from './directory-block.js';
import { BLOCK_SIZE, NAME_MAX, type FileKind } from './format.js';
import { Inode } from './inode.js';
import { MAX_INLINE_TARGET } from './inode-record.js';
import type { JournalHandle } from './journal.js';
import { checkPermission, MAY_EXEC, MAY_WRITE } from './permission.js';
import { assertDisk } from './store-kinds.js';

/** LINUX: ext4's EXT4_LINK_MAX. */
const LINK_MAX = 65_000;

export interface NewEntry {
  readonly kind: FileKind;
  readonly perm: number;
  /** Of a symbolic link. */
  readonly target?: string;
}

/** may_create(), under the directory's lock: the name is free and the caller may take it. */
function checkCreate(caller: Caller, dir: Inode, name: string): void {
  if (dir.directory.lookup(name) !== undefined) throw new Errno('EEXIST', `${name} exists`);
  if (dir.record.nlink === 0) throw new Errno('ENOENT', `${dir.label} was removed`);
  if (isLongerThan(name, NAME_MAX)) throw new Errno('ENAMETOOLONG', `name ${name}`);
  checkPermission(dir, caller.process.cred, MAY_WRITE | MAY_EXEC, 'create');
}

/** ENOSPC unless there is an inode, and blocks for a longer directory and a link's target. */
function checkSpace(dir: Inode, name: string, extraBlocks: number, newInode: boolean): void {
  const { store, disk } = dir.fs;
  if (newInode) store.checkInode();
  const blocks = extraBlocks + dir.directory.blocksFor(name);
  disk?.allocator.checkSpace(blocks + 1, 'metadata');
}

/** mtime and ctime of a directory that got or lost a name. */
export function touchDirectory(handle: JournalHandle, dir: Inode): void {
  dir.record.mtimeNs = dir.fs.nowNs;
  dir.record.ctimeNs = dir.fs.nowNs;
  dir.fs.store.write(handle, dir.record);
}

/** Make an inode and a name for it. EEXIST, EACCES, ENAMETOOLONG, ENOSPC, EMLINK; tryBreak's. */
export async function createEntry(
  caller: Caller,
  dir: Inode,
  name: string,
  entry: NewEntry,
  tryBreak: TryBreak,
): Promise<Inode> {
  const { fs } = dir;
  const { kind, perm, target } = entry;
  const longTarget = target !== undefined && isLongerThan(target, MAX_INLINE_TARGET);
  using _dir = await dir.iRwsem.write(caller.task);
  checkCreate(caller, dir, name);
  tryBreak(dir);
  if (kind === 'dir' && dir.record.nlink >= LINK_MAX) throw new Errno('EMLINK', dir.label);
  checkSpace(dir, name, longTarget && fs.disk !== null ? 1 : 0, true);
  return await fs.transaction(caller.task, (handle) => {
    const { uid, gid } = caller.process.cred;
    const parent = kind === 'dir' ? dir.ino : 0;
    // fs/xfs/xfs_inode.c:xfs_inode_inherit_flags: files and directories, no links
    const daxFlag = kind !== 'link' && dir.record.daxFlag;
    const spec = { kind, perm, uid, gid, parent, daxFlag, nowNs: fs.nowNs };
    const record = fs.store.create(handle, spec);
    const inode = new Inode(fs, record);
    if (target !== undefined) setTarget(handle, inode, target);
    dir.directory.add(handle, { name, ino: record.ino, kind });
    if (kind === 'dir') dir.record.nlink += 1;
    touchDirectory(handle, dir);
    return fs.adopt(inode);
  });
}

function setTarget(handle: JournalHandle, inode: Inode, target: string): void {
  const { record, fs } = inode;
  const bytes = nameBytes(target);
  record.size = bytes.length;
  if (fs.disk === null || bytes.length <= MAX_INLINE_TARGET) record.target = target;
  else {
    const { allocator } = assertDisk(fs);
    const [run] = allocator.alloc(handle, 1, 'metadata');
    record.extents.insert({ pgoff: 0, nrPages: 1, block: run!.block, unwritten: false });
    const block = new Uint8Array(BLOCK_SIZE);
    block.set(bytes);
    handle.write(run!.block, 0, block);
  }
  fs.store.write(handle, record);
}

/** One more name. EPERM for a directory; EMLINK, EEXIST, EACCES, ENOSPC, ENOENT; tryBreak's. */
export async function linkEntry(
  caller: Caller,
  inode: Inode,
  dir: Inode,
  name: string,
  tryBreak: TryBreak,
): Promise<void> {
  if (inode.type === 'dir') throw new Errno('EPERM', `link: ${inode.label} is a directory`);
  const { fs } = dir;
  using _dir = await dir.iRwsem.write(caller.task);
  checkCreate(caller, dir, name);
  const { record } = inode;
  using _file = await lockInodes(caller.task, inode);
  if (record.append || record.immutable) throw new Errno('EPERM', `link: ${inode.label}`);
  if (record.nlink === 0) throw new Errno('ENOENT', `link: ${inode.label} has no name left`);
  tryBreak(dir, inode);
  if (record.nlink >= LINK_MAX) throw new Errno('EMLINK', inode.label);
  checkSpace(dir, name, 0, false);
  await fs.transaction(caller.task, (handle) => {
    record.nlink += 1;
    record.ctimeNs = fs.nowNs;
    fs.store.write(handle, record);
    dir.directory.add(handle, { name, ino: inode.ino, kind: inode.type });
    touchDirectory(handle, dir);
  });
}
