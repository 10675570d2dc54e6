// Blocks shared by two files, or exchanged: FICLONE, FICLONERANGE, FIDEDUPERANGE (fs/ioctl.c:
// do_vfs_ioctl, fs/remap_range.c) and XFS_IOC_EXCHANGE_RANGE (fs/xfs/xfs_exchrange.c).
//
// No file system here can do either. ext4 and tmpfs have no ->remap_file_range; xfs is one made
// with -m reflink=0 -i exchange=0, which has the call and then refuses. Each request ends in a
// refusal, after those that any kernel makes first, so that who probes (fsx, cp --reflink=auto)
// hears what Linux would say:
//
//   clone      EBADF -> EXDEV -> EISDIR -> EINVAL -> EBADF -> EOPNOTSUPP; positions EINVAL before
//              all that but the first (rules.remapVerifiesFirst), or only by xfs
//   dedupe     EINVAL not readable -> EISDIR -> EINVAL -> EOPNOTSUPP; xfs: EINVAL of the range,
//              then an answer for each destination, the last of which is EOPNOTSUPP
//   exchange   ENOTTY, where the file system has no such request; else EINVAL -> EBADF -> EXDEV ->
//              EISDIR -> EINVAL -> EBADF -> EINVAL -> EOPNOTSUPP

import { checkList, checkStruct } from '../arguments.js';
import { Errno, isErrno } from '../errno.js';
import type { ErrnoCode } from '../errno.js';
import type { Caller } from '../mm/caller.js';
import { PAGE_SIZE } from '../units.js';
import type { Flavor } from './layout-table.js';
import type { OpenFile } from './open-file.js';
import { may, MAY_WRITE } from './permission.js';
import { checkArea, checkNumbers, checkReadWrite, onOneMount, type FileOf } from './two-files.js';

/** struct file_clone_range: len 0 is up to the end. */
export interface CloneRange {
  readonly srcFd: number;
  readonly srcPos: number;
  readonly srcLen: number;
  readonly destPos: number;
}

/** struct file_dedupe_range. */
export interface DedupeRange {
  readonly srcPos: number;
  readonly srcLen: number;
  readonly dests: readonly { readonly fd: number; readonly pos: number }[];
}

/** What became of one destination. */
export interface Deduped {
  readonly status: 'same' | 'differs' | ErrnoCode;
  readonly bytesDeduped: number;
}

/** struct xfs_exchange_range. */
export interface ExchangeRange {
  readonly file1Fd: number;
  readonly file1Pos: number;
  readonly file2Pos: number;
  readonly len: number;
  readonly flags?: readonly string[];
}

/** What a request is made with. */
interface Request {
  readonly caller: Caller;
  /** The file that it is made of: the one that gets bytes, but of dedupe the one that has them. */
  readonly file: OpenFile;
  readonly fileOf: FileOf;
}

/** ->remap_file_range is there, whatever it says then. */
const hasRemap: Readonly<Record<Flavor, boolean>> = { ext4: false, tmpfs: false, xfs: true };

/** sizeof(struct file_dedupe_range), and of what follows it for each destination. */
const DEDUPE_HEADER = 24;
const DEDUPE_DEST = 32;

const exchangeFlags: readonly string[] = ['to-eof', 'dsync', 'dry-run', 'file1-written'];

const cannot = (call: string, { label, inode }: OpenFile): Errno =>
  new Errno('EOPNOTSUPP', `${call}: ${label}: no block of ${inode.fs.label} has two owners`);

/** vfs_clone_file_range(). */
function clone({ file: to, fileOf }: Request, arg: CloneRange): never {
  checkNumbers('clone', { ...arg });
  const { srcPos, srcLen, destPos } = arg;
  const from = fileOf(arg.srcFd);
  const { fs } = to.inode;
  const checkAreas = (): void => {
    checkArea('clone', srcPos, srcLen);
    checkArea('clone', destPos, srcLen);
  };
  if (fs.rules.remapVerifiesFirst) checkAreas();
  if (!onOneMount(from, to)) throw new Errno('EXDEV', `clone: to ${to.label}`);
  checkReadWrite('clone', from, to);
  if (hasRemap[fs.flavor]) checkAreas();
  throw cannot('clone', to);
}

