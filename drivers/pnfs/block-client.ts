// A client of block layouts: it reads and writes the blocks of a file at the storage itself.
//
//   layout granted -> I/O by block address -> recalled: 'return', 'ignore', or return after a while
//
// Its I/O holds no page and no lock of the server; nothing but the layout stands between it and a
// truncate. LAYOUTRETURN waits for its own I/O first. A client that ignores the recall goes on
// until the storage refuses it: a command that fails so is EIO, and nothing is moved.

import { type Device, Errno, type Task, WaitQueue } from '../../lib/driver/index.js';
import type { BlockTarget, CommandStatus } from './block-target.js';
import type { LayoutState } from './layout-state.js';

/** What the client does about a recall. `afterNs`: it returns the layout so much later. */
export type RecallAnswer = 'return' | 'ignore' | { readonly afterNs: number };

/** Writes of the client's own: `byte` all over [pos, pos + len), every periodNs. */
export interface WriteJob {
  readonly pos: number;
  readonly len: number;
  readonly byte: number;
  readonly periodNs: number;
}

export interface ClientCounters {
  reads: number;
  writes: number;
  bytes: number;
  /** Commands that the storage refused. */
  conflicts: number;
}

export class BlockClient {
  /** Its registration at the storage. */
  readonly key: number;
  answer: RecallAnswer = 'return';
  readonly counters: ClientCounters = { reads: 0, writes: 0, bytes: 0, conflicts: 0 };
  readonly layouts = new Map<number, LayoutState>();
  readonly #dev: Device;
  readonly #target: BlockTarget;
  /** Stateids that were recalled and that nobody has asked about yet. */
  readonly #recalls: number[] = [];
  readonly #told: WaitQueue;
  readonly #jobs = new Map<LayoutState, WriteJob>();
  #mounted = true;

  constructor(dev: Device, target: BlockTarget, key: number) {
    this.#dev = dev;
    this.#target = target;
    this.key = key;
    this.#told = new WaitQueue(dev.sched, `recalls of client ${key}`);
    target.register(key);
  }

  add(state: LayoutState): void {
    this.layouts.set(state.stateid, state);
  }

  /** ESTALE: returned, or dropped by the server. A fenced client does not learn that it was. */
  layout(stateid: number): LayoutState {
    const state = this.layouts.get(stateid);
    if (state === undefined) throw new Errno('ESTALE', `no layout ${stateid}`);
    return state;
  }

  /** Move bytes between memory and the storage. EINVAL: not covered. EIO: refused there. */
  async transfer(
    task: Task,
    state: LayoutState,
    dir: 'read' | 'write',
    pos: number,
    bytes: Uint8Array,
  ): Promise<void> {
    if (dir === 'write' && state.iomode !== 'rw') {
      throw new Errno('EACCES', `layout ${state.stateid} is for reading`);
    }
    const pieces = state.piecesOf(pos, bytes.length);
    state.nrUnderWay++;
    try {
      for (const piece of pieces) {
        const part = bytes.subarray(piece.start, piece.end);
        const { mapping, pos: at } = piece;
        const status = await this.#target.command(task, this.key, dir, mapping, at, part);
        this.#count(status, dir, part.length);
        if (status !== 'ok') throw new Errno('EIO', `${dir} at the storage: ${status}`);
      }
    } finally {
      state.nrUnderWay--;
      state.changed.wakeAll();
    }
  }

  #count(status: CommandStatus, dir: 'read' | 'write', len: number): void {
    if (status === 'conflict') this.counters.conflicts++;
    if (status !== 'ok') return;
    this.counters[dir === 'read' ? 'reads' : 'writes']++;
    this.counters.bytes += len;
  }

  /** Write on, on a thread of the device, until stop(), LAYOUTRETURN or the unmount. */
  start(state: LayoutState, job: WriteJob): void {
    state.piecesOf(job.pos, job.len);
    if (state.iomode !== 'rw') throw new Errno('EACCES', 'start: the layout is for reading');
    this.stop(state);
    this.#jobs.set(state, job);
    this.#dev.spawn(`client ${this.key} writer`, (task) => this.#write(task, state, job));
  }

  stop(state: LayoutState): void {
    this.#jobs.delete(state);
    state.changed.wakeAll();
  }

  async #write(task: Task, state: LayoutState, job: WriteJob): Promise<void> {
    const { clock } = this.#dev.sched;
    const goesOn = (): boolean => this.#jobs.get(state) === job;
    const bytes = new Uint8Array(job.len).fill(job.byte);
    while (goesOn()) {
      try {
        await this.transfer(task, state, 'write', job.pos, bytes);
      } catch (e) {
        if (!(e instanceof Errno) || e.code !== 'EIO') throw e;
      }
      const untilNs = clock.nowNs + job.periodNs;
      await state.changed.waitEvent(task, () => !goesOn(), { why: 'the next write', untilNs });
    }
  }

  /** CB_LAYOUTRECALL arrives. */
  recalled(state: LayoutState): void {
    this.#recalls.push(state.stateid);
    this.#told.wakeAll();
    const { answer } = this;
    if (answer === 'ignore') return;
    const afterNs = answer === 'return' ? 0 : answer.afterNs;
    this.#dev.queueWork(afterNs, `return of layout ${state.stateid}`, (task) =>
      this.layoutReturn(task, state),
    );
  }

  /** The next recall that nobody has been told of. EINTR; ENODEV: unmounted meanwhile. */
  async nextRecall(task: Task): Promise<number> {
    await this.#told.waitEvent(task, () => this.#recalls.length > 0 || !this.#mounted, {
      why: 'a layout recall',
    });
    const stateid = this.#recalls.shift();
    if (stateid === undefined) throw new Errno('ENODEV', 'recall: unmounted');
    return stateid;
  }

  /** LAYOUTRETURN: its writes stop, what is under way ends, the blocks go back. */
  async layoutReturn(task: Task, state: LayoutState): Promise<void> {
    this.stop(state);
    await state.changed.waitEvent(task, () => state.nrUnderWay === 0, {
      mode: 'uninterruptible',
      why: `I/O through layout ${state.stateid}`,
    });
    this.layouts.delete(state.stateid);
    state.drop();
  }

  /** Return everything, and leave the storage. */
  async unmount(task: Task): Promise<void> {
    this.#mounted = false;
    this.#told.wakeAll();
    for (const state of [...this.layouts.values()]) await this.layoutReturn(task, state);
    await this.#target.preempt(task, this.key);
  }
}
