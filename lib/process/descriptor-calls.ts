// System calls on descriptors themselves: closing and copying them, passing them on, fcntl.

import { Errno } from '../errno.js';
import { checkDelegKnown } from '../lease/delegation.js';
import { fcntlRefuseLease, type GetLeaseResult, type SetLeaseArg } from '../lease/fcntl.js';
import { ownerAlloc } from '../lease/lease-alloc.js';
import type { LeaseArg } from '../lease/lease.js';
import { checkBoolean, shown } from '../arguments.js';
import { flushFile } from './exit.js';
import { type File, type PipeEnd, isDevice, isPipe, isRegular } from './file.js';
import { MAX_RW_COUNT, regularFile } from './file-calls.js';
import { registerBuffer } from './io-uring.js';
import { pipeEnds } from './pipe-end.js';
import type { Process, Thread } from './process.js';
import { ProcessState } from './process-state.js';
import { signalName } from './signal-table.js';
import { checkLen, checkSpan } from '../units.js';

/**
 * close(2). The descriptor is free whatever happens; a refusal of ->flush() is reported. If this
 * was the last reference, the file is released before the call returns: by __fput_sync() since
 * 6.6, by task work before that, which comes to the same for a call that puts one file
 * (linux fs/open.c:close).
 */
export async function close(t: Thread, fd: number): Promise<void> {
  const file = t.process.fds.take(fd);
  const refused = await flushFile(t, file);
  await file.putFile(t.task);
  if (refused !== null) throw refused;
}

/** dup(2), or F_DUPFD from min up: the lowest free descriptor for the same open file. */
export async function dup(t: Thread, fd: number, min: number): Promise<number> {
  const file = t.process.fds.get(fd);
  const copy = t.process.fds.install(file, min);
  file.getFile();
  return copy;
}

/** dup2(2): what was open there is closed, silently. */
export async function dup2(t: Thread, fd: number, target: number): Promise<number> {
  const { fds } = t.process;
  const file = fds.get(fd);
  if (fd === target) return fd;
  const old = fds.replace(target, file);
  file.getFile();
  if (old !== null) {
    await flushFile(t, old);
    await old.putFile(t.task);
  }
  return target;
}

/** pipe(2): [read end, write end]. EMFILE leaves neither. */
export async function pipe(t: Thread): Promise<[number, number]> {
  const { fds, kernel } = t.process;
  const readFd = fds.reserve();
  let writeFd: number;
  try {
    writeFd = fds.reserve();
  } catch (e) {
    fds.unreserve(readFd);
    throw e;
  }
  const { reader, writer } = pipeEnds(kernel.makePipe());
  fds.fill(readFd, reader);
  fds.fill(writeFd, writer);
  return [readFd, writeFd];
}

function pipeEnd(file: File): PipeEnd {
  if (!isPipe(file)) throw new Errno('EBADF', `${file.label} is no pipe`);
  return file;
}

/** vmsplice(2) into a pipe: bytes whose pages the pipe now holds. */
export async function vmsplice(t: Thread, file: File, addr: number, len: number): Promise<number> {
  const pipe = pipeEnd(file);
  checkSpan('vmsplice', addr, len);
  return pipe.vmsplice(t, addr, len);
}

/** read(2) of a pipe until len bytes are there or the writers are gone. */
export async function readPipe(t: Thread, file: File, len: number): Promise<Uint8Array> {
  const pipe = pipeEnd(file);
  return pipe.readPipe(t, Math.min(checkLen('read length', len), MAX_RW_COUNT));
}

/**
 * SCM_RIGHTS: the same open file under a descriptor of another process. Whatever hangs on the
 * file (a lease, registrations) now outlives this process; its signals still go to this one.
 */
export async function sendFd(t: Thread, target: Process, fd: number): Promise<number> {
  const file = t.process.fds.get(fd);
  if (!(target instanceof ProcessState)) {
    throw new Errno('EINVAL', `sendmsg: target: ${shown(target)} is no process`);
  }
  if (target.exiting) throw new Errno('EPIPE', `${target.name} is gone`);
  const copy = target.fds.install(file);
  file.getFile();
  return copy;
}

