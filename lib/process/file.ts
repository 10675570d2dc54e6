// What a descriptor stands for. lib/fs, lib/driver and this room implement it; whoever builds the
// machine hands the makers in, since rooms of equal height do not see each other.
//
//   RegularFile   an open file of a mount (or a directory opened for reading)
//   DeviceFile    an open node of a device
//   PipeEnd       one end of a pipe
//   RingFile      an io_uring instance
//   AnyFile       what a request of a device returned, a dma-buf: it can only be closed
//
// The last putFile(task) only queues the release, in the task's work list (sched/task-work).

import type { GetLeaseResult, SetLeaseArg } from '../lease/fcntl.js';
import type { OwnedFile } from '../lease/lease-alloc.js';
import type { LeaseArg } from '../lease/lease.js';
import type { Caller, ProcessLike } from '../mm/caller.js';
import type { MM } from '../mm/mm.js';
import type { VMA, VmFile, VmOperations } from '../mm/vma.js';
import type { WaitQueue } from '../sched/index.js';

export type MaybeLater<T> = T | Promise<T>;

export type OpenFlag =
  | 'rdonly'
  | 'wronly'
  | 'rdwr'
  | 'append'
  | 'cloexec'
  | 'creat'
  | 'direct'
  | 'directory'
  | 'excl'
  | 'nofollow'
  | 'nonblock'
  | 'path'
  | 'trunc';

/** Of renameat2(2): the target must not exist; both change places. */
export type RenameFlag = 'noreplace' | 'exchange';

export type FallocateMode =
  'alloc' | 'keep_size' | 'punch' | 'zero' | 'zero_keep_size' | 'collapse' | 'insert';

/** struct stat, as far as it is kept. `blocks` counts units of 512 bytes. */
export interface FileStat {
  readonly dev: number;
  readonly ino: number;
  readonly generation: number;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly blocks: number;
  readonly blockSize: number;
  readonly atimeNs: number;
  readonly mtimeNs: number;
  readonly ctimeNs: number;
  /** STATX_ATTR_DAX. */
  readonly dax: boolean;
}

/** struct statfs, with what has become of the blocks that are not free. */
export interface FsStat {
  readonly blockSize: number;
  readonly blocks: number;
  readonly free: number;
  readonly used: number;
  readonly unlinkedOpen: number;
  readonly orphaned: number;
  readonly busy: number;
  readonly inodes: number;
  readonly freeInodes: number;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly ino: number;
  readonly kind: 'file' | 'dir' | 'link';
}

/** What every file has. */
export interface AnyFile extends VmFile {
  /** Runs at each close(2) of a descriptor. */
  flush?(caller: Caller): MaybeLater<void>;
}

/** Whether reads and writes wait, as fcntl(F_SETFL) may change it. */
interface Blocking {
  nonblock: boolean;
}

export interface RegularFile extends AnyFile, Blocking, OwnedFile {
  readonly readable: boolean;
  readonly flags: ReadonlySet<OpenFlag>;
  /** f_pos, for calls without a position: all descriptors share it. */
  pos: number;
  /** F_SETOWN: whom the signals of this description reach. */
  owner: ProcessLike | null;
  /** F_SETSIG; null: plain SIGIO, without siginfo. */
  signal: string | null;
  readonly vmOps: VmOperations;
  read(caller: Caller, pos: number, target: Uint8Array): Promise<number>;
  write(caller: Caller, pos: number, source: Uint8Array): Promise<number>;
  readDirect(caller: Caller, pos: number, mm: MM, addr: number, len: number): Promise<number>;
  writeDirect(caller: Caller, pos: number, mm: MM, addr: number, len: number): Promise<number>;
  ftruncate(caller: Caller, len: number): Promise<void>;
  fallocate(caller: Caller, mode: FallocateMode, pos: number, len: number): Promise<void>;
  fsync(caller: Caller): Promise<void>;
  /** SEEK_DATA, SEEK_HOLE. ENXIO. */
  seek(whence: 'data' | 'hole', pos: number): number;
  stat(): MaybeLater<FileStat>;
  setLease(caller: Caller, arg: SetLeaseArg, fd: number): MaybeLater<void>;
  getLease(): GetLeaseResult;
  setDeleg(caller: Caller, arg: LeaseArg, fd: number): MaybeLater<void>;
  getDeleg(): LeaseArg;
  /**
   * Only mmap reaches its bytes: read and write are EINVAL (no FMODE_CAN_READ), with a position
   * ESPIPE (no FMODE_PREAD, FMODE_PWRITE, FMODE_LSEEK). Absent: no.
   */
  readonly memoryOnly?: boolean;
  /** f_op->mmap, of a new mapping that nobody sees yet. Throws: nothing is mapped. */
  prepareMmap?(caller: Caller, vma: VMA): void;
  /** Whether MAP_SYNC is possible; absent: no. */
  readonly canMapSync?: boolean;
  /** ioctl(2); absent: ENOTTY. */
  ioctl?(caller: Caller, request: string, arg: unknown): Promise<unknown>;
  /** copy_file_range(2) into it from another open file; absent: it is on no file system. */
  copyFrom?(caller: Caller, from: File, pos: number, toPos: number, len: number): Promise<number>;
  /** A new MAP_DIRECT mapping takes its lease. EOPNOTSUPP EPERM EACCES; absent: EOPNOTSUPP. */
  mapDirect?(caller: Caller, vma: VMA): void;
}

