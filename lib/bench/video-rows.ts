// Bench rows of drivers/v4l2 on a live machine: how fast buffers go round between application and
// camera, and frames of 1920x1080 YUYV into user memory that is a DAX file.

import assert from 'node:assert/strict';
import v4l2, { type V4L2State, type VideoClient } from '../../drivers/v4l2/index.js';
import { bootMachine, type Machine } from '../machine.js';
import { native } from '../native.js';
import { MiB, pagesSpanned, posOf } from '../units.js';
import { type Measure, measure, measureAsync, scaled } from './measure.js';
import type { Row } from './row.js';

/** The clock is never late with this interval: the camera is as fast as the memory. */
const INTERVAL_NS = 1;
const NR_BUFFERS = 4;

interface Stream {
  readonly camera: VideoClient;
  readonly addrs: readonly number[];
  readonly sizeimage: number;
}

/** A stream into user memory, every buffer of which is part of one mapped DAX file. */
async function start(machine: Machine, width: number, height: number): Promise<Stream> {
  const app = machine.spawn('app');
  const camera = await app.openDevice('video0');
  const { sizeimage } = await camera.setFormat({ width, height, pixelformat: 'YUYV' });
  const each = posOf(pagesSpanned(0, sizeimage));
  const fd = await app.open(`/frames-${width}`, ['rdwr', 'creat']);
  await app.fallocate(fd, 'alloc', 0, NR_BUFFERS * each);
  const addr = await app.mmap({ fd, len: NR_BUFFERS * each });
  const addrs = Array.from({ length: NR_BUFFERS }, (_, index) => addr + index * each);
  await camera.requestBuffers({ count: NR_BUFFERS, memory: 'USERPTR' });
  for (const [index, userptr] of addrs.entries()) {
    await camera.queueBuffer({ index, memory: 'USERPTR', userptr, length: sizeimage });
  }
  await camera.streamOn();
  const { camera: model } = machine.drivers.device('v4l20').driverState as V4L2State;
  model.clock.setRate(INTERVAL_NS);
  return { camera, addrs, sizeimage };
}

/** One buffer comes back and goes in again. */
async function turn({ camera, addrs, sizeimage }: Stream): Promise<void> {
  const { index, flags } = await camera.dequeueBuffer();
  assert(!flags.includes('ERROR'), `buffer ${index} came back in ERROR`);
  const userptr = addrs[index]!;
  await camera.queueBuffer({ index, memory: 'USERPTR', userptr, length: sizeimage });
}

async function turnNs(machine: Machine, size: [number, number], timing: Measure): Promise<number> {
  const stream = await start(machine, ...size);
  const { ns } = await measureAsync(timing, () => turn(stream));
  await stream.camera.close();
  return ns;
}

/** effort: see scaled(). */
export async function videoRows(effort = 1): Promise<Row[]> {
  await using machine = await bootMachine({
    ...{ size: 64 * MiB, kernel: 'proposed', drivers: [v4l2] },
    mounts: { '/': { flavor: 'ext4', dax: true, policy: 'revoke' } },
  });
  assert.equal(machine.sched.on, false, 'the bench machine is live');
  const small = scaled(effort, { batch: 100, batches: 41 });
  const large = scaled(effort, { batch: 8, batches: 41 });
  const pairNs = await turnNs(machine, [320, 180], small);
  const len = 1920 * 1080 * 2;
  const from = new Uint8Array(new SharedArrayBuffer(len)).fill(0x5a);
  const to = new Uint8Array(new SharedArrayBuffer(NR_BUFFERS * len));
  let next = 0; // round the buffers, as the camera goes: what the caches hold counts at this size
  const memcpyNs = measure(large, () => {
    native.memcpy(to, (next++ % NR_BUFFERS) * len, from, 0, len);
  }).ns;
  const frameNs = await turnNs(machine, [1920, 1080], large);
  assert.deepEqual(machine.referee.verdict().stray, []);
  const hd = '1920x1080 YUYV frames into a DAX file';
  return [
    { name: 'QBUF and DQBUF, pairs at 320x180', value: 1e9 / pairNs, unit: '/s' },
    { name: hd, value: 1e9 / frameNs, unit: '/s' },
    { name: `${hd}, against memcpy`, value: (100 * memcpyNs) / frameNs, unit: '% of memcpy' },
  ];
}
