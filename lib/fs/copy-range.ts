// copy_file_range(2) (fs/read_write.c:vfs_copy_file_range): bytes from one file to another, or to
// another place of the same, by reading and writing: no file system here has a shorter way.
//
//   EISDIR -> EINVAL -> EBADF -> EXDEV -> EPERM immutable -> EOVERFLOW -> EFBIG -> EINVAL overlap
//   -> EINVAL before the start -> bytes, in chunks; what was copied before a failure counts

import { Errno } from '../errno.js';
import type { Caller } from '../mm/caller.js';
import { KiB } from '../units.js';
import { inChunks, readFile, writeFile } from './file-io.js';
import { writableLen } from './limits.js';
import type { OpenFile } from './open-file.js';
import { checkNumbers, checkReadWrite, onOneMount } from './two-files.js';

/** LINUX: what one call copies at most (MAX_RW_COUNT). */
const MOST = 0x7ffff000;
/** What lies in a pipe of the usual length at once (do_splice_direct). */
const CHUNK = 64 * KiB;

export interface CopyRange {
  readonly from: OpenFile | null;
  readonly pos: number;
  readonly to: OpenFile;
  readonly toPos: number;
  readonly len: number;
}

/** generic_copy_file_checks(): how much there is to copy. */
function copyable(caller: Caller, { from, pos, to, toPos, len }: CopyRange): number {
  checkReadWrite('copy', from, to);
  if (!onOneMount(from, to)) throw new Errno('EXDEV', `copy: to ${to.label}`);
  if (to.inode.record.immutable) throw new Errno('EPERM', `copy: ${to.label} is immutable`);
  if (!Number.isSafeInteger(pos + len) || !Number.isSafeInteger(toPos + len)) {
    throw new Errno('EOVERFLOW', `copy: length ${len} from position ${pos} to position ${toPos}`);
  }
  const there = Math.max(0, from!.inode.size() - pos);
  const nr = writableLen(caller, to.inode, toPos, Math.min(len, there));
  if (from!.inode === to.inode && toPos + nr > pos && toPos < pos + nr) {
    throw new Errno('EINVAL', `copy: onto itself: from position ${pos} to position ${toPos}`);
  }
  if (pos < 0 || toPos < 0)
    throw new Errno('EINVAL', `copy: from position ${pos} to position ${toPos}`);
  return Math.min(nr, MOST);
}

/** How many bytes were copied; 0: there are none from pos on. EINTR, EIO, ENOSPC; see above. */
export async function copyRange(caller: Caller, range: CopyRange): Promise<number> {
  const { from, pos, to, toPos, len } = range;
  checkNumbers('copy', { position: pos, 'position to copy to': toPos, length: len });
  if (len < 0) throw new Errno('EINVAL', `copy: length ${len}`);
  const nr = copyable(caller, range);
  const { inode, nonblock } = to;
  const copy = async (done: number, chunkLen: number): Promise<number> => {
    const chunk = new Uint8Array(chunkLen);
    const got = await readFile(caller.task, from!.inode, pos + done, chunk);
    const call = { caller, inode, pos: toPos + done, append: false, nonblock };
    return got === 0 ? 0 : writeFile(call, chunk.subarray(0, got));
  };
  return inChunks(nr, copy, CHUNK);
}
