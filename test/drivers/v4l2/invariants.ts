// The buffer invariants of v4l2-compliance (buffer::check of its buffer tests), as one function.
// watch.ts calls it after every buffer call of every test, for every buffer there is.

import assert from 'node:assert/strict';
import type { V4L2Buffer } from '../../../drivers/v4l2/buffer.js';

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
  readonly given?: Pick<V4L2Buffer, 'userptr' | 'length' | 'dmabuf'>;
}

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
  if (b.type === 'VIDEO_OUTPUT') assert.equal(count(b, 'TSTAMP_SRC_SOE') > 0 && !copies(b), false);
  assert(count(b, 'KEYFRAME', 'PFRAME', 'BFRAME') <= 1, 'one kind of frame');
  assert(count(b, 'QUEUED', 'DONE', 'PREPARED') <= 1, 'one state');
  checkMemory(b, e);
  checkView(b, e);
}

const copies = (b: V4L2Buffer): boolean => b.flags.includes('TIMESTAMP_COPY');

/** User memory that was refused leaves the plane empty (the err label of __prepare_userptr). */
function checkMemory(b: V4L2Buffer, e: Expected): void {
  const empty = b.memory !== 'MMAP' && b.userptr === 0 && b.dmabuf === null;
  if (!empty || e.view === 'queued' || e.view === 'prepared') assert(b.length > 0, 'length');
  if (e.given === undefined) return;
  assert.deepEqual({ userptr: b.userptr, length: b.length, dmabuf: b.dmabuf }, e.given);
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
      return;
    case 'dequeued':
      assert.equal(count(b, 'QUEUED', 'PREPARED', 'DONE'), 0);
      checkPicture(b, e);
  }
}

function checkPicture(b: V4L2Buffer, e: Expected): void {
  if (count(b, 'LAST', 'ERROR') === 0) assert(b.bytesused > 0, 'bytesused');
  assert(b.bytesused <= b.length, `${b.bytesused} bytes of ${b.length}`);
  assert(b.timestampNs > 0, 'timestamp');
  const noFrame = b.flags.includes('ERROR') && b.bytesused === 0; // its memory was taken back
  const { lastSequence = -1 } = e;
  if (!noFrame) assert(b.sequence > lastSequence, `sequence ${b.sequence} after ${lastSequence}`);
  assert.equal(b.field, 'NONE', 'the field of the format');
}
