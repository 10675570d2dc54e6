// truncate(2), ftruncate(2) and O_TRUNC (fs/open.c, facts 4.3).
//
//   by path   EISDIR, EINVAL -> EROFS -> EACCES -> EPERM -> write count -> lease break -> as below
//   by fd     (leases are not asked) -> EPERM -> delegations -> EFBIG -> layout break -> new size
//
// A delegation that stands after the lease break, as it does when its holder truncates by fd, is
// asked for like any and not waited for: EAGAIN (do_truncate calls notify_change without a
// delegated_inode). The file system looks at the size after that (->setattr, inode_newsize_ok).

import { shown } from '../arguments.js';
import { Errno } from '../errno.js';
import type { Caller } from '../mm/caller.js';
import type { Inode } from './inode.js';
import { withLayoutBroken } from './layout-break.js';
import { checkNewSize } from './limits.js';
import { checkPermission, MAY_WRITE } from './permission.js';
import { setSize, shrinkRange } from './resize.js';

export function checkLength(len: number): void {
  if (!Number.isSafeInteger(len) || len < 0)
    throw new Errno('EINVAL', `truncate: length ${shown(len)}`);
}

/** do_truncate(): may be written to. EPERM, EAGAIN, EFBIG, EINTR, and what the policy says. */
export async function truncateInode(caller: Caller, inode: Inode, len: number): Promise<void> {
  const { task } = caller;
  if (inode.record.immutable) throw new Errno('EPERM', `truncate: ${inode.label} is immutable`);
  const check = (): void => {
    if (len > inode.size()) checkNewSize(caller, inode, len);
    else if (len > inode.fs.maxBytes) throw new Errno('EFBIG', `truncate: ${len} bytes`);
  };
  const first = (): void => inode.leases.tryBreakDeleg(caller);
  // Both before anything is waited for; first() again under the lock that keeps new ones away.
  first();
  check();
  const range = () => shrinkRange(inode, len);
  await withLayoutBroken({ inode, op: 'truncate', task, caller, range, check, first }, (blocks) =>
    setSize(task, inode, len, blocks),
  );
}

/** vfs_truncate(), after the path walk. */
export async function truncateByPath(caller: Caller, inode: Inode, len: number): Promise<void> {
  if (inode.type === 'dir') throw new Errno('EISDIR', `truncate: ${inode.label}`);
  if (!inode.isRegular) throw new Errno('EINVAL', `truncate: ${inode.label}`);
  inode.fs.wantWrite('truncate');
  checkPermission(inode, caller.process.cred, MAY_WRITE, 'truncate');
  if (inode.record.append) throw new Errno('EPERM', `truncate: ${inode.label} is append-only`);
  if (inode.writers < 0) throw new Errno('ETXTBSY', `truncate: ${inode.label} is being executed`);
  inode.writers += 1;
  try {
    await inode.leases.breakLease(caller, { access: 'write', kind: 'LEASE' });
    await truncateInode(caller, inode, len);
  } finally {
    inode.writers -= 1;
  }
}
