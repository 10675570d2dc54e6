// Goal: each method of the client is the request of its name.

import test from 'ava';
import { Rig } from './rig.js';

test('what the device is and can do', async (t) => {
  const rig = await Rig.open(t);
  t.like(await rig.run(rig.cam.queryCap()), { driver: 'v4l2', busInfo: 'platform:camera' });
  t.like(await rig.run(rig.cam.enumFormat(0)), { pixelformat: 'YUYV' });
  const want = { width: 1, height: 1, pixelformat: 'GREY' };
  t.is((await rig.run(rig.cam.tryFormat(want))).width, 320);
  t.is((await rig.run(rig.cam.getFormat())).width, 640);
  t.is((await rig.run(rig.cam.getControl('brightness'))).value, 128);
  t.is((await rig.run(rig.cam.setControl('brightness', 999))).value, 255);
});

test('priority and events', async (t) => {
  const rig = await Rig.open(t);
  await rig.run(rig.cam.setPriority('RECORD'));
  t.is(await rig.run(rig.cam.getPriority()), 'RECORD');
  await rig.run(rig.cam.subscribeEvent({ type: 'FRAME_SYNC' }));
  await rig.refuses('ENOENT', rig.cam.dequeueEvent());
  await rig.request(2);
  await rig.streamOn();
  await rig.sleep(1);
  t.is(await rig.poll(10), 'POLLERR|POLLPRI');
  t.like(await rig.run(rig.cam.dequeueEvent()), { type: 'FRAME_SYNC', value: 0 });
  await rig.run(rig.cam.unsubscribeEvent({ type: 'ALL' }));
});

test('an exported buffer is closed once; after that it is EBADF', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2);
  const buf = await rig.run(rig.cam.exportBuffer(1));
  await rig.run(rig.cam.closeBuffer(buf));
  await rig.refuses('EBADF', rig.cam.closeBuffer(buf));
});

test('a buffer is mapped where the application can see it', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2);
  const addr = await rig.run(rig.cam.mapBuffer(1, { prot: 'r' }));
  t.deepEqual([...(await rig.load(addr, 4))], [0, 0, 0, 0], 'new memory is empty');
  t.true((await rig.query(1)).flags.includes('MAPPED'));
});
