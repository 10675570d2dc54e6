// System calls on files, by path and by descriptor. What is checked here is what the kernel
// checks before it calls the file system: descriptors, access modes, kinds of file.

import { Errno } from '../errno.js';
import { slabAlloc } from '../sched/index.js';
import { alignDown, alignUp, checkLen, checkPos, checkRange, PAGE_SIZE } from '../units.js';
import {
  checkBytes,
  checkList,
  checkMode,
  checkOpenFlags,
  checkPath,
  checkWord,
  shown,
} from '../arguments.js';
import {
  type DeviceFile,
  type FallocateMode,
  type File,
  type FileStat,
  type FsStat,
  type MaybeLater,
  type OpenFlag,
  type RegularFile,
  type RenameFlag,
  isDevice,
  isPipe,
  isRegular,
} from './file.js';
import type { Thread } from './process.js';

const DEVICES = '/dev/';

/** MAX_RW_COUNT: the most that one read or write moves (linux include/linux/fs.h). */
export const MAX_RW_COUNT = alignDown(2 ** 31 - 1);

/** The file, if it is a regular one; else the errno that the call has for other kinds. */
export function regularFile(file: File, otherwise: 'EINVAL' | 'ENODEV'): RegularFile {
  if (!isRegular(file)) throw new Errno(otherwise, `${file.label} is no regular file`);
  return file;
}

/**
 * open(2). The descriptor is held back first: EMFILE comes before anything is created. A path
 * below /dev opens a device node. ENOMEM: no memory for the path or for the open file.
 */
export async function open(
  t: Thread,
  path: string,
  flags: readonly OpenFlag[],
  mode: number,
): Promise<number> {
  checkPath('open', path);
  checkOpenFlags(flags);
  checkMode('open', mode);
  slabAlloc(t.task, 'a path'); // getname()
  const { fds } = t.process;
  const fd = fds.reserve();
  try {
    fds.fill(fd, await openFile(t, path, flags, mode));
  } catch (e) {
    fds.unreserve(fd);
    throw e;
  }
  return fd;
}

async function openFile(
  t: Thread,
  path: string,
  flags: readonly OpenFlag[],
  mode: number,
): Promise<File> {
  slabAlloc(t.task, 'an open file'); // fs/file_table.c:alloc_empty_file
  const { kernel } = t.process;
  if (path.startsWith(DEVICES)) {
    return (await kernel.openNode(t, path.slice(DEVICES.length), flags)).file;
  }
  const at = kernel.mounts.resolve(path);
  return at.fs.open(t, at.path, flags, mode & 0o7777 & ~t.process.fileCreationMask);
}

function readable(file: RegularFile | DeviceFile): void {
  if (!file.readable) throw new Errno('EBADF', `${file.label} is not open for reading`);
}

function writable(file: RegularFile | DeviceFile): void {
  if (!file.writable) throw new Errno('EBADF', `${file.label} is not open for writing`);
}

/** The file has neither ->read nor ->write, and no positions. */
const isMemoryOnly = (file: File): boolean => isRegular(file) && file.memoryOnly === true;

const hasPositions = (file: File): boolean => !isPipe(file) && !isMemoryOnly(file);

function checkReadable(file: File): asserts file is RegularFile | DeviceFile {
  if (!hasPositions(file)) throw new Errno('ESPIPE', `${file.label} has no positions`);
  if (!isRegular(file) && !isDevice(file)) throw new Errno('EINVAL', `${file.label} is not read`);
  readable(file);
}

/** pread(2): what there is, empty at the end of the file. ESPIPE for a pipe. */
export async function pread(t: Thread, file: File, pos: number, len: number): Promise<Uint8Array> {
  checkRange('read', pos, len);
  checkReadable(file);
  const most = Math.min(len, MAX_RW_COUNT);
  if (!isRegular(file)) return upTo(new Uint8Array(most), (target) => file.read(t, target));
  // No more memory than the file has bytes; what a short one has past its end is read as before.
  const there = alignUp(Math.max(0, (await file.stat()).size - pos)) + PAGE_SIZE;
  // Memory as it comes: a file system stores to every byte that it says it read.
  const target = new Uint8Array(Buffer.allocUnsafeSlow(Math.min(most, there)).buffer);
  return upTo(target, (bytes) => file.read(t, pos, bytes));
}

