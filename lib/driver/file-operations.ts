// struct file_operations: what an application can do with a device node. Keep sorted.
//
// All but open and release may be left out; fillOps() puts the answer that Linux gives in the
// place of a missing one: ENOTTY for a request, ENODEV for mmap, EINVAL for read and write
// (fs/ioctl.c:vfs_ioctl, mm/mmap.c:do_mmap, fs/read_write.c:vfs_read). A node without poll is
// always ready (include/linux/poll.h: DEFAULT_POLLMASK).

import { Errno } from '../errno.js';
import type { AddressSpace } from '../mm/address-space.js';
import type { Caller } from '../mm/caller.js';
import type { VMA } from '../mm/vma.js';
import type { Task } from '../sched/task.js';
import type { WaitQueue } from '../sched/wait-queue.js';

/** The requests of a node: request name -> argument and result. */
export type IoctlTable = { readonly [request: string]: { arg: unknown; ret: unknown } };

/** A table may be written as an interface or a type; both are accepted. */
export type IoctlTableOf<I> = { readonly [R in keyof I]: { arg: unknown; ret: unknown } };

type MaybeLater<T> = T | Promise<T>;

export type IoctlOps<Handle, I extends IoctlTableOf<I>> = {
  readonly [R in keyof I]?: (
    h: Handle,
    arg: I[R]['arg'],
    caller: Caller,
  ) => MaybeLater<I[R]['ret']>;
};

export type PollEvent = 'POLLIN' | 'POLLOUT' | 'POLLPRI' | 'POLLERR' | 'POLLHUP';
export type PollEvents = readonly PollEvent[];

/** What is asked for when nobody says what. */
export const anyPollEvent: PollEvents = ['POLLIN', 'POLLOUT', 'POLLPRI'];

/** Called by poll() for each queue whose wake-up may change the answer (poll_wait). */
export type PollWait = (queue: WaitQueue) => void;

/** The open file description as the driver sees it. */
export interface OpenNode {
  /** '/dev/' and the node's name. */
  readonly path: string;
  readonly readable: boolean;
  readonly writable: boolean;
  /** O_NONBLOCK as it is now. */
  readonly nonblock: boolean;
}

/**
 * What the library of a driver gets instead of a file descriptor: calls that go through the
 * system-call path of the process, with its signals and its end.
 */
export interface NodeIO<I extends IoctlTableOf<I> = IoctlTable> {
  readonly node: string;
  ioctl<R extends keyof I & string>(request: R, arg: I[R]['arg']): Promise<I[R]['ret']>;
  close(): Promise<void>;
}

export interface FileOperations<Handle, I extends IoctlTableOf<I> = IoctlTable> {
  readonly ioctls?: IoctlOps<Handle, I>;
  /** What openDevice() hands to the application in place of a bare descriptor. */
  library?(io: NodeIO<I>): object;
  /** What all mappings of the node belong to; absent: each stands alone. */
  readonly mapping?: AddressSpace;
  /** Set up vma, which is not yet in the address space: insertPages() or ops of its own. */
  mmap?(h: Handle, vma: VMA, caller: Caller): MaybeLater<void>;
  open(caller: Caller, file: OpenNode): MaybeLater<Handle>;
  /** asked: poll_requested_events(); what else the answer holds is dropped. */
  poll?(h: Handle, wait: PollWait, caller: Caller, asked: PollEvents): PollEvents;
  read?(h: Handle, target: Uint8Array, caller: Caller): MaybeLater<number>;
  /** The last reference to the handle is gone. Runs exactly once, before remove(). */
  release(h: Handle, task: Task): MaybeLater<void>;
  write?(h: Handle, source: Uint8Array, caller: Caller): MaybeLater<number>;
}

/** File operations with every hole filled; requests go through one function. */
export interface FilledOps {
  ioctl(h: unknown, request: string, arg: unknown, caller: Caller): MaybeLater<unknown>;
  readonly library: ((io: NodeIO) => object) | null;
  readonly mapping: AddressSpace | null;
  mmap(h: unknown, vma: VMA, caller: Caller): MaybeLater<void>;
  open(caller: Caller, file: OpenNode): MaybeLater<unknown>;
  poll(h: unknown, wait: PollWait, caller: Caller, asked: PollEvents): PollEvents;
  read(h: unknown, target: Uint8Array, caller: Caller): MaybeLater<number>;
  release(h: unknown, task: Task): MaybeLater<void>;
  write(h: unknown, source: Uint8Array, caller: Caller): MaybeLater<number>;
}

type AnyIoctl = (h: unknown, arg: unknown, caller: Caller) => MaybeLater<unknown>;

/** Put Linux's answer in the place of every operation that is not there. */
export function fillOps<H, I extends IoctlTableOf<I>>(
  node: string,
  fops: FileOperations<H, I>,
): FilledOps {
  for (const op of ['open', 'release'] as const) {
    if (typeof fops[op] !== 'function')
      throw new Errno('EINVAL', `node ${node}: ${op} is required`);
  }
  const ops = fops as unknown as FileOperations<unknown>;
  const ioctls = new Map(Object.entries(fops.ioctls ?? {})) as Map<string, AnyIoctl>;
  const refuse = (code: 'ENODEV' | 'EINVAL', op: string) => (): never => {
    throw new Errno(code, `${op}: ${node} has no such operation`, { syscall: op });
  };
  return {
    ioctl(h, request, arg, caller) {
      const handler = ioctls.get(request);
      if (handler === undefined) {
        throw new Errno('ENOTTY', `ioctl: ${node} has no request ${request}`, { syscall: 'ioctl' });
      }
      return handler(h, arg, caller);
    },
    library: ops.library === undefined ? null : (io) => ops.library!(io),
    mapping: ops.mapping ?? null,
    mmap: ops.mmap?.bind(ops) ?? refuse('ENODEV', 'mmap'),
    open: ops.open.bind(ops),
    poll: ops.poll?.bind(ops) ?? (() => ['POLLIN', 'POLLOUT']),
    read: ops.read?.bind(ops) ?? refuse('EINVAL', 'read'),
    release: ops.release.bind(ops),
    write: ops.write?.bind(ops) ?? refuse('EINVAL', 'write'),
  };
}
