// select(2) and epoll(7) over poll(2): one wait for several descriptors, each with its own events.
//
// A file is asked for what its interest names and no more (poll_requested_events), so that two
// waits on one file may hear different things. linux fs/select.c, fs/eventpoll.c.

import { Errno } from '../errno.js';
import { checkList, checkTime, checkWhole } from '../arguments.js';
import type { PollEvent } from './file.js';
import type { Process } from './process.js';

/** A descriptor, and what is waited for besides POLLERR and POLLHUP. */
interface Interest {
  readonly fd: number;
  readonly events: readonly PollEvent[];
}

export interface Ready {
  readonly fd: number;
  readonly events: readonly PollEvent[];
}

async function look(process: Process, interests: readonly Interest[]): Promise<Ready[]> {
  const ready: Ready[] = [];
  for (const { fd, events } of interests) {
    const now = await process.poll(fd, { events, timeoutNs: 0 });
    if (now.length > 0) ready.push({ fd, events: now });
  }
  return ready;
}

/** Block until one of them is ready, or for timeoutNs. EBADF, EINTR. */
async function waitFor(
  process: Process,
  interests: readonly Interest[],
  timeoutNs: number,
): Promise<Ready[]> {
  const { clock } = process.kernel.sched;
  const untilNs = clock.nowNs + timeoutNs;
  for (;;) {
    const ready = await look(process, interests);
    if (ready.length > 0 || clock.nowNs >= untilNs) return ready;
    await waitForFirst(process, interests, untilNs - clock.nowNs);
  }
}

/** Until one of them was ready: somebody else may have taken what there was. */
async function waitForFirst(
  process: Process,
  interests: readonly Interest[],
  timeoutNs: number,
): Promise<void> {
  const others = new AbortController();
  const { signal } = others;
  const polls = interests.map(({ fd, events }) =>
    process.poll(fd, { events, signal, ...(timeoutNs < Infinity && { timeoutNs }) }),
  );
  try {
    await Promise.race(polls);
  } finally {
    others.abort();
    await Promise.allSettled(polls);
  }
}

export interface SelectSets {
  readonly read?: readonly number[];
  readonly write?: readonly number[];
  readonly except?: readonly number[];
  /** For ever if not given; 0 only looks. */
  readonly timeoutNs?: number;
}

export interface Selected {
  readonly read: readonly number[];
  readonly write: readonly number[];
  readonly except: readonly number[];
}

/**
 * select(2): the descriptors of each set that are ready; all empty after timeoutNs. An error is
 * ready to read and to write, a hang-up to read (fs/select.c: POLLIN_SET, POLLOUT_SET); unlike in
 * Linux either ends the wait of any set. EBADF, EINTR, EINVAL for sets with no descriptor at all.
 */
export async function select(process: Process, sets: SelectSets): Promise<Selected> {
  const { read = [], write = [], except = [], timeoutNs = Infinity } = sets;
  for (const [name, set] of Object.entries({ read, write, except })) {
    checkList('select', name, set);
  }
  checkTime('select', 'timeoutNs', timeoutNs);
  const fds = [...new Set([...read, ...write, ...except])];
  if (fds.length === 0) throw new Errno('EINVAL', 'select: sets: no descriptor in any');
  const interests = fds.map((fd): Interest => {
    const events: PollEvent[] = [];
    if (read.includes(fd)) events.push('POLLIN');
    if (write.includes(fd)) events.push('POLLOUT');
    if (except.includes(fd)) events.push('POLLPRI');
    return { fd, events };
  });
  const found = new Map<number, readonly PollEvent[]>();
  for (const { fd, events } of await waitFor(process, interests, timeoutNs)) found.set(fd, events);
  const which = (set: readonly number[], ...any: PollEvent[]): number[] =>
    set.filter((fd) => any.some((event) => found.get(fd)?.includes(event)));
  return {
    read: which(read, 'POLLIN', 'POLLERR', 'POLLHUP'),
    write: which(write, 'POLLOUT', 'POLLERR'),
    except: which(except, 'POLLPRI'),
  };
}

/** epoll(7), level-triggered: interests that stay, and waits on all of them. */
export class Epoll {
  readonly #process: Process;
  readonly #interests = new Map<number, readonly PollEvent[]>();

  constructor(process: Process) {
    this.#process = process;
  }

  /** EPOLL_CTL_ADD. EEXIST; EBADF for what is not open, EINVAL for what cannot be polled. */
  async add(fd: number, events: readonly PollEvent[]): Promise<void> {
    if (this.#interests.has(fd)) throw new Errno('EEXIST', `epoll: descriptor ${fd} is in it`);
    await this.#check(fd, events);
    this.#interests.set(fd, [...events]);
  }

  /** EPOLL_CTL_MOD. ENOENT. */
  async mod(fd: number, events: readonly PollEvent[]): Promise<void> {
    this.#find(fd);
    await this.#check(fd, events);
    this.#interests.set(fd, [...events]);
  }

  /** EPOLL_CTL_DEL. ENOENT. */
  del(fd: number): void {
    this.#find(fd);
    this.#interests.delete(fd);
  }

  /** epoll_wait(2): at most maxEvents that are ready; none after timeoutNs. EINVAL, EINTR. */
  async wait(maxEvents: number, timeoutNs = Infinity): Promise<Ready[]> {
    checkWhole('epoll_wait', 'maxEvents', maxEvents, 1, 0x7fffffff);
    checkTime('epoll_wait', 'timeoutNs', timeoutNs);
    const interests = [...this.#interests].map(([fd, events]) => ({ fd, events }));
    if (interests.length === 0) throw new Errno('EINVAL', 'epoll_wait: nothing was added');
    return (await waitFor(this.#process, interests, timeoutNs)).slice(0, maxEvents);
  }

  /** The file is asked at once (ep_insert): bad descriptors and events say so here. */
  async #check(fd: number, events: readonly PollEvent[]): Promise<void> {
    await this.#process.poll(fd, { events, timeoutNs: 0 });
  }

  #find(fd: number): void {
    if (!this.#interests.has(fd)) throw new Errno('ENOENT', `epoll: descriptor ${fd} is not in it`);
  }
}
