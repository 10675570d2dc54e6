// Goal: the state of a buffer shows as the flags of facts 6.1, and cookies name buffers.

import test from 'ava';
import {
  bufTypeOf,
  describeBuffer,
  VB2Buffer,
  type BufferState,
} from '../../../drivers/v4l2/buffer.js';
import { FakeMemory } from './fake-queue.js';

const shown: Record<BufferState, string[]> = {
  DEQUEUED: [],
  PREPARING: [],
  QUEUED: ['QUEUED'],
  ACTIVE: ['QUEUED'],
  DONE: ['DONE'],
  ERROR: ['DONE', 'ERROR'],
};

for (const [state, flags] of Object.entries(shown)) {
  test(`${state} shows as ${flags.join(' and ') || 'no flag'}`, (t) => {
    const vb = new VB2Buffer(1, 'MMAP', [10]);
    vb.state = state as BufferState;
    t.deepEqual(describeBuffer(vb, 'VIDEO_CAPTURE', []).flags, flags);
  });
}

test('PREPARED shows only while DEQUEUED, MAPPED while somebody else has the memory', (t) => {
  const vb = new VB2Buffer(1, 'MMAP', [10]);
  const memory = new FakeMemory(10);
  vb.planes[0]!.memory = memory;
  vb.prepared = true;
  const flags = () => describeBuffer(vb, 'VIDEO_CAPTURE', ['TIMESTAMP_MONOTONIC']).flags;
  t.deepEqual(flags(), ['PREPARED', 'TIMESTAMP_MONOTONIC']);
  vb.state = 'QUEUED';
  memory.users = 1;
  t.deepEqual(flags(), ['MAPPED', 'QUEUED', 'TIMESTAMP_MONOTONIC']);
});

test('each buffer has a page boundary as its cookie; only MMAP buffers show it', (t) => {
  const offsets = Array.from({ length: 64 }, (_, i) => new VB2Buffer(i, 'MMAP', [10]).offset);
  t.is(new Set(offsets).size, 64);
  t.true(offsets.every((offset) => offset % 4096 === 0));
  t.is(describeBuffer(new VB2Buffer(3, 'USERPTR', [10]), 'VIDEO_CAPTURE', []).offset, 0);
});

test('a buffer of no bytes is a mistake', (t) => {
  t.throws(() => new VB2Buffer(0, 'MMAP', [0]), { message: /length 0/ });
});

test('types by their numbers', (t) => {
  t.deepEqual([0, 1, 2, 3, 9, 10, 11].map(bufTypeOf), [
    'NONE',
    'VIDEO_CAPTURE',
    'VIDEO_OUTPUT',
    'VIDEO_OVERLAY',
    'VIDEO_CAPTURE_MPLANE',
    'VIDEO_OUTPUT_MPLANE',
    'OTHER',
  ]);
});
