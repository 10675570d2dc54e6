// A pipe, and vmsplice into it: the way to hold a stock fsdax page for long (facts trap 1).
//
//   vmsplice: FOLL_GET on the pages of a range, a slot of the pipe for each   (never long-term)
//   read:     the bytes as the page holds them now; an emptied slot puts its page
//
// A call that finds the pipe full waits; one that finds room puts in what fits and answers a short
// count (fs/splice.c: vmsplice_to_pipe, iter_to_pipe). write(2) puts in pages of its own.

import { Errno } from '../errno.js';
import { gup } from '../mm/gup.js';
import type { MM } from '../mm/mm.js';
import type { MMEnv } from '../mm/mm-env.js';
import { type Task, WaitQueue } from '../sched/index.js';
import { alignDown, PAGE_SIZE, pageOffset, pagesSpanned, type Pfn } from '../units.js';

/** PIPE_DEF_BUFFERS. */
export const PIPE_SLOTS = 16;

interface PipeBuffer {
  readonly pfn: Pfn;
  pos: number;
  len: number;
  /** A page of the pipe's own, from write(2), rather than one that is only referenced. */
  readonly own: boolean;
}

export type PipeEnd = 'read' | 'write';

export class Pipe {
  readonly label: string;
  readonly #env: MMEnv;
  readonly #buffers: PipeBuffer[] = [];
  readonly #changed: WaitQueue;
  /** Open descriptions of each end. */
  readonly #open: Record<PipeEnd, number> = { read: 1, write: 1 };

  constructor(env: MMEnv, label = 'pipe') {
    this.#env = env;
    this.label = label;
    this.#changed = new WaitQueue(env.sched, label);
  }

  /** Pages that the pipe references. */
  get pfns(): readonly Pfn[] {
    return this.#buffers.map((b) => b.pfn);
  }

  /** Bytes in the pipe. */
  get len(): number {
    return this.#buffers.reduce((sum, b) => sum + b.len, 0);
  }

  openEnd(end: PipeEnd): void {
    this.#open[end] += 1;
  }

  /** One description of an end is gone; with the last of both, so are the pages. */
  closeEnd(end: PipeEnd): void {
    this.#open[end] -= 1;
    this.#changed.wakeAll();
    if (this.#open.read > 0 || this.#open.write > 0) return;
    for (const buffer of this.#buffers.splice(0)) this.#put(buffer);
  }

  /**
   * vmsplice(2): bytes of the range that are in the pipe now. EFAULT if not even the first page is
   * to be had, EAGAIN if the pipe is full and nonblock, EPIPE without a reader, EINTR.
   */
  async vmsplice(task: Task, mm: MM, addr: number, len: number, nonblock = false): Promise<number> {
    if (len === 0) return 0;
    await this.#waitForSpace(task, nonblock);
    let done = 0;
    while (done < len && this.#buffers.length < PIPE_SLOTS) {
      try {
        done += await this.#splicePages(task, mm, addr + done, len - done);
      } catch (e) {
        if (done === 0 || !(e instanceof Errno)) throw e;
        break;
      }
    }
    this.#changed.wakeAll();
    return done;
  }

  /** As many pages as there are slots; bytes. More than fit are taken, and given back again. */
  async #splicePages(task: Task, mm: MM, addr: number, len: number): Promise<number> {
    const nrPages = Math.min(PIPE_SLOTS, pagesSpanned(addr, len));
    const pfns = new Uint32Array(nrPages);
    const flags = { write: false, kind: 'get' } as const;
    const taken = await gup(task, mm, alignDown(addr), nrPages, flags, pfns);
    let done = 0;
    for (let i = 0; i < taken; i++) {
      if (this.#buffers.length === PIPE_SLOTS) {
        this.#env.pages.putPages(pfns, i, taken - i);
        break;
      }
      const pos = i === 0 ? pageOffset(addr) : 0;
      const part = Math.min(PAGE_SIZE - pos, len - done);
      this.#buffers.push({ pfn: pfns[i]!, pos, len: part, own: false });
      done += part;
    }
    return done;
  }

  /** write(2). EPIPE without a reader; EAGAIN, EINTR when not even one byte went in. */
  async write(task: Task, source: Uint8Array, nonblock = false): Promise<number> {
    let done = 0;
    while (done < source.length) {
      try {
        await this.#waitForSpace(task, nonblock);
      } catch (e) {
        if (done === 0) throw e;
        break;
      }
      const part = source.subarray(done, done + PAGE_SIZE);
      const pfn = this.#env.allocator.allocPage({ zero: false });
      this.#env.pages.write(pfn, 0, part);
      this.#buffers.push({ pfn, pos: 0, len: part.length, own: true });
      done += part.length;
      this.#changed.wakeAll();
    }
    return done;
  }

  async #waitForSpace(task: Task, nonblock: boolean): Promise<void> {
    for (;;) {
      if (this.#open.read === 0) throw new Errno('EPIPE', `${this.label} has no reader`);
      if (this.#buffers.length < PIPE_SLOTS) return;
      if (nonblock) throw new Errno('EAGAIN', `${this.label} is full`);
      await this.#changed.wait(task, { why: `space in ${this.label}` });
    }
  }

  /** read(2): what is there, up to target's length; 0 at the end. EAGAIN, EINTR on an empty one. */
  async read(task: Task, target: Uint8Array, nonblock = false): Promise<number> {
    if (target.length === 0) return 0; // fs/pipe.c:pipe_read: a null read succeeds
    while (this.#buffers.length === 0) {
      if (this.#open.write === 0) return 0;
      if (nonblock) throw new Errno('EAGAIN', `${this.label} is empty`);
      await this.#changed.wait(task, { why: `bytes in ${this.label}` });
    }
    const { sched, pages } = this.#env;
    let done = 0;
    while (done < target.length && this.#buffers.length > 0) {
      const first = this.#buffers[0]!;
      if (sched.on) await sched.at(pages.objectOf(first.pfn), 'read');
      const n = Math.min(first.len, target.length - done);
      pages.read(first.pfn, first.pos, target.subarray(done, done + n));
      first.pos += n;
      first.len -= n;
      done += n;
      if (first.len > 0) break;
      this.#buffers.shift();
      this.#put(first);
    }
    this.#changed.wakeAll();
    return done;
  }

  #put({ pfn, own }: PipeBuffer): void {
    if (own) this.#env.allocator.freePage(pfn);
    else this.#env.pages.putPages(Uint32Array.of(pfn), 0, 1);
  }
}
