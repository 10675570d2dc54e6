// The buffer invariants of v4l2-compliance (buffer::check of its buffer tests), as one function.
// watch.ts calls it after every buffer call of every test, for every buffer there is.

import assert from 'node:assert/strict';
import type { V4L2Buffer, V4L2Plane } from '../../../drivers/v4l2/buffer.js';

export type BufferView = 'unqueued' | 'prepared' | 'queued' | 'done' | 'dequeued' | 'idle';

export interface Expected {
  readonly type: V4L2Buffer['type'];
  readonly memory: V4L2Buffer['memory'];
  readonly index?: number;
  readonly maxBuffers: number;
  /** 'idle': with the application, with or without a picture of some earlier time. */
  readonly view: BufferView;
  /** The last sequence number that was dequeued. */
  readonly lastSequence?: number;
  /** What PREPARE or QBUF was given, to come back unchanged. */
  readonly given?: readonly Pick<V4L2Plane, 'userptr' | 'length' | 'dmabuf'>[];
}

/** The planes of a multi-planar buffer; a single-planar one is its own. */
export const planesOf = (b: V4L2Buffer): readonly Omit<V4L2Plane, 'dataOffset'>[] =>
  b.planes.length > 0 ? b.planes : [b];

/** What the flags of a queried buffer say it is. */
export function viewOf(b: V4L2Buffer): BufferView {
  if (b.flags.includes('QUEUED')) return 'queued';
  if (b.flags.includes('PREPARED')) return 'prepared';
  if (b.flags.includes('DONE')) return 'done';
  return b.timestampNs === 0 && b.sequence === 0 ? 'unqueued' : 'idle';
}

const count = (b: V4L2Buffer, ...flags: V4L2Buffer['flags'][number][]): number =>
  flags.filter((flag) => b.flags.includes(flag)).length;

/** Every rule that a buffer in this view keeps. AssertionError. */
export function checkBuffer(b: V4L2Buffer, e: Expected): void {
  assert.equal(b.type, e.type);
  assert.equal(b.memory, e.memory);
  if (e.index !== undefined) assert.equal(b.index, e.index);
  assert(b.index < e.maxBuffers, `index ${b.index}`);
  assert.equal(b.reserved2, 0);
  assert.equal(b.requestFd, 0);
  assert.equal(count(b, 'TIMESTAMP_MONOTONIC', 'TIMESTAMP_COPY'), 1, 'one timestamp source');
  if (b.type.startsWith('VIDEO_OUTPUT')) {
    assert(copies(b) || count(b, 'TSTAMP_SRC_SOE') === 0, 'only a copied time is of the start');
  }
  assert(count(b, 'KEYFRAME', 'PFRAME', 'BFRAME') <= 1, 'one kind of frame');
  assert(count(b, 'QUEUED', 'DONE', 'PREPARED') <= 1, 'one state');
  checkMemory(b, e);
  checkView(b, e);
}

const copies = (b: V4L2Buffer): boolean => b.flags.includes('TIMESTAMP_COPY');

/** User memory that was refused leaves the plane empty (the err label of __prepare_userptr). */
function checkMemory(b: V4L2Buffer, e: Expected): void {
  const sure = e.view === 'queued' || e.view === 'prepared';
  if (b.planes.length > 0) assert.equal(b.length, b.planes.length, 'as many planes as it says');
  for (const { userptr, dmabuf, length } of planesOf(b)) {
    const empty = b.memory !== 'MMAP' && userptr === 0 && dmabuf === null;
    if (!empty || sure) assert(length > 0, 'length');
  }
  if (e.given === undefined) return;
  const memory = planesOf(b).map(({ userptr, length, dmabuf }) => ({ userptr, length, dmabuf }));
  assert.deepEqual(memory, e.given);
}

function checkView(b: V4L2Buffer, e: Expected): void {
  switch (e.view) {
    case 'unqueued':
      assert.equal(count(b, 'QUEUED', 'PREPARED', 'DONE', 'ERROR'), 0);
      assert.equal(b.sequence, 0);
      assert.equal(b.timestampNs, 0);
      return;
    case 'prepared':
      assert.equal(count(b, 'PREPARED'), 1);
      assert.equal(count(b, 'QUEUED', 'DONE', 'ERROR'), 0);
      return;
    case 'queued':
      assert.equal(count(b, 'QUEUED', 'PREPARED'), 1);
      assert.equal(count(b, 'DONE', 'ERROR'), 0);
      if (!copies(b)) assert.equal(b.timestampNs, 0, 'a queued buffer has no time');
      return;
    case 'done':
      assert.equal(count(b, 'DONE'), 1);
      assert(b.timestampNs > 0, 'a done buffer has its time');
      return;
    case 'idle':
      assert.equal(count(b, 'QUEUED', 'PREPARED', 'DONE', 'ERROR'), 0);
      if (b.memory === 'MMAP') checkBytes(b); // a refusal empties planes of user memory
      return;
    case 'dequeued':
      assert.equal(count(b, 'QUEUED', 'PREPARED', 'DONE'), 0);
      checkPicture(b, e);
  }
}

function checkBytes(b: V4L2Buffer): void {
  for (const { bytesused, length } of planesOf(b)) {
    assert(bytesused <= length, `${bytesused} bytes of ${length}`);
  }
}

function checkPicture(b: V4L2Buffer, e: Expected): void {
  for (const { bytesused } of planesOf(b)) {
    if (count(b, 'LAST', 'ERROR') === 0) assert(bytesused > 0, 'bytesused');
  }
  checkBytes(b);
  for (const { dataOffset, bytesused } of b.planes) {
    assert(dataOffset === 0 || dataOffset < bytesused, 'data_offset');
  }
  assert(b.timestampNs > 0, 'timestamp');
  // Its memory was taken back: there was no frame.
  const noFrame = b.flags.includes('ERROR') && planesOf(b)[0]!.bytesused === 0;
  const { lastSequence = -1 } = e;
  if (!noFrame) assert(b.sequence > lastSequence, `sequence ${b.sequence} after ${lastSequence}`);
  assert.equal(b.field, 'NONE', 'the field of the format');
}
