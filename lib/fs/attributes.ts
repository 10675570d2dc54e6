// chmod and chown (fs/attr.c:notify_change). They break delegations, no lease; the file system is
// asked who may (setattr_prepare) after that, so that a stranger's call breaks them as well.

import { Errno } from '../errno.js';
import type { Caller } from '../mm/caller.js';
import { breakingDelegations, type TryBreak } from './delegations.js';
import type { Inode } from './inode.js';
import { owns } from './permission.js';

/** set() refuses, or changes the record. */
async function change(
  caller: Caller,
  inode: Inode,
  set: () => void,
  tryBreak?: TryBreak,
): Promise<void> {
  const { task } = caller;
  inode.fs.wantWrite('setattr');
  using _locked = await inode.iRwsem.write(task);
  if (inode.record.immutable || inode.record.append) {
    throw new Errno('EPERM', `setattr: ${inode.label} is immutable or append-only`);
  }
  tryBreak?.(inode);
  set();
  inode.record.ctimeNs = inode.fs.nowNs;
  await inode.fs.writeInode(task, inode);
}

/** EPERM unless the caller owns the file; EINTR while a delegation stands. */
export async function changeMode(caller: Caller, inode: Inode, perm: number): Promise<void> {
  const set = (): void => {
    if (!owns(inode, caller.process.cred)) throw new Errno('EPERM', `chmod: ${inode.label}`);
    inode.record.perm = perm & 0o7777;
  };
  await breakingDelegations(caller, (tryBreak) => change(caller, inode, set, tryBreak));
}

/**
 * Giving a file away takes CAP_FOWNER (Linux: CAP_CHOWN); one's own group, owning it. An id of
 * -1 stays as it is.
 */
export async function changeOwner(
  caller: Caller,
  inode: Inode,
  newUid: number,
  newGid: number,
): Promise<void> {
  const { cred } = caller.process;
  const set = (): void => {
    const uid = newUid === -1 ? inode.record.uid : newUid;
    const gid = newGid === -1 ? inode.record.gid : newGid;
    const given = uid !== inode.record.uid && !cred.caps.has('CAP_FOWNER');
    const grouped = gid !== inode.record.gid && gid !== cred.gid && !cred.caps.has('CAP_FOWNER');
    if (!owns(inode, cred) || given || grouped) throw new Errno('EPERM', `chown: ${inode.label}`);
    inode.record.uid = uid;
    inode.record.gid = gid;
  };
  await breakingDelegations(caller, (tryBreak) => change(caller, inode, set, tryBreak));
}
