// Who may do what to a file: mode bits, ownership and capabilities (fs/namei.c:generic_permission).

import { Errno } from '../errno.js';
import type { Credentials } from '../mm/caller.js';
import type { Inode } from './inode.js';

export const MAY_EXEC = 1;
export const MAY_WRITE = 2;
export const MAY_READ = 4;

/** Whether the mode bits that are the caller's, owner's before group's before others', allow it. */
function modeAllows(inode: Inode, cred: Credentials, mask: number): boolean {
  const { perm, uid, gid } = inode.record;
  const shift = cred.uid === uid ? 6 : cred.gid === gid ? 3 : 0;
  return ((perm >> shift) & mask) === mask;
}

/** CAP_DAC_OVERRIDE: everything, except that a file must have some execute bit to be executed. */
function overrides(inode: Inode, cred: Credentials, mask: number): boolean {
  if (!cred.caps.has('CAP_DAC_OVERRIDE')) return false;
  return inode.type === 'dir' || (mask & MAY_EXEC) === 0 || (inode.record.perm & 0o111) !== 0;
}

export const may = (inode: Inode, cred: Credentials, mask: number): boolean =>
  modeAllows(inode, cred, mask) || overrides(inode, cred, mask);

/** EACCES unless the caller may; EPERM for a write to an immutable file (inode_permission). */
export function checkPermission(inode: Inode, cred: Credentials, mask: number, what: string): void {
  if ((mask & MAY_WRITE) !== 0 && inode.record.immutable) {
    throw new Errno('EPERM', `${what}: ${inode.label} is immutable`);
  }
  if (!may(inode, cred, mask)) {
    throw new Errno('EACCES', `${what}: uid ${cred.uid} may not access ${inode.label} that way`);
  }
}

/** Whether the caller owns the file or may act as its owner. */
export const owns = (inode: Inode, cred: Credentials): boolean =>
  cred.uid === inode.record.uid || cred.caps.has('CAP_FOWNER');

/**
 * may_delete(): write and search permission on the directory; in a sticky one only the owner of
 * the file or of the directory. EPERM for what is immutable or append-only.
 */
export function checkDelete(dir: Inode, victim: Inode, cred: Credentials, what: string): void {
  checkPermission(dir, cred, MAY_WRITE | MAY_EXEC, what);
  if (dir.record.append) throw new Errno('EPERM', `${what}: ${dir.label} is append-only`);
  const sticky = (dir.record.perm & 0o1000) !== 0;
  if (sticky && cred.uid !== dir.record.uid && !owns(victim, cred)) {
    throw new Errno('EPERM', `${what}: ${dir.label} is sticky`);
  }
  if (victim.record.append || victim.record.immutable) {
    throw new Errno('EPERM', `${what}: ${victim.label} is immutable or append-only`);
  }
}
