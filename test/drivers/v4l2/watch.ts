// Every buffer call of a test is watched, whatever way it goes: by a method of the client, by
// frames() or as a bare request. After each, also one that was refused, the invariants hold for
// what it returned and for every buffer of the queue. bench.ts hands no other client out.

import assert from 'node:assert/strict';
import type { V4L2Buffer, V4L2BufferArg } from '../../../drivers/v4l2/buffer.js';
import type { VideoIO } from '../../../drivers/v4l2/client.js';
import type { VB2Queue } from '../../../drivers/v4l2/vb2-queue.js';
import { checkBuffer, planesOf, viewOf, type BufferView, type Expected } from './invariants.js';

/** The requests that move buffers, and what the buffer that each returns must look like. */
export const bufferCalls: Readonly<Record<string, BufferView | 'as found' | null>> = {
  CREATE_BUFS: null,
  DQBUF: 'dequeued',
  EXPBUF: null,
  PREPARE_BUF: 'prepared',
  QBUF: 'queued',
  QUERYBUF: 'as found',
  REMOVE_BUFS: null,
  REQBUFS: null,
  STREAMOFF: null,
  STREAMON: null,
};

/** What a test's machine was asked about buffers, and which invariants did not hold. */
export class Watch {
  /** Buffer calls that ended, by request. */
  readonly calls = new Map<string, number>();
  /** Buffers that were held against the invariants. */
  nrChecked = 0;
  readonly violations: string[] = [];
  /** The last sequence number that each queue gave out. */
  readonly #last = new Map<VB2Queue, number>();

  /** From now on, every buffer request of io is watched. queue: the node's. */
  attach(io: VideoIO, queue: VB2Queue): void {
    const inner = io.ioctl.bind(io) as (request: string, arg: unknown) => Promise<unknown>;
    const watched = async (request: string, arg: unknown): Promise<unknown> => {
      if (!(request in bufferCalls)) return inner(request, arg);
      try {
        const ret = await inner(request, arg);
        this.#answered(request, arg, ret, queue);
        return ret;
      } finally {
        this.#sweep(request, queue);
      }
    };
    io.ioctl = watched as VideoIO['ioctl'];
  }

  #answered(request: string, arg: unknown, ret: unknown, queue: VB2Queue): void {
    if (request === 'STREAMOFF' || request === 'REQBUFS') this.#last.delete(queue);
    const view = bufferCalls[request];
    if (view === null || view === undefined) return;
    const b = ret as V4L2Buffer;
    const lastSequence = this.#last.get(queue) ?? -1;
    const given = givenBy(request, arg as V4L2BufferArg, b);
    this.#check(`${request} returned`, b, {
      ...this.#of(queue),
      view: view === 'as found' ? viewOf(b) : view,
      ...(view === 'dequeued' ? { lastSequence } : { index: (arg as V4L2BufferArg).index }),
      ...(given !== null && { given }),
    });
    if (view === 'dequeued' && planesOf(b)[0]!.bytesused > 0) this.#last.set(queue, b.sequence);
  }

  #sweep(request: string, queue: VB2Queue): void {
    this.calls.set(request, (this.calls.get(request) ?? 0) + 1);
    for (const vb of queue.buffers.values()) {
      const b = queue.describe(vb);
      const expected = { ...this.#of(queue), view: viewOf(b), index: vb.index };
      this.#check(`after ${request}`, b, expected);
    }
  }

  #of(queue: VB2Queue): Pick<Expected, 'type' | 'memory' | 'maxBuffers'> {
    return { type: queue.type, memory: queue.memory, maxBuffers: queue.opts.maxBuffers };
  }

  #check(when: string, b: V4L2Buffer, expected: Expected): void {
    this.nrChecked++;
    try {
      checkBuffer(b, expected);
    } catch (e) {
      this.violations.push(`${when}: buffer ${b.index} ${expected.view}: ${String(e)}`);
    }
  }

  /** AssertionError: what did not hold. */
  settle(): void {
    assert.deepEqual(this.violations, []);
  }
}

/** The invariants of every buffer of a queue as it is now. AssertionError. */
export function checkQueue(queue: VB2Queue): void {
  const { type, memory, opts } = queue;
  for (const vb of queue.buffers.values()) {
    const b = queue.describe(vb);
    const view = viewOf(b);
    checkBuffer(b, { type, memory, maxBuffers: opts.maxBuffers, view, index: vb.index });
  }
}

/** Pointer, length and file come back as they were given; a dma-buf's length may be left open. */
function givenBy(
  request: string,
  arg: V4L2BufferArg,
  b: V4L2Buffer,
): NonNullable<Expected['given']> | null {
  if (request !== 'QBUF' && request !== 'PREPARE_BUF') return null;
  if (b.memory === 'MMAP') return null;
  return planesOf(b).map((plane, p) => {
    const said = b.planes.length > 0 ? arg.planes![p]! : arg;
    const { userptr = 0, dmabuf = null } = said;
    return { userptr, dmabuf, length: said.length || (dmabuf?.len ?? plane.length) };
  });
}
