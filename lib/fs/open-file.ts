// struct file: one open file description, shared by dup(), fork and mappings.
//
//   open --getFile--> more references --putFile--> last one --task work--> __fput
//   __fput: leases removed, breakers woken (locks_remove_file) -> counts -> inode put, eviction
//
// It holds leases (LeaseHolder) and remembers who is to be told: F_SETOWN and F_SETSIG. A mapping
// holds the description, so a lease outlives close(2) while a mapping stays (facts 4.1).

import assert from 'node:assert/strict';
import {
  checkBytes,
  checkInstance,
  checkObject,
  checkStruct,
  checkWord,
  shown,
} from '../arguments.js';
import { Errno } from '../errno.js';
import {
  fcntlGetLease,
  fcntlSetLease,
  type GetLeaseResult,
  type SetLeaseArg,
} from '../lease/fcntl.js';
import { fcntlGetDeleg, fcntlSetDeleg } from '../lease/delegation.js';
import type { FileLease, LeaseArg, LeaseHolder } from '../lease/lease.js';
import { closeMapDirect, openMapDirect, takeMapDirect } from '../lease/map-direct.js';
import type { AddressSpace } from '../mm/address-space.js';
import type { Caller, ProcessLike } from '../mm/caller.js';
import { MM } from '../mm/mm.js';
import type { VMA, VmFile, VmOperations } from '../mm/vma.js';
import type { Task } from '../sched/index.js';
import { addTaskWork } from '../sched/task-work.js';
import { checkRange, checkSpan, posOf } from '../units.js';
import { copyRange } from './copy-range.js';
import { checkDirect, type UserBuffer } from './direct-io.js';
import { evictIfUnused } from './evict.js';
import { fallocate, type FallocMode } from './fallocate.js';
import { fileIoctl } from './file-ioctls.js';
import { movesBlocks, readFile, readToUser, writeFile, writeFromUser } from './file-io.js';
import type { Inode } from './inode.js';
import type { OpenFlag } from './open.js';
import { isRemap, remapIoctl } from './remap-range.js';
import { seekData, type Whence } from './seek.js';
import { statInode, type Stat } from './stat.js';
import { checkLength, truncateInode } from './truncate.js';

export class OpenFile implements VmFile, LeaseHolder {
  readonly inode: Inode;
  readonly flags: ReadonlySet<OpenFlag>;
  readonly label: string;
  readonly readable: boolean;
  readonly writable: boolean;
  /** f_pos, for calls without a position. Whoever uses it moves it. */
  pos = 0;
  /** O_NONBLOCK, which fcntl(F_SETFL) may change. */
  nonblock: boolean;
  /** fcntl(F_SETOWN): whom signals go to. */
  owner: ProcessLike | null = null;
  /** fcntl(F_SETSIG): the signal instead of SIGIO, which then says which descriptor. */
  signal: string | null = null;
  ownerAllocated = false;
  readonly #opener: ProcessLike;
  #refs = 1;

  /** Counts are the caller's to have taken: see open.ts. */
  constructor(inode: Inode, caller: Caller, flags: ReadonlySet<OpenFlag>, path: string) {
    this.inode = inode;
    this.flags = flags;
    this.label = path;
    inode.path = path;
    this.#opener = caller.process;
    this.nonblock = flags.has('nonblock');
    const usable = !flags.has('path');
    this.readable = usable && !flags.has('wronly');
    this.writable = usable && (flags.has('wronly') || flags.has('rdwr'));
  }