/** vfs_dedupe_file_range_one(). */
function dedupeOne(
  { caller, file: from, fileOf }: Request,
  len: number,
  dest: DedupeRange['dests'][number],
): Deduped {
  const to = fileOf(dest.fd);
  checkArea('dedupe', dest.pos, len);
  to?.inode.fs.wantWrite('dedupe');
  const { cred } = caller.process;
  const allowed =
    cred.caps.has('CAP_SYS_ADMIN') ||
    to?.writable === true ||
    to?.inode.uid === cred.uid ||
    (to !== null && may(to.inode, cred, MAY_WRITE));
  if (!allowed) throw new Errno('EPERM', 'dedupe: not open for writing');
  if (to === null || !onOneMount(from, to)) throw new Errno('EXDEV', `dedupe: ${from.label}`);
  if (to.inode.type === 'dir') throw new Errno('EISDIR', `dedupe: ${to.label}`);
  if (len === 0) return { status: 'same', bytesDeduped: 0 };
  throw cannot('dedupe', to);
}

/** vfs_dedupe_file_range(): an answer for each destination. */
function dedupe(request: Request, arg: DedupeRange): Deduped[] {
  const { file: from } = request;
  const { srcPos, srcLen, dests } = arg;
  checkNumbers('dedupe', { srcPos, srcLen });
  for (const dest of checkList('dedupe', 'dests', dests)) {
    checkStruct('dedupe', 'dests', dest);
    checkNumbers('dedupe: dests', { ...(dest as DedupeRange['dests'][number]) });
  }
  if (DEDUPE_HEADER + dests.length * DEDUPE_DEST > PAGE_SIZE) {
    throw new Errno('ENOMEM', `dedupe: ${dests.length} destinations`);
  }
  if (!from.readable) throw new Errno('EINVAL', `dedupe: ${from.label} is not open for reading`);
  if (from.inode.type === 'dir') throw new Errno('EISDIR', `dedupe: ${from.label}`);
  if (!from.inode.isRegular) throw new Errno('EINVAL', `dedupe: ${from.label}`);
  if (!hasRemap[from.inode.fs.flavor]) throw cannot('dedupe', from);
  checkArea('dedupe', srcPos, srcLen);
  if (srcPos + srcLen > from.inode.size()) throw new Errno('EINVAL', `dedupe: past its end`);
  return dests.map((dest) => {
    try {
      return dedupeOne(request, srcLen, dest);
    } catch (e) {
      if (!isErrno(e)) throw e;
      return { status: e.code, bytesDeduped: 0 };
    }
  });
}

/** xfs_ioc_exchange_range(). */
function exchange({ file: two, fileOf }: Request, arg: ExchangeRange): never {
  const { fs } = two.inode;
  if (fs.flavor !== 'xfs' || !fs.rules.xfsExchangeRange) {
    throw new Errno('ENOTTY', `exchange: ${fs.label} knows no such request`);
  }
  const { file1Fd, file1Pos, file2Pos, len, flags = [] } = arg;
  checkNumbers('exchange', { file1Fd, file1Pos, file2Pos, len });
  const unknown = checkList('exchange', 'flags', flags).find(
    (f) => !exchangeFlags.includes(f as string),
  );
  if (unknown !== undefined) throw new Errno('EINVAL', `exchange: flags: ${String(unknown)}`);
  const one = fileOf(file1Fd);
  if (!onOneMount(one, two)) throw new Errno('EXDEV', `exchange: with ${two.label}`);
  checkReadWrite('exchange', one, two);
  checkReadWrite('exchange', two, one);
  if (!flags.includes('to-eof')) {
    checkArea('exchange', file1Pos, len);
    checkArea('exchange', file2Pos, len);
  }
  throw new Errno('EOPNOTSUPP', `exchange: ${fs.label} was made without it`);
}

const requests: Readonly<Record<string, (request: Request, arg: never) => unknown>> = {
  FICLONE: (request, srcFd: number) => clone(request, { srcFd, srcPos: 0, srcLen: 0, destPos: 0 }),
  FICLONERANGE: clone,
  FIDEDUPERANGE: dedupe,
  XFS_IOC_EXCHANGE_RANGE: exchange,
};

/** Whether the request is one of these. */
export const isRemap = (request: unknown): request is string =>
  typeof request === 'string' && Object.hasOwn(requests, request);

/** ioctl(2) with one of these. EFAULT: there is no structure; else see above. */
export async function remapIoctl(request: Request, name: string, arg: unknown): Promise<unknown> {
  if (name !== 'FICLONE') checkStruct('ioctl', 'arg', arg);
  return requests[name]!(request, arg as never);
}
