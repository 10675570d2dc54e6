// System calls on memory, and the loads and stores of the application itself.
//
// A load or store is no system call on Linux; here it is one, so that it can fault, wait and be
// killed like the rest. Where Linux raises SIGBUS or SIGSEGV, the handler runs and the access
// rejects with MemoryFault, without being tried again; without a handler the process dies.

import { Errno } from '../errno.js';
import type { Advice, MM } from '../mm/mm.js';
import { VmFault, type VMA, type VmOperations } from '../mm/vma.js';
import { alignUp, checkRange, checkSpan, isAligned, pgoffOf } from '../units.js';
import { checkBytes, checkStruct, checkWord } from '../arguments.js';
import { MemoryFault } from './errors.js';
import {
  type DeviceFile,
  type File,
  type RegularFile,
  isDevice,
  isDirectory,
  isRegular,
} from './file.js';
import type { Thread } from './process.js';

export type ProtName = 'rw' | 'r' | 'w' | '';

export interface MmapRequest {
  /** Anonymous memory without. */
  readonly fd?: number | undefined;
  readonly len: number;
  readonly prot?: ProtName;
  readonly share?: 'shared' | 'private';
  /** Byte in the file, a multiple of the page size. */
  readonly pos?: number;
  readonly addr?: number;
  /** MAP_FIXED: exactly at addr, in place of what was mapped there. */
  readonly fixed?: boolean;
  /** MAP_FIXED_NOREPLACE: exactly at addr, EEXIST if something is mapped there. */
  readonly noreplace?: boolean;
  /** MAP_DIRECT (proposal): EOPNOTSUPP where the kernel does not know it. */
  readonly direct?: boolean;
  /** MAP_SYNC | MAP_SHARED_VALIDATE: EOPNOTSUPP but for a file on DAX. */
  readonly sync?: boolean;
}

const protNames: readonly ProtName[] = ['rw', 'r', 'w', ''];

/** What is done to whole pages. EINVAL. */
function checkPages(call: string, addr: number, len: number): void {
  checkSpan(call, addr, len);
  if (!isAligned(addr)) throw new Errno('EINVAL', `${call}: address ${addr} is no page boundary`);
}

/** linux mm/mmap.c:do_mmap: the open file must allow what the mapping wants. */
function checkAccess(file: RegularFile | DeviceFile, req: MmapRequest, write: boolean): void {
  if (req.share !== 'private' && write && !file.writable) {
    throw new Errno('EACCES', `mmap: ${file.label} is not open for writing`);
  }
  if (!file.readable) throw new Errno('EACCES', `mmap: ${file.label} is not open for reading`);
}

function mappable(file: File): RegularFile | DeviceFile {
  if (isRegular(file) || isDevice(file)) return file;
  throw new Errno('ENODEV', `mmap: ${file.label} cannot be mapped`);
}

/** mmap(2): the address. EBADF EINVAL EACCES ENODEV EOPNOTSUPP ENOMEM EEXIST EAGAIN. */
export async function mmap(t: Thread, file: File | null, req: MmapRequest): Promise<number> {
  const { process } = t;
  checkStruct('mmap', 'request', req);
  const pos = req.pos ?? 0;
  checkRange('mmap', pos, req.len);
  if (!isAligned(pos)) throw new Errno('EINVAL', `mmap: file position ${pos} is no page boundary`);
  const prot = checkWord('mmap', 'prot', req.prot ?? 'rw', protNames);
  const share = checkWord('mmap', 'share', req.share ?? 'shared', ['shared', 'private'] as const);
  if (req.addr !== undefined) checkSpan('mmap', req.addr, req.len);
  if (req.fixed === true || req.noreplace === true) checkPages('mmap', req.addr ?? NaN, req.len);
  const knows = file !== null && isRegular(file) && file.mapDirect !== undefined;
  if (req.direct === true && !knows) {
    throw new Errno('EOPNOTSUPP', 'mmap: MAP_DIRECT is for files of a file system that knows it');
  }
  if (req.sync === true && !(file !== null && isRegular(file) && file.canMapSync === true)) {
    throw new Errno('EOPNOTSUPP', 'mmap: MAP_SYNC is for files on DAX');
  }
  const request = {
    len: req.len,
    prot,
    share,
    ...(req.addr !== undefined && { addr: req.addr }),
    ...(req.fixed === true && { fixed: true }),
    ...(req.noreplace === true && { fixed: 'noreplace' as const }),
    flags: {
      ...(req.direct === true && { direct: true }),
      ...(req.sync === true && { sync: true }),
    },
  };
  if (file === null) return process.mm.mmap(t.task, request);
  const backing = mappable(file);
  checkAccess(backing, req, prot.includes('w'));
  if (isRegular(backing) && isDirectory(await backing.stat())) {
    throw new Errno('ENODEV', `mmap: ${backing.label} is a directory`);
  }
  const pgoff = pgoffOf(pos);
  if (isRegular(backing)) {
    const regular = { ...request, file: backing, pgoff, ops: backing.vmOps };
    const setup = (vma: VMA): void => {
      backing.prepareMmap?.(t, vma);
      if (req.direct === true) backing.mapDirect?.(t, vma);
    };
    return process.mm.mmap(t.task, { ...regular, setup });
  }
  const setup = (vma: VMA): Promise<void> => backing.mmap(t, vma);
  return process.mm.mmap(t.task, { ...request, file: backing, pgoff, ops: deviceOps, setup });
}

