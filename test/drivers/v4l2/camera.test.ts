// Goal: the camera has vivid's sizes, rates and habits, and its frames are the sensor's.

import test from 'ava';
import { intervalNs } from '../../../drivers/v4l2/stream-unit.js';
import { patternNames, readCounter } from '../../../drivers/v4l2/patterns.js';
import { ms } from '../../../lib/units.js';
import { Rig } from './rig.js';

test('it starts at the second size, YUYV, five frames a second', async (t) => {
  for (const [kernel, height] of [
    ['6.1', 360],
    ['6.12', 360],
    ['7.2', 240],
  ] as const) {
    const { camera } = (await Rig.open(t, { kernel })).bench.state;
    const { webcamSizes } = camera.rules;
    t.is(webcamSizes[1]!.height, height);
    t.is(intervalNs(camera.interval), ms(200));
  }
});

test('S_FMT with buffers is EBUSY and changes nothing', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2);
  const small = { width: 320, height: 180, pixelformat: 'GREY' };
  await rig.refuses('EBUSY', rig.cam.setFormat(small));
  t.is((await rig.run(rig.cam.getFormat())).width, 640);
  await rig.request(0);
  t.like(await rig.run(rig.cam.setFormat(small)), { width: 320, sizeimage: 57600 });
});

test('S_PARM takes the first rate that is fast enough; none means the fastest', async (t) => {
  const rig = await Rig.open(t, { kernel: '6.12' });
  const set = async (numerator: number, denominator: number) =>
    (await rig.run(rig.cam.setParm({ timeperframe: { numerator, denominator } }))).timeperframe;
  t.deepEqual(await set(1, 30), { numerator: 1, denominator: 30 });
  t.deepEqual(await set(1, 29), { numerator: 1, denominator: 30 });
  t.deepEqual(await set(10, 1), { numerator: 1, denominator: 1 });
  t.deepEqual(await set(1, 1000), { numerator: 1, denominator: 120 });
  t.deepEqual(await set(0, 0), { numerator: 1, denominator: 120 });
});

test('a larger size takes away the rates it cannot do', async (t) => {
  for (const [kernel, rate] of [
    ['6.1', 2],
    ['6.12', 15],
  ] as const) {
    const rig = await Rig.open(t, { kernel });
    await rig.run(rig.cam.setParm({ timeperframe: { numerator: 0, denominator: 0 } }));
    await rig.run(rig.cam.setFormat({ width: 3840, height: 2160, pixelformat: 'YUYV' }));
    t.is((await rig.run(rig.cam.getParm())).timeperframe.denominator, rate);
  }
});

test('the rate may change while streaming', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(4);
  await rig.queueAll(4);
  await rig.streamOn();
  await rig.dqbuf();
  await rig.run(rig.cam.setParm({ timeperframe: { numerator: 1, denominator: 10 } }));
  const start = rig.bench.sched.clock.nowNs;
  for (const n of [1, 2, 3]) {
    t.is(await rig.poll(), 'POLLIN');
    t.is((await rig.dqbuf()).timestampNs, start + n * ms(100) + 1000);
  }
});

test('a tick without a buffer is a lost frame, and the counter shows the same gap', async (t) => {
  const rig = await Rig.open(t);
  await rig.run(rig.cam.setControl('test_pattern', patternNames.indexOf('Counter')));
  await rig.run(rig.cam.setFormat({ width: 320, height: 180, pixelformat: 'GREY' }));
  await rig.request(2);
  const addr = await rig.run(rig.cam.mapBuffer(0));
  await rig.qbuf(0);
  await rig.streamOn();
  for (const sequence of [0, 6, 12]) {
    t.is(await rig.poll(), 'POLLIN');
    t.is((await rig.dqbuf()).sequence, sequence);
    t.is(readCounter(await rig.load(addr, 320)), sequence);
    await rig.sleep(1100);
    await rig.qbuf(0);
  }
});

test('the last frame of a scene is marked; after it EPIPE, until STREAMOFF', async (t) => {
  const rig = await Rig.open(t);
  rig.bench.board.sensor.framesLeft = 2;
  await rig.run(rig.cam.subscribeEvent({ type: 'EOS' }));
  await rig.request(3);
  await rig.queueAll(3);
  await rig.streamOn();
  t.is(await rig.poll(), 'POLLIN');
  t.false((await rig.dqbuf()).flags.includes('LAST'));
  await rig.sleep(300);
  t.true((await rig.dqbuf()).flags.includes('LAST'));
  await rig.refuses('EPIPE', rig.cam.dequeueBuffer());
  t.is(await rig.poll(), 'POLLIN|POLLPRI');
  t.like(await rig.run(rig.cam.dequeueEvent()), { type: 'EOS' });
  await rig.streamOff();
  rig.bench.board.sensor.framesLeft = Infinity;
  await rig.queueAll(3);
  await rig.streamOn();
  t.is(await rig.poll(), 'POLLIN');
  await rig.dqbuf();
});

test('the frame goes out page by page, through the mapping only', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2);
  await rig.queueAll(2);
  await rig.streamOn();
  await rig.dqbuf();
  const { dma } = rig.bench;
  t.is(
    dma.reduce((sum, e) => sum + e.len, 0),
    460800,
  );
  t.true(dma.every((e) => e.access === 'write' && e.live && e.len <= 4096));
});
