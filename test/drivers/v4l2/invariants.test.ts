// Goal: no buffer call of any test goes unwatched, and a buffer that breaks a rule is found.
// Method: the sources of the tests are read for other ways to a node; buffers are spoilt on
//   purpose.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import {
  describeBuffer,
  VB2Buffer,
  type V4L2Buffer,
  type V4L2Plane,
} from '../../../drivers/v4l2/buffer.js';
import { root } from '../../support/root.js';
import { checkBuffer, type BufferView, type Expected } from './invariants.js';
import { bufferCalls } from './watch.js';
import { Rig } from './rig.js';

const here = join(root, 'test/drivers/v4l2');

test('a test that opens a node has its buffer calls watched', (t) => {
  for (const name of readdirSync(here).filter((file) => file.endsWith('.ts'))) {
    const text = readFileSync(join(here, name), 'utf8');
    const opens = text.match(/openDevice\('?(video|node)/g)?.length ?? 0;
    const watches = text.match(/watch\.attach\(/g)?.length ?? 0;
    t.true(opens <= watches, `${name} opens ${opens} nodes and watches ${watches}`);
  }
});

test('every request that moves buffers is watched', async (t) => {
  const rig = await Rig.open(t);
  const source = readFileSync(join(root, 'drivers/v4l2/buffer-requests.ts'), 'utf8');
  const requests = [...source.matchAll(/^ +([A-Z_]+): \(/gm)].map(([, request]) => request!);
  t.deepEqual(requests.sort(), Object.keys(bufferCalls).sort());
  const { watch } = rig.bench;
  await rig.request(2);
  await rig.refuses('EINVAL', rig.cam.io.ioctl('QUERYBUF', { index: 7 }), 'a bare request');
  for await (const frame of rig.cam.frames({ count: 2 })) {
    t.is(frame.buffer.index, 0);
    break;
  }
  t.deepEqual(Object.fromEntries(watch.calls), {
    ...{ REQBUFS: 3, QUERYBUF: 3, QBUF: 2, STREAMON: 1, DQBUF: 1, STREAMOFF: 1 },
  });
  t.true(watch.nrChecked > 18, 'two buffers after almost each of the 11 calls');
});

const asked = { type: 'VIDEO_CAPTURE', memory: 'MMAP', maxBuffers: 32 } as const;

const good = (view: BufferView): V4L2Buffer => {
  const vb = new VB2Buffer(3, 'MMAP', [100]);
  if (view === 'prepared') vb.prepared = true;
  if (view === 'queued') vb.state = 'QUEUED';
  if (view === 'done') vb.state = 'DONE';
  const b = describeBuffer(vb, 'VIDEO_CAPTURE', ['TIMESTAMP_MONOTONIC']);
  const picture = { bytesused: 100, timestampNs: 7, sequence: 5, field: 'NONE' as const };
  return view === 'dequeued' || view === 'done' || view === 'idle' ? { ...b, ...picture } : b;
};

const flags = (...more: V4L2Buffer['flags'][number][]): Partial<V4L2Buffer> => ({
  flags: ['TIMESTAMP_MONOTONIC', ...more],
});

/** One way to break each rule. */
const broken: readonly (readonly [rule: string, view: BufferView, spoilt: Partial<V4L2Buffer>])[] =
  [
    ['type as asked', 'unqueued', { type: 'VIDEO_OUTPUT' }],
    ['memory as asked', 'unqueued', { memory: 'USERPTR' }],
    ['index as asked', 'unqueued', { index: 4 }],
    ['index below the maximum', 'dequeued', { index: 32 }],
    ['reserved2 is 0', 'unqueued', { reserved2: 1 as never }],
    ['request_fd is 0', 'unqueued', { requestFd: 1 as never }],
    ['one timestamp source', 'unqueued', { flags: [] }],
    ['not two timestamp sources', 'unqueued', flags('TIMESTAMP_COPY')],
    ['one kind of frame', 'dequeued', flags('KEYFRAME', 'BFRAME')],
    ['one state', 'queued', flags('QUEUED', 'PREPARED')],
    ['length is not 0', 'unqueued', { length: 0 }],
    ['unqueued: no state', 'unqueued', flags('ERROR')],
    ['unqueued: sequence 0', 'unqueued', { sequence: 1 }],
    ['unqueued: timestamp 0', 'unqueued', { timestampNs: 1 }],
    ['prepared: PREPARED', 'prepared', flags()],
    ['prepared: nothing else', 'prepared', flags('PREPARED', 'ERROR')],
    ['queued: QUEUED', 'queued', flags()],
    ['queued: no ERROR', 'queued', flags('QUEUED', 'ERROR')],
    ['queued: timestamp 0', 'queued', { timestampNs: 1 }],
    ['done: DONE', 'done', flags()],
    ['idle: no state', 'idle', flags('DONE')],
    ['idle: bytesused <= length', 'idle', { bytesused: 101 }],
    ['dequeued: no DONE', 'dequeued', flags('DONE')],
    ['dequeued: bytesused is not 0', 'dequeued', { bytesused: 0 }],
    ['dequeued: bytesused <= length', 'dequeued', { bytesused: 101 }],
    ['dequeued: timestamp is not 0', 'dequeued', { timestampNs: 0 }],
    ['dequeued: sequence goes up', 'dequeued', { sequence: 4 }],
    ['dequeued: a field, not ANY', 'dequeued', { field: 'ANY' }],
    ['dequeued: a field, not ALTERNATE', 'dequeued', { field: 'ALTERNATE' }],
  ];

for (const [rule, view, spoilt] of broken) {
  test(`broken and found: ${rule}`, (t) => {
    const expected: Expected = { ...asked, view, lastSequence: 4 };
    t.notThrows(() => checkBuffer(good(view), { ...expected, index: 3 }));
    const index = spoilt.index === 32 ? {} : { index: 3 };
    t.throws(() => checkBuffer({ ...good(view), ...spoilt }, { ...expected, ...index }));
  });
}

const planes = (...bad: Partial<V4L2Plane>[]): V4L2Buffer => {
  const b = describeBuffer(new VB2Buffer(3, 'MMAP', [100, 50]), 'VIDEO_CAPTURE_MPLANE', []);
  const picture = { flags: flags().flags!, timestampNs: 7, sequence: 5 };
  const filled = b.planes.map((p, i) => ({ ...p, bytesused: p.length, ...bad[i] }));
  return { ...b, ...picture, planes: filled };
};

test('each rule of the memory holds for each plane', (t) => {
  const e: Expected = { ...asked, type: 'VIDEO_CAPTURE_MPLANE', view: 'dequeued' };
  t.notThrows(() => checkBuffer(planes(), e));
  for (const spoilt of [{ length: 0 }, { bytesused: 0 }, { bytesused: 51 }, { dataOffset: 50 }]) {
    t.throws(() => checkBuffer(planes({}, spoilt), e), undefined, JSON.stringify(spoilt));
  }
  t.throws(() => checkBuffer({ ...planes(), length: 1 }, e));
});

test('pointer, length and file must come back as they were given', (t) => {
  const given = [{ userptr: 4096, length: 100, dmabuf: null }];
  const e: Expected = { ...asked, memory: 'USERPTR', view: 'queued', given };
  const b: V4L2Buffer = { ...good('queued'), memory: 'USERPTR', userptr: 4096 };
  t.notThrows(() => checkBuffer(b, e));
  for (const spoilt of [{ userptr: 8192 }, { length: 99 }, { dmabuf: {} as never }]) {
    t.throws(() => checkBuffer({ ...b, ...spoilt }, e));
  }
});
