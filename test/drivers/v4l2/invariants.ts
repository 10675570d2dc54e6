// The buffer invariants of v4l2-compliance (buffer::check in v4l2-test-buffers.cpp), as one
// function that every test calls after every buffer call.

import type { ExecutionContext } from 'ava';
import type { V4L2Buffer } from '../../../drivers/v4l2/buffer.js';

export type BufferView = 'unqueued' | 'prepared' | 'queued' | 'done' | 'dequeued';

export interface Expected {
  readonly type: V4L2Buffer['type'];
  readonly memory: V4L2Buffer['memory'];
  readonly index?: number;
  readonly maxBuffers: number;
  readonly view: BufferView;
  /** The last sequence number that was dequeued. */
  readonly lastSequence?: number;
}

/** What the flags of a queried buffer say it is. */
export function viewOf(b: V4L2Buffer): BufferView {
  if (b.flags.includes('QUEUED')) return 'queued';
  if (b.flags.includes('PREPARED')) return 'prepared';
  if (b.flags.includes('DONE')) return 'done';
  return b.timestampNs === 0 && b.sequence === 0 ? 'unqueued' : 'dequeued';
}

const count = (b: V4L2Buffer, ...flags: V4L2Buffer['flags'][number][]): number =>
  flags.filter((flag) => b.flags.includes(flag)).length;

/** Every rule that a buffer in this view keeps. */
export function checkBuffer(t: ExecutionContext, b: V4L2Buffer, e: Expected): void {
  t.is(b.type, e.type);
  t.is(b.memory, e.memory);
  if (e.index !== undefined) t.is(b.index, e.index);
  t.true(b.index < e.maxBuffers, `index ${b.index}`);
  t.is(b.reserved2, 0);
  t.is(b.requestFd, 0);
  t.is(count(b, 'TIMESTAMP_MONOTONIC', 'TIMESTAMP_COPY'), 1, 'one timestamp source');
  t.true(count(b, 'KEYFRAME', 'PFRAME', 'BFRAME') <= 1);
  t.true(count(b, 'QUEUED', 'DONE', 'PREPARED') <= 1);
  t.true(b.length > 0, 'length');
  checkView(t, b, e);
}

function checkView(t: ExecutionContext, b: V4L2Buffer, e: Expected): void {
  const copies = b.flags.includes('TIMESTAMP_COPY');
  switch (e.view) {
    case 'unqueued':
      t.is(count(b, 'QUEUED', 'PREPARED', 'DONE', 'ERROR'), 0);
      t.is(b.sequence, 0);
      t.is(b.timestampNs, 0);
      return;
    case 'prepared':
      t.is(count(b, 'PREPARED'), 1);
      t.is(count(b, 'QUEUED', 'DONE', 'ERROR'), 0);
      return;
    case 'queued':
      t.is(count(b, 'QUEUED', 'PREPARED'), 1);
      t.is(count(b, 'DONE', 'ERROR'), 0);
      if (!copies) t.is(b.timestampNs, 0);
      return;
    case 'done':
      t.is(count(b, 'DONE'), 1);
      return;
    case 'dequeued':
      t.is(count(b, 'QUEUED', 'PREPARED', 'DONE'), 0);
      checkPicture(t, b, e);
  }
}

function checkPicture(t: ExecutionContext, b: V4L2Buffer, e: Expected): void {
  if (!b.flags.includes('LAST') && !b.flags.includes('ERROR')) t.true(b.bytesused > 0, 'bytesused');
  t.true(b.bytesused <= b.length);
  t.true(b.timestampNs > 0, 'timestamp');
  const noFrame = b.flags.includes('ERROR') && b.bytesused === 0; // its memory was taken back
  if (e.lastSequence !== undefined && !noFrame)
    t.true(b.sequence > e.lastSequence, `sequence ${b.sequence}`);
  t.true(b.field !== 'ANY' && b.field !== 'ALTERNATE', b.field);
}