/** io_uring_setup(2) and IORING_REGISTER_BUFFERS: the descriptor of the ring. */
export async function uringRegister(t: Thread, addr: number, len: number): Promise<number> {
  const { fds, kernel } = t.process;
  const fd = fds.reserve();
  try {
    fds.fill(fd, await registerBuffer(t, kernel, addr, len));
  } catch (e) {
    fds.unreserve(fd);
    throw e;
  }
  return fd;
}

/** F_LAYOUT alone, or with F_EXCLUSIVE as a list. */
export type LeaseArgs = SetLeaseArg | readonly ['F_LAYOUT', 'F_EXCLUSIVE'];

const leaseArg = (arg: LeaseArgs): SetLeaseArg =>
  Array.isArray(arg) ? (arg.map(String).join('|') as SetLeaseArg) : (arg as SetLeaseArg);

/**
 * fcntl(F_SETLEASE). What is no regular file is EINVAL, once it is the caller's (linux
 * fs/locks.c:vfs_setlease): nodes and anonymous inodes are root's, a pipe its maker's.
 */
export async function setLease(t: Thread, file: File, fd: number, args: LeaseArgs): Promise<void> {
  const arg = leaseArg(args);
  if (isRegular(file)) return file.setLease(t, arg, fd);
  refuseLease(t, file, arg);
}

function refuseLease(t: Thread, file: File, arg: SetLeaseArg): never {
  const { rules, leaseSettings: settings } = t.process.kernel;
  fcntlRefuseLease({ rules, settings }, t, file, isPipe(file) ? t.process.cred.uid : 0, arg);
}

/** fcntl(F_GETLEASE): what can have no lease has none (linux fs/locks.c:fcntl_getlease). */
export async function getLease(_t: Thread, file: File): Promise<GetLeaseResult> {
  return isRegular(file) ? file.getLease() : 'F_UNLCK';
}

/** fcntl(F_SETDELEG). EINVAL where F_SETLEASE is, but for a directory. */
export async function setDeleg(t: Thread, file: File, fd: number, arg: LeaseArg): Promise<void> {
  if (isRegular(file)) return file.setDeleg(t, arg, fd);
  checkDelegKnown(t.process.kernel.rules);
  refuseLease(t, file, arg);
}

/** fcntl(F_GETDELEG): no file has one that can have none; EINVAL before 6.19. */
export async function getDeleg(t: Thread, file: File): Promise<LeaseArg> {
  if (isRegular(file)) return file.getDeleg();
  checkDelegKnown(t.process.kernel.rules);
  return 'F_UNLCK';
}

/** fcntl(F_SETFL): O_NONBLOCK of the open file, for all its descriptors. */
export async function setNonblock(_t: Thread, file: File, nonblock: boolean): Promise<void> {
  checkBoolean('fcntl', 'nonblock', nonblock);
  if (isRegular(file) || isDevice(file) || isPipe(file)) file.nonblock = nonblock;
}

/** fcntl(F_SETOWN): whom the signals of this open file reach. ESRCH ENOMEM. */
export async function setOwner(t: Thread, file: File, pid: number): Promise<void> {
  const regular = regularFile(file, 'EINVAL');
  const owner = t.process.table.get(pid);
  ownerAlloc(t.task, t.process.kernel.rules, regular);
  regular.owner = owner;
}

/** fcntl(F_SETSIG): the signal that is sent, with si_fd; '0' for SIGIO without. EINVAL ENOMEM. */
export async function setSignal(t: Thread, file: File, sig: string): Promise<void> {
  const regular = regularFile(file, 'EINVAL');
  const signal = sig === '0' ? null : signalName(sig);
  ownerAlloc(t.task, t.process.kernel.rules, regular);
  regular.signal = signal;
}