async function upTo(
  target: Uint8Array,
  read: (target: Uint8Array) => Promise<number>,
): Promise<Uint8Array> {
  const nr = await read(target);
  return nr === target.length ? target : target.slice(0, nr);
}

/** pread(2) into memory of the caller's own, which is all that is written to: how many bytes. */
export async function preadInto(
  t: Thread,
  file: File,
  pos: number,
  target: Uint8Array,
): Promise<number> {
  checkRange('read', pos, checkBytes('read', target).length);
  checkReadable(file);
  const most = target.length > MAX_RW_COUNT ? target.subarray(0, MAX_RW_COUNT) : target;
  return isRegular(file) ? file.read(t, pos, most) : file.read(t, most);
}

/** pwrite(2): how many bytes were written. */
export async function pwrite(
  t: Thread,
  file: File,
  pos: number,
  data: Uint8Array,
): Promise<number> {
  checkRange('write', pos, checkBytes('write', data).length);
  if (!hasPositions(file)) throw new Errno('ESPIPE', `${file.label} has no positions`);
  if (!isRegular(file) && !isDevice(file))
    throw new Errno('EINVAL', `${file.label} is not written`);
  writable(file);
  const source = data.length > MAX_RW_COUNT ? data.subarray(0, MAX_RW_COUNT) : data;
  return isRegular(file) ? file.write(t, pos, source) : file.write(t, source);
}

/** read(2) at the position of the open file, which moves on. */
export async function readStream(t: Thread, file: File, len: number): Promise<Uint8Array> {
  checkLen('read length', len);
  if (isPipe(file)) return file.readPipe(t, Math.min(len, MAX_RW_COUNT));
  if (isMemoryOnly(file)) throw new Errno('EINVAL', `${file.label} is not read`);
  if (!isRegular(file)) return pread(t, file, 0, len);
  const bytes = await pread(t, file, file.pos, len);
  file.pos += bytes.length;
  return bytes;
}

/** write(2) at the position of the open file, which moves on; O_APPEND writes at the end. */
export async function writeStream(t: Thread, file: File, data: Uint8Array): Promise<number> {
  checkBytes('write', data);
  if (isPipe(file)) return file.writePipe(t, data);
  if (isMemoryOnly(file)) throw new Errno('EINVAL', `${file.label} is not written`);
  if (!isRegular(file)) return pwrite(t, file, 0, data);
  const nr = await pwrite(t, file, file.pos, data);
  file.pos = file.flags.has('append') ? (await file.stat()).size : file.pos + nr;
  return nr;
}

/**
 * copy_file_range(2): how many bytes were copied. A position of null is the open file's own, which
 * moves on. EBADF, EFBIG, EINVAL, EISDIR, ENOSPC, EOVERFLOW, EPERM, EXDEV.
 */
export async function copyFileRange(
  t: Thread,
  from: File,
  pos: number | null,
  to: File,
  toPos: number | null,
  len: number,
): Promise<number> {
  if (!isRegular(to)) throw new Errno('EINVAL', `copy_file_range: ${to.label} is no file`);
  if (to.copyFrom === undefined) throw new Errno('EXDEV', `copy_file_range: ${to.label}`);
  const own = isRegular(from) ? from.pos : 0;
  const nr = await to.copyFrom(
    t,
    from,
    pos === null ? own : pos,
    toPos === null ? to.pos : toPos,
    len,
  );
  if (pos === null && isRegular(from)) from.pos += nr;
  if (toPos === null) to.pos += nr;
  return nr;
}

export type Whence = 'SEEK_SET' | 'SEEK_CUR' | 'SEEK_END' | 'SEEK_DATA' | 'SEEK_HOLE';

