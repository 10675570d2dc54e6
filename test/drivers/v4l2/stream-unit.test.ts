// Goal: what the camera and the screen share is the same on both.

import test from 'ava';
import { intervalNs } from '../../../drivers/v4l2/stream-unit.js';
import { frameSize, Rig } from './rig.js';

const nodes = ['video0', 'video1'] as const;

for (const node of nodes) {
  test(`${node}: S_FMT while there are buffers is EBUSY, and nothing is kept of it`, async (t) => {
    const rig = await Rig.open(t, { node });
    await rig.request(2);
    const other = { width: 1280, height: 720, pixelformat: 'GREY' };
    await rig.refuses('EBUSY', rig.cam.setFormat(other));
    t.is((await rig.run(rig.cam.getFormat())).sizeimage, frameSize);
    await rig.request(0);
    t.is((await rig.run(rig.cam.setFormat(other))).width, 1280);
  });

  test(`${node}: each injected error strikes the call that it names, once`, async (t) => {
    const rig = await Rig.open(t, { node });
    const inject = (id: string) => rig.run(rig.cam.setControl(id, 1));
    await inject('queue_setup_error');
    await rig.refuses('EINVAL', rig.cam.requestBuffers({ count: 2, memory: 'MMAP' }));
    await rig.request(2);
    await inject('buf_prepare_error');
    await rig.refuses('EINVAL', rig.cam.queueBuffer({ index: 0 }));
    await rig.queueAll(2);
    await inject('start_streaming_error');
    await rig.refuses('EINVAL', rig.cam.streamOn());
    await rig.streamOn();
    await inject('queue_error');
    await rig.refuses('EIO', rig.cam.dequeueBuffer());
  });

  test(`${node}: stopping gives back every buffer that waits`, async (t) => {
    const rig = await Rig.open(t, { node });
    await rig.request(4);
    await rig.queueAll(4);
    await rig.streamOn();
    await rig.streamOff();
    t.is(rig.queue.nrActive, 0);
    for (const vb of rig.queue.buffers.values()) t.is(vb.state, 'DEQUEUED');
  });
}

test('an interval is a fraction of a second', (t) => {
  t.is(intervalNs({ numerator: 2, denominator: 25 }), 80_000_000);
});
