// Goal: the screen shows what was queued, in order, and keeps the last picture until the next.

import test from 'ava';
import { Rig } from './rig.js';

test('buffers are shown in order; the last one stays until another is behind it', async (t) => {
  const rig = await Rig.open(t, { node: 'video1' });
  await rig.request(3);
  const addrs: number[] = [];
  for (const index of [0, 1, 2]) {
    const addr = await rig.run(rig.cam.mapBuffer(index));
    addrs.push(addr);
    await rig.run(rig.app.store(addr, new Uint8Array(460800).fill(0x10 + index)));
    await rig.qbuf(index);
  }
  await rig.streamOn();
  t.is(await rig.poll(1000), 'POLLOUT');
  t.is((await rig.dqbuf()).index, 0);
  t.is(await rig.poll(1000), 'POLLOUT');
  t.is((await rig.dqbuf()).index, 1);
  t.true(rig.bench.board.display.picture.every((v) => v === 0x11));
  t.is(await rig.poll(500), 'timeout', 'the last buffer is on the screen');
  await rig.streamOff();
});

test('a picture that is not all there is EINVAL', async (t) => {
  const rig = await Rig.open(t, { node: 'video1' });
  await rig.request(2);
  await rig.refuses('EINVAL', rig.cam.queueBuffer({ index: 0, bytesused: 1000 }));
  await rig.qbuf(0, { bytesused: 460800 });
});

test('user memory is read, not written: a read-only mapping does from 6.12 on', async (t) => {
  for (const [kernel, want] of [
    ['6.1', 'EFAULT'],
    ['6.12', undefined],
  ] as const) {
    const rig = await Rig.open(t, { node: 'video1', kernel });
    await rig.request(2, 'USERPTR');
    const userptr = await rig.memory(1 << 20, 'r');
    const arg = { index: 0, memory: 'USERPTR', userptr, length: 460800 } as const;
    t.is(await rig.errno(rig.cam.queueBuffer(arg)), want, kernel);
  }
});

test('S_FMT and S_PARM do as on the camera', async (t) => {
  const rig = await Rig.open(t, { node: 'video1' });
  const wide = await rig.run(rig.cam.setFormat({ width: 2000, height: 1000, pixelformat: 'NV12' }));
  t.like(wide, { width: 1920, height: 1080, sizeimage: 1920 * 1080 * 1.5 });
  const parm = await rig.run(rig.cam.setParm({ timeperframe: { numerator: 1, denominator: 24 } }));
  t.deepEqual(parm.timeperframe, { numerator: 1, denominator: 24 });
  await rig.request(2);
  await rig.refuses('EBUSY', rig.cam.setFormat({ width: 640, height: 360, pixelformat: 'YUYV' }));
});
