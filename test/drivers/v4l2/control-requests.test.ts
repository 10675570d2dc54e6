// Goal: controls and events by request, on both nodes.

import test from 'ava';
import { controlRequests } from '../../../drivers/v4l2/control-requests.js';
import { Bench } from './bench.js';
import { Rig } from './rig.js';

test('the requests are the same on both nodes', (t) => {
  const { capture, output } = new Bench().state;
  t.deepEqual(Object.keys(controlRequests(capture)), Object.keys(controlRequests(output)));
});

test('several controls are set all or none', async (t) => {
  const { cam, run, refuses } = await withIO(t);
  await refuses(
    'EINVAL',
    cam.io.ioctl('S_EXT_CTRLS', [
      { id: 'brightness', value: 1 },
      { id: 'nothing', value: 1 },
    ]),
  );
  t.deepEqual(await run(cam.io.ioctl('G_EXT_CTRLS', [{ id: 'brightness' }])), [
    { id: 'brightness', value: 128 },
  ]);
  t.deepEqual(await run(cam.io.ioctl('TRY_EXT_CTRLS', [{ id: 'contrast', value: 999 }])), [
    { id: 'contrast', value: 255 },
  ]);
  t.deepEqual(await run(cam.io.ioctl('S_EXT_CTRLS', [{ id: 'contrast', value: 7 }])), [
    { id: 'contrast', value: 7 },
  ]);
});

test('controls describe themselves', async (t) => {
  const { cam, run, refuses } = await withIO(t);
  t.like(await run(cam.io.ioctl('QUERYCTRL', { id: 'test_pattern' })), {
    type: 'MENU',
    maximum: 4,
  });
  t.like(await run(cam.io.ioctl('QUERYMENU', { id: 'test_pattern', index: 3 })), { name: 'Noise' });
  await refuses('EINVAL', cam.io.ioctl('QUERYMENU', { id: 'test_pattern', index: 5 }));
  t.true((await run(cam.io.ioctl('QUERY_EXT_CTRL', undefined))).length >= 9);
});

test('the scene changes with its control', async (t) => {
  const { cam, run, refuses } = await withIO(t);
  await run(cam.setControl('test_pattern', 1));
  await refuses('ERANGE', cam.setControl('test_pattern', 99));
  const { value } = await run(cam.getControl('test_pattern'));
  t.is(value, 1);
});

test('a subscriber hears of controls that others set, and at once if it asked', async (t) => {
  const rig = await Rig.open(t);
  const other = await Rig.join(t, rig.bench, { app: rig.app });
  const spec = { type: 'CTRL', id: 'contrast' } as const;
  await rig.run(rig.cam.subscribeEvent({ ...spec, flags: ['SEND_INITIAL'] }));
  t.like(await rig.run(rig.cam.dequeueEvent()), { type: 'CTRL', id: 'contrast', value: 128 });
  await rig.run(rig.cam.setControl('contrast', 5));
  await rig.refuses('ENOENT', rig.cam.dequeueEvent(), 'its own change');
  await other.run(other.cam.setControl('contrast', 6));
  t.like(await rig.run(rig.cam.dequeueEvent()), { value: 6 });
});

test('what the node does not tell of is EINVAL', async (t) => {
  const rig = await Rig.open(t);
  await rig.refuses('EINVAL', rig.cam.subscribeEvent({ type: 'CTRL' }));
  await rig.refuses('EINVAL', rig.cam.subscribeEvent({ type: 'CTRL', id: 'nothing' }));
  await rig.refuses('EINVAL', rig.cam.subscribeEvent({ type: 'ALL' }));
  const out = await Rig.join(t, rig.bench, { node: 'video1' });
  await out.refuses('EINVAL', out.cam.subscribeEvent({ type: 'FRAME_SYNC' }));
});

async function withIO(t: Parameters<typeof Rig.open>[0]) {
  const rig = await Rig.open(t);
  return {
    cam: rig.cam,
    run: <T>(promise: Promise<T>) => rig.run(promise),
    refuses: (code: string, promise: Promise<unknown>) => rig.refuses(code, promise),
  };
}
