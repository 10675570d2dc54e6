// Goal: formats, sizes and rates are listed to their ends, and TRY changes nothing.

import test from 'ava';
import { kernelNames } from '../../../lib/kernel-rules.js';
import { cameraRequests, formatRequests } from '../../../drivers/v4l2/format-requests.js';
import { pixelFormats } from '../../../drivers/v4l2/formats.js';
import { v4l2Rules } from '../../../drivers/v4l2/rules.js';
import { Bench } from './bench.js';
import { Rig } from './rig.js';

test('ENUM_FMT lists every format, and EINVAL ends it', async (t) => {
  const rig = await Rig.open(t);
  for (const [index, { fourcc }] of pixelFormats.entries()) {
    t.is((await rig.run(rig.cam.enumFormat(index))).pixelformat, fourcc);
  }
  await rig.refuses('EINVAL', rig.cam.enumFormat(pixelFormats.length));
  await rig.refuses('EINVAL', rig.cam.io.ioctl('ENUM_FMT', { index: 0, type: 'VIDEO_OUTPUT' }));
});

for (const kernel of kernelNames) {
  test(`${kernel}: sizes and their intervals are those of the rows`, async (t) => {
    const rig = await Rig.open(t, { kernel });
    const { io } = rig.cam;
    const { webcamSizes, webcamIntervals } = v4l2Rules[kernel];
    for (const [index, { width, height, nrIntervals }] of webcamSizes.entries()) {
      const size = await rig.run(io.ioctl('ENUM_FRAMESIZES', { index, pixelformat: 'YUYV' }));
      t.like(size, { type: 'DISCRETE', width, height });
      const at = (i: number) =>
        io.ioctl('ENUM_FRAMEINTERVALS', { index: i, pixelformat: 'YUYV', width, height });
      const last = await rig.run(at(nrIntervals - 1));
      t.deepEqual(last.discrete, webcamIntervals[nrIntervals - 1]);
      await rig.refuses('EINVAL', at(nrIntervals));
    }
    const beyond = { index: webcamSizes.length, pixelformat: 'YUYV' };
    await rig.refuses('EINVAL', io.ioctl('ENUM_FRAMESIZES', beyond));
    await rig.refuses('EINVAL', io.ioctl('ENUM_FRAMESIZES', { index: 0, pixelformat: 'MJPG' }));
    const odd = { index: 0, pixelformat: 'YUYV', width: 100, height: 100 };
    await rig.refuses('EINVAL', io.ioctl('ENUM_FRAMEINTERVALS', odd));
  });
}

test('another type is EINVAL in each of them', async (t) => {
  const rig = await Rig.open(t);
  const type = 'VIDEO_OUTPUT' as const;
  const want = { width: 640, height: 360, pixelformat: 'YUYV', type };
  const { io } = rig.cam;
  await rig.refuses('EINVAL', io.ioctl('G_FMT', { type }));
  await rig.refuses('EINVAL', io.ioctl('S_FMT', want));
  await rig.refuses('EINVAL', io.ioctl('TRY_FMT', want));
  await rig.refuses('EINVAL', io.ioctl('G_PARM', { type }));
  await rig.refuses('EINVAL', io.ioctl('S_PARM', { type }));
});

test('the screen has no sizes to list', async (t) => {
  const rig = await Rig.open(t, { node: 'video1' });
  const arg = { index: 0, pixelformat: 'YUYV' };
  await rig.refuses('ENOTTY', rig.cam.io.ioctl('ENUM_FRAMESIZES', arg));
  const { state } = new Bench();
  t.false('ENUM_FRAMESIZES' in formatRequests(state.output));
  t.true('ENUM_FRAMESIZES' in cameraRequests(state.camera));
});
