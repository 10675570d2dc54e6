// read(2) and write(2): what stands around the bytes themselves (mm/filemap.c, fs/ext4/file.c).
//
//   write   policy and layout leases (no page is waited for: facts 3.3) -> i_rwsem -> limits
//           -> zeros up to the position if it lies past the end -> bytes -> size, times

import { Errno, isErrno } from '../errno.js';
import type { Caller } from '../mm/caller.js';
import { VmFault } from '../mm/vma.js';
import type { Task } from '../sched/index.js';
import { MiB, pagesFor, pgoffOf } from '../units.js';
import { checkDirect, directRead, directWrite, type UserBuffer } from './direct-io.js';
import type { Inode } from './inode.js';
import { withLayoutBroken } from './layout-break.js';
import { writableLen } from './limits.js';
import { zeroOldTail } from './resize.js';

export function readFile(
  task: Task,
  inode: Inode,
  pos: number,
  target: Uint8Array,
): Promise<number> {
  return inode.data.read(task, inode, pos, target);
}

export interface WriteCall {
  readonly caller: Caller;
  readonly inode: Inode;
  readonly pos: number;
  readonly append: boolean;
  readonly nonblock: boolean;
}

/** Write len bytes by `put`, under i_rwsem. How many were written. */
async function writeWith(
  call: WriteCall,
  len: number,
  put: (pos: number, len: number) => Promise<number>,
): Promise<number> {
  const { caller, inode, nonblock } = call;
  const { task } = caller;
  const where = (): number => (call.append ? inode.size() : call.pos);
  const range = () => ({ start: pgoffOf(where()), end: pagesFor(where() + len) });
  if (inode.record.immutable) throw new Errno('EPERM', `write: ${inode.label} is immutable`);
  if (len === 0) return 0;
  const req = { inode, op: 'write', task, caller, nonblock, range } as const;
  return withLayoutBroken(req, async () => {
    const pos = where();
    const allowed = writableLen(caller, inode, pos, len);
    await zeroOldTail(task, inode, pos);
    const done = await put(pos, allowed);
    const { record, fs } = inode;
    record.size = Math.max(record.size, pos + done);
    record.mtimeNs = fs.nowNs;
    record.ctimeNs = fs.nowNs;
    await fs.writeInode(task, inode);
    return done;
  });
}

export function writeFile(call: WriteCall, source: Uint8Array): Promise<number> {
  const { inode, caller } = call;
  return writeWith(call, source.length, (pos, len) =>
    inode.data.write(caller.task, inode, pos, source.subarray(0, len)),
  );
}

/**
 * Blocks move by DMA: a page-cache file opened O_DIRECT. DAX and tmpfs move bytes by the CPU, at
 * any position (fs/ext4/file.c:ext4_file_write_iter asks IS_DAX first, and so does xfs; mm/shmem.c:
 * shmem_file_write_iter knows no direct I/O).
 */
export const movesBlocks = (inode: Inode, direct: boolean): boolean =>
  direct && !inode.dax && inode.fs.disk !== null;

/** Copy in chunks, as copy_to_user would page by page: what was copied before a refusal counts. */
export async function inChunks(
  len: number,
  copy: (done: number, len: number) => Promise<number>,
  chunk = MiB,
): Promise<number> {
  let done = 0;
  while (done < len) {
    const part = Math.min(chunk, len - done);
    try {
      const copied = await copy(done, part);
      done += copied;
      if (copied < part) break;
    } catch (e) {
      const refusal = asEfault(e);
      if (done === 0 || !isErrno(refusal)) throw refusal;
      break;
    }
  }
  return done;
}

function asEfault(e: unknown): unknown {
  return e instanceof VmFault ? new Errno('EFAULT', e.message, { cause: e }) : e;
}

/** read(2) whose buffer is a mapping. EFAULT, EINVAL. */
export async function readToUser(
  task: Task,
  inode: Inode,
  pos: number,
  buffer: UserBuffer,
  direct: boolean,
): Promise<number> {
  if (movesBlocks(inode, direct)) {
    checkDirect(pos, buffer);
    return directRead(task, inode, pos, buffer);
  }
  return inChunks(buffer.len, async (done, len) => {
    const bytes = new Uint8Array(len);
    const got = await inode.data.read(task, inode, pos + done, bytes);
    await buffer.mm.store(task, buffer.addr + done, bytes.subarray(0, got));
    return got;
  });
}

/** write(2) whose buffer is a mapping. */
export async function writeFromUser(
  call: WriteCall,
  buffer: UserBuffer,
  direct: boolean,
): Promise<number> {
  const { caller, inode } = call;
  const { task } = caller;
  if (movesBlocks(inode, direct)) {
    checkDirect(call.pos, buffer);
    return writeWith(call, buffer.len, (pos, len) =>
      directWrite(task, inode, pos, { ...buffer, len }),
    );
  }
  return inChunks(buffer.len, async (done, len) => {
    const bytes = new Uint8Array(len);
    await buffer.mm.load(task, buffer.addr + done, bytes);
    return writeFile({ ...call, pos: call.pos + done }, bytes);
  });
}
