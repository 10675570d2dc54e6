// Goal: a node says what it is, and a request it does not have is ENOTTY.

import test from 'ava';
import { deviceRequests } from '../../../drivers/v4l2/device-requests.js';
import { Bench } from './bench.js';
import { Rig } from './rig.js';

test('capabilities agree with what works', async (t) => {
  const rig = await Rig.open(t);
  const out = await Rig.join(t, rig.bench, { node: 'video1' });
  const caps = async (r: Rig) => (await r.run(r.cam.queryCap())).capabilities;
  t.true((await caps(rig)).includes('VIDEO_CAPTURE'));
  t.false((await caps(rig)).includes('VIDEO_OUTPUT'));
  t.true((await caps(out)).includes('VIDEO_OUTPUT'));
  for (const r of [rig, out]) {
    t.true((await caps(r)).includes('STREAMING'));
    t.true((await r.request(2)) > 0);
  }
});

test('the camera has an input, the screen an output', async (t) => {
  const rig = await Rig.open(t);
  const { io } = rig.cam;
  t.is((await rig.run(io.ioctl('ENUMINPUT', { index: 0 }))).type, 'CAMERA');
  t.is(await rig.run(io.ioctl('G_INPUT', undefined)), 0);
  await rig.refuses('EINVAL', io.ioctl('ENUMINPUT', { index: 1 }));
  await rig.refuses('EINVAL', io.ioctl('S_INPUT', 1));
  t.is(await rig.errno(io.ioctl('S_INPUT', 0)), undefined);
  await rig.refuses('ENOTTY', io.ioctl('ENUMOUTPUT', { index: 0 }));
  const out = await Rig.join(t, rig.bench, { node: 'video1' });
  t.is(await out.run(out.cam.io.ioctl('G_OUTPUT', undefined)), 0);
  await out.refuses('ENOTTY', out.cam.io.ioctl('G_INPUT', undefined));
});

test('a request that nobody knows is ENOTTY', async (t) => {
  const rig = await Rig.open(t);
  await rig.refuses('ENOTTY', rig.cam.io.ioctl('QUERYSTD' as never, undefined as never));
  const { state } = new Bench();
  const info = state.capture.opts.info;
  t.true('QUERYCAP' in deviceRequests(state.capture, info));
});
