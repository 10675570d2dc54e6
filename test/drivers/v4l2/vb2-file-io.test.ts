// Goal: read() gives out frames in pieces and in order, write() shows what was written, and closing
//   leaves nothing.

import test from 'ava';
import { readCounter } from '../../../drivers/v4l2/patterns.js';
import { patternNames } from '../../../drivers/v4l2/patterns.js';
import { requestBuffers } from '../../../drivers/v4l2/vb2-alloc.js';
import { FileIO } from '../../../drivers/v4l2/vb2-file-io.js';
import { FakeQueue } from './fake-queue.js';
import { Rig } from './rig.js';

test('read() gives whole frames, however it is cut, in the order of their numbers', async (t) => {
  const rig = await Rig.open(t, { flags: ['rdwr'] });
  await rig.run(rig.cam.setControl('test_pattern', patternNames.indexOf('Counter')));
  const grey = { width: 320, height: 180, pixelformat: 'GREY' };
  const { sizeimage } = await rig.run(rig.cam.setFormat(grey));
  for (let n = 0; n < 4; n++) {
    const frame = new Uint8Array(sizeimage);
    for (let pos = 0; pos < sizeimage;) {
      const piece = await rig.run(rig.cam.read(20_000));
      t.true(piece.length > 0 && pos + piece.length <= sizeimage);
      frame.set(piece, pos);
      pos += piece.length;
    }
    t.is(readCounter(frame.subarray(0, 320)), n);
  }
  await rig.run(rig.cam.close());
  t.is(rig.queue.buffers.size, 0);
});

test('a non-blocking read without a frame is EAGAIN, and starts the stream', async (t) => {
  const rig = await Rig.open(t);
  await rig.refuses('EAGAIN', rig.cam.read(10));
  t.true(rig.queue.streaming);
  t.is(await rig.poll(), 'POLLIN');
  t.is((await rig.run(rig.cam.read(10))).length, 10);
});

test('write() shows frames, and poll says when it would not wait', async (t) => {
  const rig = await Rig.open(t, { node: 'video1', flags: ['rdwr'] });
  const { sizeimage } = await rig.run(rig.cam.getFormat());
  t.is(await rig.poll(0), 'POLLOUT');
  for (const byte of [1, 2, 3, 4]) {
    const frame = new Uint8Array(sizeimage).fill(byte);
    for (let pos = 0; pos < sizeimage;) {
      pos += await rig.run(rig.cam.write(frame.subarray(pos, pos + 100_000)));
    }
  }
  await rig.sleep(200);
  const { display } = rig.bench.board;
  t.true(display.nrShown >= 2);
  t.true(display.picture.every((v) => v === display.picture[0]!));
});

test('buffers that exist already are EBUSY; a refused start leaves nothing', (t) => {
  const f = new FakeQueue();
  requestBuffers(f.queue, 'MMAP', 1);
  t.throws(() => new FileIO(f.queue), { message: /EBUSY/ });
  requestBuffers(f.queue, 'MMAP', 0);
  f.allocations = 0;
  t.throws(() => new FileIO(f.queue), { message: /ENOMEM/ });
  t.is(f.queue.fileIO, null);
  f.allocations = 9;
  const io = new FileIO(f.queue);
  t.is(f.queue.fileIO, io);
  t.true(f.queue.streaming);
  t.false(io.canWrite);
  io.close();
  t.is(f.queue.fileIO, null);
  t.is(f.held, 0);
});