  get pid(): number {
    return (this.owner ?? this.#opener).pid;
  }

  get refs(): number {
    return this.#refs;
  }

  /** O_APPEND. */
  get append(): boolean {
    return this.flags.has('append');
  }

  /** F_SETOWN. */
  setOwner(process: ProcessLike): void {
    checkObject('setown', 'owner', process);
    this.owner = process;
  }

  /** F_SETSIG; null: plain SIGIO. */
  setSignal(sig: string | null): void {
    if (sig !== null && !/^SIG[A-Z0-9+-]+$/.test(String(sig))) {
      throw new Errno('EINVAL', `setsig: signal ${shown(sig)}`);
    }
    this.signal = sig;
  }

  get mapping(): AddressSpace | null {
    return this.inode.isRegular ? this.inode.mapping : null;
  }

  // -- references --

  getFile(): void {
    if (this.#refs <= 0) assert.fail(`${this.label}: get of a closed file`);
    this.#refs += 1;
  }

  /** The last put queues __fput, which runs when the task leaves the kernel. */
  putFile(task: Task): void {
    if (this.#refs <= 0) assert.fail(`${this.label}: put of a closed file`);
    this.#refs -= 1;
    if (this.#refs > 0) return;
    addTaskWork(task, `__fput of ${this.label}`, (own) => this.#fput(own));
  }

  async #fput(task: Task): Promise<void> {
    const { inode } = this;
    const exiting = this.#opener.exiting || (this.owner?.exiting ?? false);
    if (!this.flags.has('path')) {
      await inode.leases.release(task, this, exiting ? 'exit' : 'close');
      if (this.writable) inode.writers -= 1;
      else if (this.readable) inode.readers -= 1;
    }
    inode.refs -= 1;
    await evictIfUnused(task, inode);
  }

  // -- leases --

  /** F_SETLEASE, on descriptor fd. EBADF for O_PATH; else see fcntlSetLease. */
  async setLease(caller: Caller, arg: SetLeaseArg, fd: number): Promise<void> {
    this.#assertFile('fcntl');
    if (!Number.isSafeInteger(fd) || fd < 0) throw new Errno('EBADF', `setlease: fd ${shown(fd)}`);
    const { leases, fs } = this.inode;
    if (arg === 'F_LAYOUT' || arg === 'F_LAYOUT|F_EXCLUSIVE') fs.watchPins();
    await fcntlSetLease(leases, fs.rules, caller, this, arg, fd);
  }

  getLease(): GetLeaseResult {
    this.#assertFile('fcntl');
    return fcntlGetLease(this.inode.leases, this);
  }

  /** F_SETDELEG, on descriptor fd. EBADF for O_PATH; else see fcntlSetDeleg. */
  async setDeleg(caller: Caller, arg: LeaseArg, fd: number): Promise<void> {
    this.#assertFile('fcntl');
    if (!Number.isSafeInteger(fd) || fd < 0) throw new Errno('EBADF', `setdeleg: fd ${shown(fd)}`);
    const { leases, fs } = this.inode;
    await fcntlSetDeleg(leases, fs.rules, caller, this, arg, fd);
  }

  getDeleg(): LeaseArg {
    this.#assertFile('fcntl');
    return fcntlGetDeleg(this.inode.leases, this.inode.fs.rules, this);
  }

  notify(_sig: 'lease-break', lease: FileLease): void {
    const { owner, signal } = this;
    if (owner === null) return;
    if (signal === null) owner.sendSignal('SIGIO');
    else owner.sendSignal(signal, { code: 'POLL_MSG', band: 'POLLMSG', fd: lease.fd });
  }

  leaseGranted(_lease: FileLease, process: ProcessLike): void {
    this.owner ??= process;
  }

  leaseGone(): void {
    this.owner = null;
    this.signal = null;
  }

  // -- bytes --

  /** pread(2) into memory of the caller's own; bytes, 0 at the end. EBADF, EISDIR, EINVAL. */
  async read(caller: Caller, pos: number, target: Uint8Array): Promise<number> {
    this.#checkAccess('read', pos, checkBytes('read', target).length);
    this.#checkDirect(pos, target.length);
    return readFile(caller.task, this.inode, pos, target);
  }

  /** pwrite(2); bytes written, at the end of the file with O_APPEND whatever pos says. */
  async write(caller: Caller, pos: number, source: Uint8Array): Promise<number> {
    this.#checkAccess('write', pos, checkBytes('write', source).length);
    this.#checkDirect(pos, source.length);
    return writeFile(this.#writeCall(caller, pos), source);
  }

  /** pread(2) into a mapping: O_DIRECT moves blocks into its pages. EFAULT, EINVAL. */
  async readToUser(caller: Caller, pos: number, buffer: UserBuffer): Promise<number> {
    checkBuffer('read', buffer);
    this.#checkAccess('read', pos, buffer.len);
    return readToUser(caller.task, this.inode, pos, buffer, this.flags.has('direct'));
  }

  /** pwrite(2) from a mapping. */
  async writeFromUser(caller: Caller, pos: number, buffer: UserBuffer): Promise<number> {
    checkBuffer('write', buffer);
    this.#checkAccess('write', pos, buffer.len);
    return writeFromUser(this.#writeCall(caller, pos), buffer, this.flags.has('direct'));
  }

  /** O_DIRECT read, as `readToUser` with the buffer spelt out. */
  readDirect(caller: Caller, pos: number, mm: MM, addr: number, len: number): Promise<number> {
    return this.readToUser(caller, pos, { mm, addr, len });
  }

  writeDirect(caller: Caller, pos: number, mm: MM, addr: number, len: number): Promise<number> {
    return this.writeFromUser(caller, pos, { mm, addr, len });
  }

  #writeCall(caller: Caller, pos: number) {
    const append = this.flags.has('append') || this.inode.record.append;
    return { caller, inode: this.inode, pos, append, nonblock: this.nonblock };
  }

  // -- the file as a whole --

  /** ftruncate(2). EINVAL: not open for writing, negative, no regular file. Asks no lease. */
  async ftruncate(caller: Caller, len: number): Promise<void> {
    checkLength(len);
    this.#assertFile('ftruncate');
    if (!this.writable) throw new Errno('EINVAL', `ftruncate: ${this.label} is not writable`);
    if (!this.inode.isRegular) throw new Errno('EINVAL', `ftruncate: ${this.label}`);
    if (this.inode.record.append) throw new Errno('EPERM', `ftruncate: ${this.label}`);
    await truncateInode(caller, this.inode, len);
  }

  async fallocate(caller: Caller, mode: FallocMode, pos: number, len: number): Promise<void> {
    this.#assertFile('fallocate');
    if (!this.writable) throw new Errno('EBADF', `fallocate: ${this.label} is not writable`);
    await fallocate(caller.task, caller, this.inode, mode, pos, len);
  }

  /** fsync(2). Never waits for a pin, unless the policy for pinned pages says so. */
  async fsync(caller: Caller): Promise<void> {
    this.#assertFile('fsync');
    this.inode.fs.checkAlive('fsync');
    await this.inode.data.sync(caller.task, this.inode);
    this.inode.fs.syncInode(this.inode);
  }

  /** lseek(2) to data or to a hole. ENXIO: there is none from pos on. */
  seek(whence: Whence, pos: number): number {
    this.#assertFile('lseek');
    return seekData(this.inode, whence, pos);
  }

  stat(): Stat {
    return statInode(this.inode);
  }

  // -- mappings --

  /** What mmap(2) asks of the file. EACCES: not open for reading. ENODEV: nothing to map. */
  checkMmap(prot: { readonly write: boolean }, share: 'shared' | 'private'): void {
    this.#assertFile('mmap');
    checkObject('mmap', 'prot', prot);
    checkWord('mmap', 'share', share, ['shared', 'private']);
    if (!this.readable) throw new Errno('EACCES', `mmap: ${this.label} is not open for reading`);
    if (share === 'shared' && prot.write && !this.writable) {
      throw new Errno('EACCES', `mmap: ${this.label} is not open for writing`);
    }
    if (!this.inode.isRegular) throw new Errno('ENODEV', `mmap: ${this.label}`);
  }

  /** Whether MAP_SYNC is possible (linux/dax.h:daxdev_mapping_supported). */
  get canMapSync(): boolean {
    return this.inode.dax;
  }

  /** Requests of a file: remap-range.ts, file-ioctls.ts. ENOTTY for others. EBADF. */
  async ioctl(caller: Caller, request: string, arg: unknown): Promise<unknown> {
    this.#assertFile('ioctl');
    if (!isRemap(request)) return fileIoctl(caller, this.inode, request, arg);
    const fileOf = (fd: number): OpenFile | null => this.#otherFile(caller, fd);
    return remapIoctl({ caller, file: this, fileOf }, request, arg);
  }

  /** The file behind a descriptor of the caller's; null: it is none of a file system. EBADF. */
  #otherFile(caller: Caller, fd: number): OpenFile | null {
    const file = this.inode.fs.env.fileOf?.(caller.process, fd);
    if (file === undefined) throw new Errno('EBADF', `fd ${shown(fd)}`);
    if (!(file instanceof OpenFile)) return null;
    file.#assertFile('ioctl');
    return file;
  }

  /** copy_file_range(2), from any open file into this one: how many bytes. See copy-range.ts. */
  copyFrom(
    caller: Caller,
    from: unknown,
    pos: number,
    toPos: number,
    len: number,
  ): Promise<number> {
    this.#assertFile('copy');
    const source = from instanceof OpenFile ? from : null;
    if (source !== null) source.#assertFile('copy');
    return copyRange(caller, { from: source, pos, to: this, toPos, len });
  }

  /** The lease that a new MAP_DIRECT mapping lives under (proposal: Dan Williams, 2017). */
  mapDirect(caller: Caller, vma: VMA): void {
    checkObject('mmap', 'vma', vma);
    const { leases, fs, dax } = this.inode;
    fs.watchPins();
    takeMapDirect(leases, fs.rules, caller, vma, { dax, label: this.label });
  }

  readonly vmOps: VmOperations = {
    close: (vma) => {
      if (vma.flags.direct === true) closeMapDirect(this.inode.leases, vma);
    },
    fault: (task, vma, pgoff, access) => {
      return this.inode.data.fault(task, vma, this.inode, pgoff, access);
    },
    open: (vma) => {
      if (vma.flags.direct === true) openMapDirect(vma);
    },
    remove: async (task, _vma, pgoff, nrPages) => {
      const process = this.#opener;
      const caller = { task, process };
      await fallocate(task, caller, this.inode, 'punch', posOf(pgoff), posOf(nrPages));
    },
  };

  #assertFile(what: string): void {
    if (this.flags.has('path')) throw new Errno('EBADF', `${what}: ${this.label} is O_PATH`);
  }

  #checkAccess(what: 'read' | 'write', pos: number, len: number): void {
    this.#assertFile(what);
    const allowed = what === 'read' ? this.readable : this.writable;
    if (!allowed) throw new Errno('EBADF', `${what}: ${this.label} is not open for that`);
    if (this.inode.type === 'dir') throw new Errno('EISDIR', `${what}: ${this.label}`);
    this.inode.fs.checkAlive(what);
    checkRange(what, pos, len);
  }

  #checkDirect(pos: number, len: number): void {
    if (movesBlocks(this.inode, this.flags.has('direct'))) checkDirect(pos, { addr: 0, len });
  }
}

function checkBuffer(call: string, buffer: UserBuffer): void {
  checkStruct(call, 'buffer', buffer);
  checkSpan(`${call}: buffer`, buffer.addr, buffer.len);
  checkInstance(call, 'buffer: mm', buffer.mm, MM);
}
