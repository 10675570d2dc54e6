// A process and every system call it can make.
//
// A call runs in a task of its own when it comes from outside, else in the application's. It
// returns a plain value or rejects with
//
//   Errno           the kernel refused; codes as in the man page; EINTR also for an AbortSignal
//   MemoryFault     load and store only: a handler took SIGBUS or SIGSEGV
//   ProcessKilled   the process is gone, or went while the call was under way
//
// Positions, lengths and addresses are bytes. How a call runs: system-calls.ts.

import type { GetLeaseResult } from '../lease/fcntl.js';
import type { LeaseArg } from '../lease/lease.js';
import type { Caller } from '../mm/caller.js';
import type { Advice } from '../mm/mm.js';
import { checkId, checkMode, checkPath } from '../arguments.js';
import * as descriptors from './descriptor-calls.js';
import * as devices from './device-calls.js';
import type {
  DirectoryEntry,
  FallocateMode,
  FileStat,
  FsStat,
  OpenFlag,
  RenameFlag,
} from './file.js';
import * as files from './file-calls.js';
import * as memory from './memory-calls.js';
import { type ProcStatus, filePins, procStatus } from './proc-files.js';
import type { Limit, LimitName } from './rlimits.js';
import { memfdSecret } from './secretmem.js';
import { type Opts, SystemCalls } from './system-calls.js';
import type { CallOptions } from './thread-group.js';

/** A thread of a process inside a system call. */
export interface Thread extends Caller {
  readonly process: Process;
}

