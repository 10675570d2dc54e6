// How big a file may get: the file system's limit and the caller's RLIMIT_FSIZE, which also sends
// SIGXFSZ (fs/attr.c:inode_newsize_ok, mm/filemap.c:generic_write_check_limits).

import { Errno } from '../errno.js';
import type { Caller } from '../mm/caller.js';
import type { Inode } from './inode.js';

/** EFBIG unless the file may have that size. */
export function checkNewSize(caller: Caller, inode: Inode, size: number): void {
  if (size > caller.process.rlimit('fsize')) {
    caller.process.sendSignal('SIGXFSZ');
    throw new Errno('EFBIG', `${inode.label}: ${size} bytes are past RLIMIT_FSIZE`);
  }
  if (size > inode.fs.maxBytes) {
    throw new Errno('EFBIG', `${inode.label}: ${size} bytes are more than ${inode.fs.maxBytes}`);
  }
}

/** How much of a write of len bytes at pos is within the limits. EFBIG: nothing. */
export function writableLen(caller: Caller, inode: Inode, pos: number, len: number): number {
  if (len === 0) return 0;
  const limit = Math.min(caller.process.rlimit('fsize'), inode.fs.maxBytes);
  if (pos >= limit) checkNewSize(caller, inode, pos + 1);
  return Math.min(len, limit - pos);
}
