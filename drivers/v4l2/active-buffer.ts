// The driver's hold on one queued buffer: the only way in which it reaches the memory.
//
//   bufQueue -> OWNED --done()--> RETURNED
//                 `--takeBack()--> TAKEN     the memory was revoked; done() is no longer wanted
//
// One hold is one pass through the driver: it ends exactly once, so a buffer that is given back
// twice, or not at all, is found. Taking back is a fence: it resolves when no transfer is under
// way, and every later one throws BufferTaken.

import assert from 'node:assert/strict';
import { WaitQueue, type Scheduler, type Task } from '../../lib/driver/index.js';
import type { Field, VB2Buffer } from './buffer.js';
import type { PlaneMemory } from './memory.js';

/** Where a finished buffer goes. */
export type Outcome = 'DONE' | 'ERROR' | 'QUEUED';

/** What the hardware says of the frame. */
export interface FrameInfo {
  readonly sequence: number;
  readonly timestampNs: number;
  readonly field?: Field;
  /** Bytes written into each plane; what bufPrepare() set if not given. */
  readonly bytesused?: number;
  /** The last buffer of the stream: the next DQBUF is EPIPE. */
  readonly last?: boolean;
}

/** The memory was taken back in the middle: forget the hold. */
export class BufferTaken extends Error {
  override readonly name = 'BufferTaken';
}

export class ActiveBuffer {
  readonly vb: VB2Buffer;
  readonly #finish: (outcome: Outcome, info: FrameInfo | null) => void;
  readonly #sched: Scheduler;
  /** Whoever takes the memory back waits here for the transfer under way. */
  #idle: WaitQueue | null = null;
  #state: 'OWNED' | 'RETURNED' | 'TAKEN' = 'OWNED';
  #nrTransfers = 0;

  constructor(
    sched: Scheduler,
    vb: VB2Buffer,
    finish: (outcome: Outcome, info: FrameInfo | null) => void,
  ) {
    this.vb = vb;
    this.#finish = finish;
    this.#sched = sched;
  }

  /** Whether the driver still has it. */
  get owned(): boolean {
    return this.#state === 'OWNED';
  }

  /** The hardware writes into a plane of the buffer. BufferTaken, DmaFault. */
  async write(pos: number, source: Uint8Array, plane = 0): Promise<void> {
    await this.#transfer(() => this.#memory(plane).write(pos, source));
  }

  /** The hardware reads a plane of the buffer. BufferTaken, DmaFault. */
  async read(pos: number, target: Uint8Array, plane = 0): Promise<void> {
    await this.#transfer(() => this.#memory(plane).read(pos, target));
  }

  /** Give the buffer back; it is no longer the driver's. 'QUEUED' only in a failed start. */
  done(outcome: Outcome, info: FrameInfo | null = null): void {
    assert(this.#state === 'OWNED', `buffer ${this.vb.index} was given back twice`);
    assert(this.#nrTransfers === 0, `buffer ${this.vb.index}: done during a transfer`);
    this.#state = 'RETURNED';
    this.#finish(outcome, info);
  }

  /** The core only: end the hold. Resolves when nothing can reach the memory; twice joins. */
  async takeBack(task: Task): Promise<void> {
    assert(this.#state !== 'RETURNED', `buffer ${this.vb.index} is not the driver's`);
    this.#state = 'TAKEN';
    this.#idle ??= new WaitQueue(this.#sched, `transfers of buffer ${this.vb.index}`);
    await this.#idle.waitEvent(task, () => this.#nrTransfers === 0, {
      mode: 'uninterruptible',
      why: `a transfer of buffer ${this.vb.index}`,
    });
  }

  #memory(plane: number): PlaneMemory {
    const memory = this.vb.planes[plane]?.memory;
    assert(memory, `buffer ${this.vb.index} is active without memory of plane ${plane}`);
    return memory;
  }

  /** The hardware moves a frame in pieces; taking back waits for one piece at most. */
  async #transfer(move: () => Promise<void>): Promise<void> {
    if (this.#state !== 'OWNED') throw new BufferTaken(`buffer ${this.vb.index} was taken back`);
    this.#nrTransfers++;
    try {
      await move();
    } finally {
      this.#nrTransfers--;
      this.#idle?.wakeAll();
    }
    if (!this.owned) throw new BufferTaken(`buffer ${this.vb.index} was taken back`);
  }
}