export type PollEvent = 'POLLIN' | 'POLLOUT' | 'POLLPRI' | 'POLLERR' | 'POLLHUP';

/** The calls that the library of a driver gets in place of a descriptor. */
export interface NodeIO {
  readonly node: string;
  ioctl(request: string, arg: unknown): Promise<unknown>;
  close(): Promise<void>;
}

export interface DeviceFile extends AnyFile, Blocking {
  readonly readable: boolean;
  readonly path: string;
  ioctl(caller: Caller, request: string, arg: unknown): Promise<unknown>;
  mmap(caller: Caller, vma: VMA): Promise<void>;
  /** asked: what the caller wants to hear of; anything if not given. */
  poll(
    caller: Caller,
    wait?: (queue: WaitQueue) => void,
    asked?: readonly PollEvent[],
  ): readonly PollEvent[];
  read(caller: Caller, target: Uint8Array): Promise<number>;
  write(caller: Caller, source: Uint8Array): Promise<number>;
}

export interface PipeEnd extends AnyFile, Blocking {
  readonly pipeEnd: 'read' | 'write';
  readPipe(caller: Caller, len: number): Promise<Uint8Array>;
  writePipe(caller: Caller, source: Uint8Array): Promise<number>;
  vmsplice(caller: Caller, addr: number, len: number): Promise<number>;
}

export interface RingFile extends AnyFile {
  readonly ring: true;
}

export type File = RegularFile | DeviceFile | PipeEnd | RingFile | AnyFile;

/** One mount, with paths from its own root. */
export interface FileSystemOps {
  open(
    caller: Caller,
    path: string,
    flags: readonly OpenFlag[],
    mode: number,
  ): Promise<RegularFile>;
  truncate(caller: Caller, path: string, len: number): Promise<void>;
  unlink(caller: Caller, path: string): Promise<void>;
  rename(caller: Caller, from: string, to: string, flags?: readonly RenameFlag[]): Promise<void>;
  link(caller: Caller, from: string, to: string): Promise<void>;
  symlink(caller: Caller, target: string, path: string): Promise<void>;
  mkdir(caller: Caller, path: string, mode: number): Promise<void>;
  mknod(caller: Caller, path: string, mode: number): Promise<void>;
  rmdir(caller: Caller, path: string): Promise<void>;
  readdir(caller: Caller, path: string): MaybeLater<readonly DirectoryEntry[]>;
  readlink(caller: Caller, path: string): MaybeLater<string>;
  /** follow: false is lstat(2). */
  stat(caller: Caller, path: string, follow?: boolean): MaybeLater<FileStat>;
  chmod(caller: Caller, path: string, mode: number): Promise<void>;
  chown(caller: Caller, path: string, uid: number, gid: number): Promise<void>;
  statfs(): MaybeLater<FsStat>;
}

export const isRegular = (file: File): file is RegularFile => 'ftruncate' in file;
export const isDevice = (file: File): file is DeviceFile => 'ioctl' in file;
export const isPipe = (file: File): file is PipeEnd => 'pipeEnd' in file;
/** S_ISDIR(). */
export const isDirectory = ({ mode }: FileStat): boolean => (mode & 0o170000) === 0o040000;
export const isRing = (file: File): file is RingFile => 'ring' in file;