const seekTo: Record<Whence, (file: RegularFile, off: number) => MaybeLater<number>> = {
  SEEK_SET: (_file, off) => off,
  SEEK_CUR: (file, off) => file.pos + off,
  SEEK_END: async (file, off) => (await file.stat()).size + off,
  SEEK_DATA: (file, off) => file.seek('data', off),
  SEEK_HOLE: (file, off) => file.seek('hole', off),
};

const whences = Object.keys(seekTo) as Whence[];

/** lseek(2): the new position. ESPIPE for what has none, EINVAL before the start, ENXIO. */
export async function lseek(_t: Thread, file: File, off: number, whence: Whence): Promise<number> {
  if (!isRegular(file) || !hasPositions(file)) {
    throw new Errno('ESPIPE', `${file.label} has no positions`);
  }
  const to = seekTo[checkWord('lseek', 'whence', whence, whences)];
  if (!Number.isSafeInteger(off)) throw new Errno('EINVAL', `lseek: offset ${shown(off)}`);
  file.pos = checkPos('lseek position', await to(file, off));
  return file.pos;
}

/** ftruncate(2). EINVAL for a file not open for writing, unlike write's EBADF. */
export async function ftruncate(t: Thread, file: File, len: number): Promise<void> {
  checkLen('ftruncate length', len);
  const regular = regularFile(file, 'EINVAL');
  if (!file.writable) throw new Errno('EINVAL', `ftruncate: ${file.label} is not open for writing`);
  await regular.ftruncate(t, len);
}

export async function truncate(t: Thread, path: string, len: number): Promise<void> {
  checkPath('truncate', path);
  checkLen('truncate length', len);
  const at = t.process.kernel.mounts.resolve(path);
  await at.fs.truncate(t, at.path, len);
}

const fallocateModes: readonly string[] = [
  'alloc',
  'keep_size',
  'punch',
  'zero',
  'collapse',
  'insert',
];

/** fallocate(2) (linux fs/open.c:vfs_fallocate): length 0 EINVAL, not writable EBADF. */
export async function fallocate(
  t: Thread,
  file: File,
  mode: FallocateMode,
  pos: number,
  len: number,
): Promise<void> {
  checkRange('fallocate', pos, len);
  if (len === 0) throw new Errno('EINVAL', 'fallocate: length 0');
  if (!fallocateModes.includes(mode))
    throw new Errno('EOPNOTSUPP', `fallocate: mode ${shown(mode)}`);
  if (isPipe(file)) throw new Errno('ESPIPE', `fallocate: ${file.label} is a pipe`);
  const regular = regularFile(file, 'ENODEV');
  writable(regular);
  await regular.fallocate(t, mode, pos, len);
}

/** fsync(2). EINVAL for what has nothing to be written back. */
export async function fsync(t: Thread, file: File): Promise<void> {
  await regularFile(file, 'EINVAL').fsync(t);
}

export async function fstat(_t: Thread, file: File): Promise<FileStat> {
  return regularFile(file, 'EINVAL').stat();
}

/** Resolve both paths, which must lie on one mount. EXDEV. */
function onOneMount(t: Thread, from: string, to: string) {
  const { mounts } = t.process.kernel;
  const a = mounts.resolve(from);
  const b = mounts.resolve(to);
  if (a.fs !== b.fs) throw new Errno('EXDEV', `${from} and ${to} lie on different mounts`);
  return { fs: a.fs, from: a.path, to: b.path };
}

/** renameat2(2). EINVAL: both flags, or one that does not exist. */
export async function rename(
  t: Thread,
  from: string,
  to: string,
  flags: readonly RenameFlag[],
): Promise<void> {
  const list = checkList('rename', 'flags', flags);
  for (const flag of list) checkWord('rename', 'flags', flag, ['noreplace', 'exchange']);
  const at = onOneMount(t, from, to);
  await at.fs.rename(t, at.from, at.to, flags);
}

export async function link(t: Thread, from: string, to: string): Promise<void> {
  const at = onOneMount(t, from, to);
  await at.fs.link(t, at.from, at.to);
}

export async function statfs(t: Thread, path: string): Promise<FsStat> {
  const at = t.process.kernel.mounts.resolve(path);
  return at.fs.statfs();
}