/** A device mapping holds what the driver put there; elsewhere there is nothing. */
const deviceOps: VmOperations = {
  fault(_task, vma, pgoff) {
    const addr = vma.addrOfIndex(pgoff - vma.pgoff);
    return Promise.reject(new VmFault('BUS_ADRERR', addr));
  },
};

export async function munmap(t: Thread, addr: number, len: number): Promise<void> {
  checkPages('munmap', addr, len);
  if (len === 0) throw new Errno('EINVAL', 'munmap: length 0');
  await t.process.mm.munmap(t.task, addr, len);
}

export async function mprotect(
  t: Thread,
  addr: number,
  len: number,
  prot: ProtName,
): Promise<void> {
  checkPages('mprotect', addr, len);
  await t.process.mm.mprotect(t.task, addr, len, checkWord('mprotect', 'prot', prot, protNames));
}

export async function madvise(t: Thread, addr: number, len: number, advice: Advice): Promise<void> {
  checkPages('madvise', addr, len);
  await t.process.mm.madvise(t.task, addr, len, advice);
}

export async function mlock(t: Thread, addr: number, len: number): Promise<void> {
  checkSpan('mlock', addr, len);
  await t.process.mm.mlock(t.task, addr, len);
}

export async function munlock(t: Thread, addr: number, len: number): Promise<void> {
  checkSpan('munlock', addr, len);
  await t.process.mm.munlock(t.task, addr, len);
}

/**
 * msync(MS_SYNC): each shared file of the range is synced, with no lock held. EINVAL: unaligned;
 * ENOMEM: a hole, but what is mapped was synced (linux mm/msync.c).
 */
export async function msync(t: Thread, addr: number, len: number): Promise<void> {
  checkPages('msync', addr, len);
  const { mm } = t.process;
  const end = addr + alignUp(len);
  let at = addr;
  let hole = false;
  while (at < end) {
    const [vma] = mm.vmas.overlapping(at, end);
    if (vma === undefined || vma.start > at) hole = true;
    if (vma === undefined) break;
    at = vma.end;
    const file = vma.file as File | null;
    if (vma.shared && file !== null && isRegular(file)) await syncFile(t, file);
  }
  if (hole) throw new Errno('ENOMEM', 'msync: a hole in the range');
}

async function syncFile(t: Thread, file: RegularFile): Promise<void> {
  file.getFile();
  try {
    await file.fsync(t);
  } finally {
    await file.putFile(t.task);
  }
}

/** Run an access; what it raises becomes a signal of the process. */
async function access(t: Thread, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (e) {
    if (!(e instanceof VmFault)) throw e;
    const { signal, code, addr } = e;
    t.process.raise(signal, { code, addr });
    throw new MemoryFault(signal, code, addr);
  }
}

/** Bytes from addr up to the first that no mapping has. */
function mappedFrom(mm: MM, addr: number): number {
  let end = addr;
  for (let vma = mm.vmas.at(end); vma !== undefined; vma = mm.vmas.at(end)) end = vma.end;
  return end - addr;
}

/** Load len bytes from addr. */
export async function load(t: Thread, addr: number, len: number): Promise<Uint8Array> {
  checkSpan('load', addr, len);
  const { mm } = t.process;
  // Memory for what can be answered only: one byte past the mappings, where the access faults.
  const target = new Uint8Array(Math.min(len, mappedFrom(mm, addr) + 1));
  await access(t, () => mm.load(t.task, addr, target));
  return target;
}

export async function store(t: Thread, addr: number, source: Uint8Array): Promise<void> {
  checkSpan('store', addr, checkBytes('store', source).length);
  await access(t, () => t.process.mm.store(t.task, addr, source));
}

/** A buffer in user memory. */
export interface UserBuffer {
  readonly addr: number;
  readonly len: number;
}

function directFile(file: File, pos: number, buffer: UserBuffer): RegularFile {
  if (!isRegular(file)) throw new Errno('EINVAL', `${file.label} has no direct I/O`);
  if (file.memoryOnly === true) throw new Errno('ESPIPE', `${file.label} has no positions`);
  checkStruct('direct I/O', 'buffer', buffer);
  checkSpan('direct I/O', buffer.addr, buffer.len);
  checkRange('direct I/O', pos, buffer.len);
  return file;
}

/** pread(2) with O_DIRECT into user memory: bytes read. EBADF EINVAL EFAULT EIO. */
export async function readDirect(
  t: Thread,
  opened: File,
  pos: number,
  buffer: UserBuffer,
): Promise<number> {
  const file = directFile(opened, pos, buffer);
  if (!file.readable) throw new Errno('EBADF', `${file.label} is not open for reading`);
  return file.readDirect(t, pos, t.process.mm, buffer.addr, buffer.len);
}

/** pwrite(2) with O_DIRECT from user memory: bytes written. */
export async function writeDirect(
  t: Thread,
  opened: File,
  pos: number,
  buffer: UserBuffer,
): Promise<number> {
  const file = directFile(opened, pos, buffer);
  if (!file.writable) throw new Errno('EBADF', `${file.label} is not open for writing`);
  return file.writeDirect(t, pos, t.process.mm, buffer.addr, buffer.len);
}
