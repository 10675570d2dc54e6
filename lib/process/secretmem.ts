// memfd_secret(2): memory that the kernel takes out of its direct map (linux mm/secretmem.c).
//
//   size 0 --ftruncate--> size for good --fault--> pages, one by one --last put--> zeroed and free
//
// Only a shared mapping reaches the bytes: there is no read, no write and no position, pins are
// EFAULT (facts 2.2 row 3), and no page migrates or is reclaimed. A mapping is locked from the
// start and counted in locked_vm. Rules are the same in 6.1, 6.12 and 7.2 (read, not measured)
// but for leases: the file has no ->setlease.

import assert from 'node:assert/strict';
import { checkList, shown } from '../arguments.js';
import { Errno } from '../errno.js';
import {
  fcntlGetLease,
  fcntlSetLease,
  type GetLeaseResult,
  type SetLeaseArg,
} from '../lease/fcntl.js';
import { fcntlGetDeleg, fcntlSetDeleg } from '../lease/delegation.js';
import type { FileLease, LeaseArg, LeaseHolder } from '../lease/lease.js';
import { LeaseContext } from '../lease/lease-context.js';
import { memlockPages } from '../mm/accounting.js';
import { AddressSpace } from '../mm/address-space.js';
import type { Caller, ProcessLike } from '../mm/caller.js';
import { installPte, type VMA, VmFault, type VmOperations } from '../mm/vma.js';
import type { Task } from '../sched/index.js';
import { addTaskWork } from '../sched/task-work.js';
import { PAGE_SIZE, type Pfn, type Pgoff, posOf } from '../units.js';
import type { FileStat, OpenFlag, RegularFile } from './file.js';
import type { Kernel } from './kernel.js';
import type { Thread } from './process.js';

const S_IFREG = 0o100000;

let nextIno = 1;

/** One open file, which is all there ever is of its inode. */
class SecretFile implements RegularFile, LeaseHolder {
  readonly mapping: AddressSpace;
  readonly label: string;
  readonly readable = true;
  readonly writable = true;
  readonly memoryOnly = true;
  readonly flags: ReadonlySet<OpenFlag>;
  pos = 0;
  nonblock = false;
  owner: ProcessLike | null = null;
  signal: string | null = null;
  ownerAllocated = false;
  readonly #kernel: Kernel;
  readonly #opener: ProcessLike;
  readonly #uid: number;
  readonly #gid: number;
  readonly #ino = nextIno++;
  readonly #bornNs: number;
  #changedNs: number;
  readonly #leases: LeaseContext;
  #size = 0;
  #refs = 1;

  constructor(kernel: Kernel, opener: ProcessLike, flags: readonly OpenFlag[]) {
    this.#kernel = kernel;
    this.#opener = opener;
    this.#uid = opener.cred.uid;
    this.#gid = opener.cred.gid;
    this.#bornNs = kernel.sched.clock.nowNs;
    this.#changedNs = this.#bornNs;
    this.flags = new Set<OpenFlag>(['rdwr', ...flags]);
    this.label = `/secretmem (${this.#ino})`;
    this.mapping = new AddressSpace(kernel.mmEnv, {
      ino: this.#ino,
      generation: 0,
      mount: -1,
      kind: 'secretmem',
      label: this.label,
      dirtyTracked: false,
      size: () => this.#size,
    });
    this.#leases = this.#leaseContext();
  }

