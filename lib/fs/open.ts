// open(2): flags, permissions, counts, leases, O_TRUNC, in the kernel's order (fs/namei.c:do_open).
//
//   walk -> create, or may_open -> counts -> lease break -> O_TRUNC
//
// An open that is only for reading breaks leases as a reader even with O_TRUNC: a file can be
// truncated under a read lease that way, and nobody is told (measured on 6.18).

import { checkOpenFlags } from '../arguments.js';
import { Errno } from '../errno.js';
import type { Caller } from '../mm/caller.js';
import { createEntry } from './create.js';
import { breakingDelegations } from './delegations.js';
import type { Inode } from './inode.js';
import type { Mount } from './mount.js';
import { locate, type Located } from './namei.js';
import { OpenFile } from './open-file.js';
import { checkPermission, MAY_READ, MAY_WRITE } from './permission.js';
import { evictIfUnused } from './evict.js';
import { truncateInode } from './truncate.js';

/** Flags of open(2). One access mode at most; without one: for reading. */
export type OpenFlag =
  | 'append'
  | 'cloexec'
  | 'creat'
  | 'direct'
  | 'directory'
  | 'excl'
  | 'nofollow'
  | 'nonblock'
  | 'path'
  | 'rdonly'
  | 'rdwr'
  | 'trunc'
  | 'wronly';

/** O_PATH keeps only what says how the path is walked (fs/open.c:build_open_flags). */
const pathFlags: readonly OpenFlag[] = ['path', 'directory', 'nofollow', 'cloexec'];

function checkFlags(given: readonly OpenFlag[]): ReadonlySet<OpenFlag> {
  checkOpenFlags(given);
  const flags = new Set(given);
  return flags.has('path') ? new Set(pathFlags.filter((flag) => flags.has(flag))) : flags;
}

const writes = (flags: ReadonlySet<OpenFlag>): boolean => flags.has('wronly') || flags.has('rdwr');

/** may_open(). */
function checkOpen(inode: Inode, flags: ReadonlySet<OpenFlag>, caller: Caller): void {
  if (inode.type === 'link') throw new Errno('ELOOP', `open: ${inode.label} is a link`);
  if (inode.type === 'dir' && (writes(flags) || flags.has('trunc') || flags.has('creat'))) {
    throw new Errno('EISDIR', `open: ${inode.label}`);
  }
  if (flags.has('path')) return;
  const { fs, record } = inode;
  if (writes(flags) || flags.has('trunc')) fs.wantWrite('open');
  const read = flags.has('wronly') ? 0 : MAY_READ;
  const write = writes(flags) || flags.has('trunc') ? MAY_WRITE : 0;
  checkPermission(inode, caller.process.cred, read | write, 'open');
  if (record.append && write !== 0 && (!flags.has('append') || flags.has('trunc'))) {
    throw new Errno('EPERM', `open: ${inode.label} is append-only`);
  }
  if (writes(flags) && inode.writers < 0) {
    throw new Errno('ETXTBSY', `open: ${inode.label} is being executed`);
  }
}

function checkDirectFlag(fs: Mount, flags: ReadonlySet<OpenFlag>): void {
  if (!flags.has('direct') || fs.flavor !== 'tmpfs' || fs.rules.tmpfsDirectIO) return;
  throw new Errno('EINVAL', 'open: this tmpfs has no O_DIRECT');
}

/** Create the last name of the path, unless somebody else just did. */
async function createFile(
  fs: Mount,
  caller: Caller,
  found: Located,
  flags: ReadonlySet<OpenFlag>,
  perm: number,
): Promise<{ inode: Inode; created: boolean }> {
  if (found.mustBeDir || found.name === '.' || found.name === '..') {
    throw new Errno('EISDIR', `open: ${found.name}`);
  }
  fs.wantWrite('open');
  try {
    const entry = { kind: 'file', perm } as const;
    const inode = await breakingDelegations(caller, (tryBreak) =>
      createEntry(caller, found.dir, found.name, entry, tryBreak),
    );
    return { inode, created: true };
  } catch (e) {
    const entry = found.dir.directory.lookup(found.name);
    const raced = e instanceof Errno && e.code === 'EEXIST' && entry !== undefined;
    if (!raced || flags.has('excl')) throw e;
    return { inode: fs.inode(entry.ino), created: false };
  }
}

async function find(
  fs: Mount,
  caller: Caller,
  path: string,
  flags: ReadonlySet<OpenFlag>,
  perm: number,
): Promise<{ inode: Inode; created: boolean }> {
  const exclusive = flags.has('creat') && flags.has('excl');
  const found = locate(fs, caller, path, !exclusive && !flags.has('nofollow'));
  if (found.inode !== undefined) {
    if (exclusive) throw new Errno('EEXIST', `open: ${path}`);
    return { inode: found.inode, created: false };
  }
  if (!flags.has('creat')) throw new Errno('ENOENT', `open: ${path}`);
  return createFile(fs, caller, found, flags, perm);
}

/**
 * Open a file; the one reference to it is the caller's. EACCES, EAGAIN (a lease stands and
 * nonblock), EEXIST, EINTR, EINVAL, EISDIR, ELOOP, ENOENT, ENOSPC, ENOTDIR, EPERM, EROFS, ETXTBSY.
 */
export async function openFile(
  fs: Mount,
  caller: Caller,
  path: string,
  given: readonly OpenFlag[],
  perm = 0o666,
): Promise<OpenFile> {
  const flags = checkFlags(given);
  fs.checkAlive('open');
  const { inode, created } = await find(fs, caller, path, flags, perm & 0o7777);
  if (flags.has('directory') && inode.type !== 'dir') throw new Errno('ENOTDIR', `open: ${path}`);
  if (!created && !(flags.has('path') && inode.type === 'link')) checkOpen(inode, flags, caller);
  checkDirectFlag(fs, flags);
  const file = new OpenFile(inode, caller, flags, path);
  inode.refs += 1;
  if (flags.has('path')) return file;
  if (file.writable) inode.writers += 1;
  else inode.readers += 1;
  try {
    if (inode.isRegular) await breakLeases(caller, inode, flags);
    const truncates = flags.has('trunc') && inode.isRegular && !created;
    if (truncates) await truncateOpened(caller, inode);
    return file;
  } catch (e) {
    if (file.writable) inode.writers -= 1;
    else inode.readers -= 1;
    inode.refs -= 1;
    await evictIfUnused(caller.task, inode);
    throw e;
  }
}

async function breakLeases(
  caller: Caller,
  inode: Inode,
  flags: ReadonlySet<OpenFlag>,
): Promise<void> {
  const access = writes(flags) ? 'write' : 'read';
  await inode.leases.breakLease(caller, { access, kind: 'LEASE', nonblock: flags.has('nonblock') });
}

/** handle_truncate(): counts as a writer meanwhile. */
async function truncateOpened(caller: Caller, inode: Inode): Promise<void> {
  inode.writers += 1;
  try {
    await truncateInode(caller, inode, 0);
  } finally {
    inode.writers -= 1;
  }
}