/** Node name -> what openDevice() returns. Whoever builds the machine merges the drivers' in. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type
export interface DeviceLibraries {}

export type LibraryOf<N extends string> = N extends keyof DeviceLibraries
  ? DeviceLibraries[N]
  : devices.DeviceHandle;

export class Process extends SystemCalls {
  getpid(): number {
    return this.pid;
  }

  /** /proc/self/status. */
  status(): ProcStatus {
    return procStatus(this);
  }

  /** /proc/self/file_pins. */
  filePins(): string[] {
    return filePins(this);
  }

  // -- itself --

  /** EINVAL, ESRCH, EPERM. Signal '0' only asks. */
  kill(pid: number, sig: string, opts?: Opts): Promise<void> {
    return this.call('kill', opts, async () => this.table.kill(this, pid, sig));
  }

  /** One number sets both limits. EINVAL, EPERM. */
  setrlimit(name: LimitName, limit: number | Limit, opts?: Opts): Promise<void> {
    const both = typeof limit === 'number' ? { soft: limit, hard: limit } : limit;
    return this.call('setrlimit', opts, async () => this.setLimit(name, both));
  }

  /** umask(2): the mask before. EINVAL for what is no mode. */
  umask(mask: number, opts?: Opts): Promise<number> {
    return this.call('umask', opts, async () => {
      const before = this.fileCreationMask;
      this.fileCreationMask = checkMode('umask', mask) & 0o777;
      return before;
    });
  }

  /** Leaving root drops every capability. EPERM. */
  setuid(uid: number, opts?: Opts): Promise<void> {
    return this.call('setuid', opts, async () => this.becomeUser(uid));
  }

  // -- descriptors --

  open(
    path: string,
    flags: readonly OpenFlag[] = ['rdonly'],
    mode = 0o666,
    opts?: Opts,
  ): Promise<number> {
    return this.call('open', opts, (t) => files.open(t, path, flags, mode));
  }

  close(fd: number, opts?: Opts): Promise<void> {
    return this.call('close', opts, (t) => descriptors.close(t, fd));
  }

  dup(fd: number, min = 0, opts?: Opts): Promise<number> {
    return this.call('dup', opts, (t) => descriptors.dup(t, fd, min));
  }

  dup2(fd: number, target: number, opts?: Opts): Promise<number> {
    return this.call('dup2', opts, (t) => descriptors.dup2(t, fd, target));
  }

  /** SCM_RIGHTS: the descriptor that target got for the same open file. */
  sendFd(target: Process, fd: number, opts?: Opts): Promise<number> {
    return this.call('sendmsg', opts, (t) => descriptors.sendFd(t, target, fd));
  }

  setNonblock(fd: number, nonblock: boolean, opts?: Opts): Promise<void> {
    return this.fdCall('fcntl', opts, fd, (t, f) => descriptors.setNonblock(t, f, nonblock));
  }

  setOwn(fd: number, pid: number, opts?: Opts): Promise<void> {
    return this.fdCall('fcntl', opts, fd, (t, f) => descriptors.setOwner(t, f, pid));
  }

  setSig(fd: number, sig: string, opts?: Opts): Promise<void> {
    return this.fdCall('fcntl', opts, fd, (t, f) => descriptors.setSignal(t, f, sig));
  }

  setLease(fd: number, arg: descriptors.LeaseArgs, opts?: Opts): Promise<void> {
    return this.fdCall('fcntl', opts, fd, (t, f) => descriptors.setLease(t, f, fd, arg));
  }

  getLease(fd: number, opts?: Opts): Promise<GetLeaseResult> {
    return this.fdCall('fcntl', opts, fd, descriptors.getLease);
  }

  /** EINVAL before 6.19. Also of a directory: what is done to its names waits for the holder. */
  setDeleg(fd: number, arg: LeaseArg, opts?: Opts): Promise<void> {
    return this.fdCall('fcntl', opts, fd, (t, f) => descriptors.setDeleg(t, f, fd, arg));
  }

  getDeleg(fd: number, opts?: Opts): Promise<LeaseArg> {
    return this.fdCall('fcntl', opts, fd, descriptors.getDeleg);
  }

  // -- files --

  read(fd: number, pos: number, len: number, opts?: Opts): Promise<Uint8Array> {
    return this.fdCall('pread', opts, fd, (t, f) => files.pread(t, f, pos, len));
  }

  /** read() into memory of the caller's own: how many bytes. */
  readInto(fd: number, pos: number, target: Uint8Array, opts?: Opts): Promise<number> {
    return this.fdCall('pread', opts, fd, (t, f) => files.preadInto(t, f, pos, target));
  }

  write(fd: number, pos: number, data: Uint8Array, opts?: Opts): Promise<number> {
    return this.fdCall('pwrite', opts, fd, (t, f) => files.pwrite(t, f, pos, data));
  }

  /** copy_file_range(): how many bytes. A position of null is the open file's own. */
  copyFileRange(
    fd: number,
    pos: number | null,
    toFd: number,
    toPos: number | null,
    len: number,
    opts?: Opts,
  ): Promise<number> {
    return this.fdPairCall('copy_file_range', opts, [fd, toFd], (t, from, to) =>
      files.copyFileRange(t, from, pos, to, toPos, len),
    );
  }

  readStream(fd: number, len: number, opts?: Opts): Promise<Uint8Array> {
    return this.fdCall('read', opts, fd, (t, f) => files.readStream(t, f, len));
  }

  writeStream(fd: number, data: Uint8Array, opts?: Opts): Promise<number> {
    return this.fdCall('write', opts, fd, (t, f) => files.writeStream(t, f, data));
  }

  lseek(fd: number, off: number, whence: files.Whence, opts?: Opts): Promise<number> {
    return this.fdCall('lseek', opts, fd, (t, f) => files.lseek(t, f, off, whence));
  }

  ftruncate(fd: number, len: number, opts?: Opts): Promise<void> {
    return this.fdCall('ftruncate', opts, fd, (t, f) => files.ftruncate(t, f, len));
  }

  fallocate(fd: number, mode: FallocateMode, pos: number, len: number, opts?: Opts): Promise<void> {
    return this.fdCall('fallocate', opts, fd, (t, f) => files.fallocate(t, f, mode, pos, len));
  }

  fsync(fd: number, opts?: Opts): Promise<void> {
    return this.fdCall('fsync', opts, fd, files.fsync);
  }

  fstat(fd: number, opts?: Opts): Promise<FileStat> {
    return this.fdCall('fstat', opts, fd, files.fstat);
  }

  readDirect(fd: number, pos: number, buffer: memory.UserBuffer, opts?: Opts): Promise<number> {
    return this.fdCall('pread', opts, fd, (t, f) => memory.readDirect(t, f, pos, buffer));
  }

  writeDirect(fd: number, pos: number, buffer: memory.UserBuffer, opts?: Opts): Promise<number> {
    return this.fdCall('pwrite', opts, fd, (t, f) => memory.writeDirect(t, f, pos, buffer));
  }

  truncate(path: string, len: number, opts?: Opts): Promise<void> {
    return this.call('truncate', opts, (t) => files.truncate(t, path, len));
  }

  stat(path: string, opts?: Opts): Promise<FileStat> {
    return this.pathCall('stat', opts, path, (t, fs, at) => fs.stat(t, at));
  }

  lstat(path: string, opts?: Opts): Promise<FileStat> {
    return this.pathCall('lstat', opts, path, (t, fs, at) => fs.stat(t, at, false));
  }

  unlink(path: string, opts?: Opts): Promise<void> {
    return this.pathCall('unlink', opts, path, (t, fs, at) => fs.unlink(t, at));
  }

  mkdir(path: string, mode = 0o777, opts?: Opts): Promise<void> {
    return this.pathCall('mkdir', opts, path, (t, fs, at) =>
      fs.mkdir(t, at, checkMode('mkdir', mode) & 0o7777 & ~this.fileCreationMask),
    );
  }

  /** Of a regular file (S_IFREG): nodes, fifos and sockets cannot be made. */
  mknod(path: string, mode = 0o666, opts?: Opts): Promise<void> {
    return this.pathCall('mknod', opts, path, (t, fs, at) =>
      fs.mknod(t, at, checkMode('mknod', mode) & 0o7777 & ~this.fileCreationMask),
    );
  }

  rmdir(path: string, opts?: Opts): Promise<void> {
    return this.pathCall('rmdir', opts, path, (t, fs, at) => fs.rmdir(t, at));
  }

  readdir(path: string, opts?: Opts): Promise<readonly DirectoryEntry[]> {
    return this.pathCall('getdents', opts, path, (t, fs, at) => fs.readdir(t, at));
  }

  chmod(path: string, mode: number, opts?: Opts): Promise<void> {
    return this.pathCall('chmod', opts, path, (t, fs, at) =>
      fs.chmod(t, at, checkMode('chmod', mode) & 0o7777),
    );
  }

  chown(path: string, uid: number, gid: number, opts?: Opts): Promise<void> {
    return this.pathCall('chown', opts, path, (t, fs, at) => {
      const owner = checkId('chown', 'uid', uid, true);
      const group = checkId('chown', 'gid', gid, true);
      return fs.chown(t, at, owner, group);
    });
  }

  symlink(target: string, path: string, opts?: Opts): Promise<void> {
    return this.pathCall('symlink', opts, path, (t, fs, at) => {
      return fs.symlink(t, checkPath('symlink target', target), at);
    });
  }

  readlink(path: string, opts?: Opts): Promise<string> {
    return this.pathCall('readlink', opts, path, (t, fs, at) => fs.readlink(t, at));
  }

  statfs(path: string, opts?: Opts): Promise<FsStat> {
    return this.pathCall('statfs', opts, path, (_t, fs) => fs.statfs());
  }

  /** flags: `noreplace` is EEXIST where the target exists, `exchange` lets both change places. */
  rename(
    from: string,
    to: string,
    opts?: CallOptions & { readonly flags?: readonly RenameFlag[] },
  ): Promise<void> {
    return this.call('rename', opts, (t) => files.rename(t, from, to, opts?.flags ?? []));
  }

  link(from: string, to: string, opts?: Opts): Promise<void> {
    return this.call('link', opts, (t) => files.link(t, from, to));
  }

  // -- memory --

  mmap(req: memory.MmapRequest, opts?: Opts): Promise<number> {
    if (req?.fd === undefined) return this.call('mmap', opts, (t) => memory.mmap(t, null, req));
    return this.fdCall('mmap', opts, req.fd, (t, f) => memory.mmap(t, f, req));
  }

  /** A descriptor of memory that nothing but a mapping reaches. EINVAL EMFILE. */
  memfdSecret(flags: readonly 'cloexec'[] = [], opts?: Opts): Promise<number> {
    return this.call('memfd_secret', opts, (t) => memfdSecret(t, flags));
  }

  munmap(addr: number, len: number, opts?: Opts): Promise<void> {
    return this.call('munmap', opts, (t) => memory.munmap(t, addr, len));
  }

  mprotect(addr: number, len: number, prot: memory.ProtName, opts?: Opts): Promise<void> {
    return this.call('mprotect', opts, (t) => memory.mprotect(t, addr, len, prot));
  }

  madvise(addr: number, len: number, advice: Advice, opts?: Opts): Promise<void> {
    return this.call('madvise', opts, (t) => memory.madvise(t, addr, len, advice));
  }

  mlock(addr: number, len: number, opts?: Opts): Promise<void> {
    return this.call('mlock', opts, (t) => memory.mlock(t, addr, len));
  }

  munlock(addr: number, len: number, opts?: Opts): Promise<void> {
    return this.call('munlock', opts, (t) => memory.munlock(t, addr, len));
  }

  msync(addr: number, len: number, opts?: Opts): Promise<void> {
    return this.call('msync', opts, (t) => memory.msync(t, addr, len));
  }

  load(addr: number, len: number, opts?: Opts): Promise<Uint8Array> {
    return this.call('load', opts, (t) => memory.load(t, addr, len));
  }

  store(addr: number, data: Uint8Array, opts?: Opts): Promise<void> {
    return this.call('store', opts, (t) => memory.store(t, addr, data));
  }

  // -- pins --

  /** [read end, write end]. */
  pipe(opts?: Opts): Promise<[number, number]> {
    return this.call('pipe', opts, descriptors.pipe);
  }

  /** Bytes whose pages the pipe holds until they are read. */
  vmsplice(fd: number, addr: number, len: number, opts?: Opts): Promise<number> {
    return this.fdCall('vmsplice', opts, fd, (t, f) => descriptors.vmsplice(t, f, addr, len));
  }

  readPipe(fd: number, len: number, opts?: Opts): Promise<Uint8Array> {
    return this.fdCall('read', opts, fd, (t, f) => descriptors.readPipe(t, f, len));
  }

  /** The descriptor of a ring that has the range as its one registered buffer. */
  uringRegister(addr: number, len: number, opts?: Opts): Promise<number> {
    return this.call('io_uring_register', opts, (t) => descriptors.uringRegister(t, addr, len));
  }

  // -- devices --

  /** The library of the node's driver, or a DeviceHandle if it has none. */
  openDevice<N extends string>(
    name: N,
    flags: readonly OpenFlag[] = ['rdwr'],
    opts?: Opts,
  ): Promise<LibraryOf<N>> {
    return this.call('open', opts, async (t) => {
      const { fd, library } = await devices.openNode(t, name, flags);
      const handle = new devices.DeviceHandle(this, name, fd);
      return (library === null ? handle : library(handle)) as LibraryOf<N>;
    });
  }

  ioctl(fd: number, request: string, arg?: unknown, opts?: Opts): Promise<unknown> {
    return this.fdCall('ioctl', opts, fd, (t, f) => devices.ioctl(t, f, request, arg));
  }

  poll(fd: number, opts: devices.PollOptions = {}): ReturnType<typeof devices.poll> {
    return this.fdCall('poll', opts, fd, (t, f) => devices.poll(t, f, opts));
  }
}