  /** alloc_file_pseudo() counts no writer and no reader: a read lease has nobody against it. */
  #leaseContext(): LeaseContext {
    const { sched, rules, leaseSettings: settings } = this.#kernel;
    return new LeaseContext(
      { sched, rules, settings },
      {
        label: this.label,
        isRegular: true,
        uid: this.#uid,
        supportsLeases: !rules.leasesAreOptIn,
        openForWrite: () => 0,
        openCount: () => 0,
      },
    );
  }

  get pid(): number {
    return (this.owner ?? this.#opener).pid;
  }

  // -- references --

  getFile(): void {
    assert(this.#refs > 0, `${this.label}: get of a released file`);
    this.#refs++;
  }

  putFile(task: Task): void {
    assert(this.#refs > 0, `${this.label}: put of a released file`);
    if (--this.#refs > 0) return;
    addTaskWork(task, `fput of ${this.label}`, (own) => this.#release(own));
  }

  async #release(task: Task): Promise<void> {
    await this.#leases.release(task, this, this.#opener.exiting ? 'exit' : 'close');
    const { allocator, pages } = this.#kernel.mmEnv;
    for (const [pgoff, pfn] of [...this.mapping.entries()]) {
      this.mapping.delete(pgoff);
      pages.fillPage(pfn, 0); // secretmem_free_folio
      allocator.freePage(pfn);
    }
  }

  // -- memory --

  /** secretmem_mmap: EINVAL unless shared; EAGAIN past RLIMIT_MEMLOCK (mlock_future_ok). */
  prepareMmap({ process }: Caller, vma: VMA): void {
    if (!vma.shared) throw new Errno('EINVAL', `mmap: ${this.label} is mapped shared only`);
    const { mm, nrPages } = vma;
    const wanted = mm.lockedVm + nrPages;
    if (wanted > memlockPages(process)) {
      throw new Errno('EAGAIN', `mmap: ${wanted} locked pages are above RLIMIT_MEMLOCK`);
    }
    vma.flags.locked = true;
    mm.lockedVm += nrPages;
  }

  readonly vmOps: VmOperations = {
    fault: async (task, vma, pgoff, access) => {
      const index = pgoff - vma.pgoff;
      if (posOf(pgoff) >= this.#size) throw new VmFault('BUS_ADRERR', vma.addrOfIndex(index));
      const { invalidateLock } = this.mapping;
      await invalidateLock.downRead(task);
      try {
        const pfn = this.#page(pgoff);
        return installPte(vma, index, pfn, { write: vma.prot.write, dirty: access === 'write' });
      } finally {
        invalidateLock.upRead(task);
      }
    },
  };

  /** GFP_HIGHUSER, without __GFP_MOVABLE. ENOMEM. */
  #page(pgoff: Pgoff): Pfn {
    const present = this.mapping.lookup(pgoff);
    if (present !== undefined) return present;
    const pfn = this.#kernel.mmEnv.allocator.allocPage();
    this.mapping.insert(pgoff, pfn);
    return pfn;
  }

  // -- the file as a whole --

  /** secretmem_setattr: EINVAL once it has a size, whatever the new one. EFBIG (RLIMIT_FSIZE). */
  async ftruncate({ task, process }: Caller, len: number): Promise<void> {
    const { invalidateLock } = this.mapping;
    await invalidateLock.downWrite(task);
    try {
      if (this.#size !== 0) throw new Errno('EINVAL', `ftruncate: ${this.label} has its size`);
      if (len > process.rlimit('fsize')) {
        process.sendSignal('SIGXFSZ');
        throw new Errno('EFBIG', `ftruncate: ${len} bytes are past RLIMIT_FSIZE`);
      }
      this.#size = len;
      this.#changedNs = this.#kernel.sched.clock.nowNs;
    } finally {
      invalidateLock.upWrite(task);
    }
  }

  stat(): FileStat {
    const [born, changed] = [this.#bornNs, this.#changedNs];
    return {
      ...{ dev: 0, ino: this.#ino, generation: 0, mode: S_IFREG | 0o600, nlink: 1 },
      ...{ uid: this.#uid, gid: this.#gid, size: this.#size },
      ...{ blocks: 0, blockSize: PAGE_SIZE, dax: false },
      ...{ atimeNs: born, mtimeNs: changed, ctimeNs: changed },
    };
  }

  read(): Promise<number> {
    return this.#refuse('EINVAL', 'read');
  }

  write(): Promise<number> {
    return this.#refuse('EINVAL', 'write');
  }

  readDirect(): Promise<number> {
    return this.#refuse('ESPIPE', 'pread');
  }

  writeDirect(): Promise<number> {
    return this.#refuse('ESPIPE', 'pwrite');
  }

  fallocate(): Promise<never> {
    return this.#refuse('EOPNOTSUPP', 'fallocate');
  }

  fsync(): Promise<never> {
    return this.#refuse('EINVAL', 'fsync');
  }

  seek(): number {
    throw new Errno('ESPIPE', `lseek: ${this.label} has no positions`);
  }

  /** What secretmem_fops does not have. */
  #refuse(code: 'EINVAL' | 'EOPNOTSUPP' | 'ESPIPE', call: string): Promise<never> {
    return Promise.reject(new Errno(code, `${call}: ${this.label} can only be mapped`));
  }

  // -- leases: until 6.x as on any regular file, from 7.0 on EINVAL --

  setLease(caller: Caller, arg: SetLeaseArg, fd: number): Promise<void> {
    return fcntlSetLease(this.#leases, this.#kernel.rules, caller, this, arg, fd);
  }

  getLease(): GetLeaseResult {
    return fcntlGetLease(this.#leases, this);
  }

  setDeleg(caller: Caller, arg: LeaseArg, fd: number): Promise<void> {
    return fcntlSetDeleg(this.#leases, this.#kernel.rules, caller, this, arg, fd);
  }

  getDeleg(): LeaseArg {
    return fcntlGetDeleg(this.#leases, this.#kernel.rules, this);
  }

  /** Nobody can break one: no path leads here. */
  notify(_sig: 'lease-break', lease: FileLease): void {
    assert.fail(`${this.label}: lease of descriptor ${lease.fd} is broken`);
  }

  leaseGranted(_lease: FileLease, process: ProcessLike): void {
    this.owner ??= process;
  }

  leaseGone(): void {
    this.owner = null;
    this.signal = null;
  }
}

/** memfd_secret(2): its descriptor. EINVAL for any flag but O_CLOEXEC; EMFILE. */
export async function memfdSecret(t: Thread, flags: readonly OpenFlag[]): Promise<number> {
  for (const flag of checkList('memfd_secret', 'flags', flags)) {
    if (flag !== 'cloexec') throw new Errno('EINVAL', `memfd_secret: flags: ${shown(flag)}`);
  }
  const { fds, kernel } = t.process;
  const fd = fds.reserve();
  fds.fill(fd, new SecretFile(kernel, t.process, flags));
  return fd;
}
