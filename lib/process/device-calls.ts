// System calls on device nodes, and what an application holds instead of a bare descriptor: the
// library of the driver, or a DeviceHandle when the driver has none.

import { Errno, isErrno } from '../errno.js';
import { WaitQueue } from '../sched/index.js';
import {
  type AnyFile,
  type DeviceFile,
  type File,
  type NodeIO,
  type OpenFlag,
  type PollEvent,
  isDevice,
  isRegular,
} from './file.js';
import {
  checkList,
  checkOpenFlags,
  checkPath,
  checkStruct,
  checkWord,
  shown,
} from '../arguments.js';
import type { OpenedNode } from './kernel.js';
import type { Process, Thread } from './process.js';
import type { CallOptions } from './thread-group.js';
import type { MmapRequest } from './memory-calls.js';

export interface PollOptions extends CallOptions {
  /** Block no longer than this; 0 only looks. For ever if not given. */
  readonly timeoutNs?: number;
  /** What is waited for besides POLLERR and POLLHUP. Anything if not given. */
  readonly events?: readonly PollEvent[];
}

/** Open a node under a new descriptor. EMFILE comes before the driver is asked. */
export async function openNode(
  t: Thread,
  name: string,
  flags: readonly OpenFlag[],
): Promise<OpenedNode & { readonly fd: number }> {
  checkPath('open device node', name);
  checkOpenFlags(flags);
  const { fds, kernel } = t.process;
  const fd = fds.reserve();
  try {
    const node = await kernel.openNode(t, name, flags);
    fds.fill(fd, node.file);
    return { ...node, fd };
  } catch (e) {
    fds.unreserve(fd);
    throw e;
  }
}

function deviceFile(file: File, otherwise: 'ENOTTY' | 'EINVAL'): DeviceFile {
  if (!isDevice(file)) throw new Errno(otherwise, `${file.label} is no device`);
  return file;
}

/** ioctl(2). ENOTTY for a request that the file does not know. */
export async function ioctl(
  t: Thread,
  file: File,
  request: string,
  arg: unknown,
): Promise<unknown> {
  if (isRegular(file) && file.ioctl !== undefined) return file.ioctl(t, request, arg);
  const device = deviceFile(file, 'ENOTTY');
  if (typeof request !== 'string') throw new Errno('ENOTTY', `ioctl: request ${shown(request)}`);
  return device.ioctl(t, request, arg);
}

/** poll(2) of one descriptor: what is ready, or nothing after timeoutNs. EINTR. */
export async function poll(
  t: Thread,
  opened: File,
  opts: PollOptions,
): Promise<readonly PollEvent[]> {
  const file = deviceFile(opened, 'EINVAL');
  checkPollOptions(opts);
  const { sched } = t.process.kernel;
  const untilNs = sched.clock.nowNs + (opts.timeoutNs ?? Infinity);
  for (;;) {
    const queues = new Set<WaitQueue>();
    const ready = file.poll(t, (queue) => queues.add(queue), opts.events);
    const wanted = ready.filter((event) => isWanted(event, opts.events));
    if (wanted.length > 0 || opts.timeoutNs === 0) return wanted;
    if ((await waitAny(t, [...queues], untilNs)) === 'timeout') return [];
  }
}

const pollEvents: readonly PollEvent[] = ['POLLIN', 'POLLOUT', 'POLLPRI', 'POLLERR', 'POLLHUP'];

function checkPollOptions(opts: PollOptions): void {
  checkStruct('poll', 'options', opts);
  const { timeoutNs = 0, events = [] } = opts;
  if (typeof timeoutNs !== 'number' || !(timeoutNs >= 0)) {
    throw new Errno('EINVAL', `poll: timeout ${shown(timeoutNs)}`);
  }
  for (const event of checkList('poll', 'events', events)) {
    checkWord('poll', 'events', event, pollEvents);
  }
}

const isWanted = (event: PollEvent, wanted: readonly PollEvent[] | undefined): boolean =>
  event === 'POLLERR' || event === 'POLLHUP' || wanted === undefined || wanted.includes(event);

/** Block until one of the queues is woken. A task waits in one place: each other gets a helper. */
async function waitAny(
  t: Thread,
  queues: readonly WaitQueue[],
  untilNs: number,
): Promise<'woken' | 'timeout'> {
  const { sched } = t.process.kernel;
  const [only] = queues;
  const why = 'poll';
  if (queues.length === 1) return only!.wait(t.task, { why, untilNs });
  const any = new WaitQueue(sched, 'poll of several queues');
  let woken = false;
  const helpers = queues.map((queue) =>
    sched.spawn('poll', async (task) => {
      try {
        await queue.wait(task, { why });
        woken = true;
        any.wakeAll();
      } catch (e) {
        if (!isErrno(e, 'EINTR')) throw e;
      }
    }),
  );
  try {
    return await any.waitEvent(t.task, () => woken, { why, untilNs });
  } finally {
    for (const { task } of helpers) task.interrupt('signal');
  }
}

/** An open node without a library: the bare calls. Every one is a system call of its process. */
export class DeviceHandle implements NodeIO {
  readonly node: string;
  readonly fd: number;
  readonly #process: Process;

  constructor(process: Process, node: string, fd: number) {
    this.#process = process;
    this.node = node;
    this.fd = fd;
  }

  ioctl(request: string, arg?: unknown, opts: CallOptions = {}): Promise<unknown> {
    return this.#process.ioctl(this.fd, request, arg, opts);
  }

  mmap(req: Omit<MmapRequest, 'fd'>, opts: CallOptions = {}): Promise<number> {
    return this.#process.mmap({ ...req, fd: this.fd }, opts);
  }

  /**
   * fd_install(): a descriptor of a file that a request returned, whose reference is the
   * descriptor's from now on. EMFILE; the reference stays the caller's then.
   */
  install(file: AnyFile): number {
    return this.#process.fds.install(file);
  }

  /** Close a descriptor that install() made. */
  uninstall(fd: number): Promise<void> {
    return this.#process.close(fd);
  }

  munmap(addr: number, len: number, opts: CallOptions = {}): Promise<void> {
    return this.#process.munmap(addr, len, opts);
  }

  /** Bytes of the application's own memory, where a library mapped something. */
  load(addr: number, len: number, opts: CallOptions = {}): Promise<Uint8Array> {
    return this.#process.load(addr, len, opts);
  }

  store(addr: number, data: Uint8Array, opts: CallOptions = {}): Promise<void> {
    return this.#process.store(addr, data, opts);
  }

  poll(opts: PollOptions = {}): Promise<readonly PollEvent[]> {
    return this.#process.poll(this.fd, opts);
  }

  read(len: number, opts: CallOptions = {}): Promise<Uint8Array> {
    return this.#process.readStream(this.fd, len, opts);
  }

  write(data: Uint8Array, opts: CallOptions = {}): Promise<number> {
    return this.#process.writeStream(this.fd, data, opts);
  }

  close(): Promise<void> {
    return this.#process.close(this.fd);
  }
}
