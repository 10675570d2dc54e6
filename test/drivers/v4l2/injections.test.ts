// Goal: an injected error strikes once, where it was ordered.

import test from 'ava';
import { ControlHandler } from '../../../drivers/v4l2/controls.js';
import { Injections } from '../../../drivers/v4l2/injections.js';
import { Rig } from './rig.js';

test('each button arms one error, which strikes once', (t) => {
  const controls = new ControlHandler();
  const injections = new Injections();
  let fatal = 0;
  injections.addTo(controls, () => fatal++);
  for (const [id, error] of [
    ['dqbuf_error', 'frame'],
    ['queue_setup_error', 'queueSetup'],
    ['buf_prepare_error', 'bufPrepare'],
    ['start_streaming_error', 'startStreaming'],
  ] as const) {
    t.false(injections.take(error));
    controls.set(id, 1);
    t.throws(() => injections.check(error), { message: /EINVAL/ });
    t.notThrows(() => injections.check(error));
  }
  controls.set('queue_error', 1);
  t.is(fatal, 1);
  controls.set('perc_dropped', 30);
  t.is(injections.percentDropped, 30);
});

test('REQBUFS, QBUF and STREAMON fail once each, and leave things as they were', async (t) => {
  const rig = await Rig.open(t);
  const arm = (id: string) => rig.run(rig.cam.setControl(id, 1));
  await arm('queue_setup_error');
  await rig.refuses('EINVAL', rig.cam.requestBuffers({ count: 2, memory: 'MMAP' }));
  t.is(rig.queue.memory, 'UNKNOWN');
  t.is(await rig.request(2), 2);
  await arm('buf_prepare_error');
  await rig.refuses('EINVAL', rig.cam.queueBuffer({ index: 0 }));
  await rig.query(0);
  t.is(rig.queue.buffer(0).state, 'DEQUEUED');
  await rig.queueAll(2);
});

test('an injected frame error gives the buffer back with ERROR, and DQBUF succeeds', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2);
  await rig.queueAll(2);
  await rig.run(rig.cam.setControl('dqbuf_error', 1));
  await rig.streamOn();
  t.is(await rig.poll(), 'POLLIN');
  t.true((await rig.dqbuf()).flags.includes('ERROR'));
  t.is(await rig.poll(), 'POLLIN');
  t.false((await rig.dqbuf()).flags.includes('ERROR'));
});

test('a fatal error: QBUF and DQBUF EIO, poll POLLERR, until STREAMOFF', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(3);
  await rig.queueAll(2);
  await rig.streamOn();
  await rig.run(rig.cam.setControl('queue_error', 1));
  await rig.refuses('EIO', rig.cam.queueBuffer({ index: 2 }));
  await rig.refuses('EIO', rig.cam.dequeueBuffer());
  t.is(await rig.poll(), 'POLLERR');
  await rig.streamOff();
  await rig.queueAll(3);
});

test('dropped frames are gaps in the sequence numbers', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(4);
  await rig.queueAll(4);
  await rig.run(rig.cam.setControl('perc_dropped', 50));
  await rig.streamOn();
  let last = -1;
  let gaps = 0;
  for (let n = 0; n < 12; n++) {
    t.is(await rig.poll(10000), 'POLLIN');
    const b = await rig.dqbuf();
    if (b.sequence > last + 1) gaps++;
    last = b.sequence;
    await rig.qbuf(b.index);
  }
  t.true(gaps > 0, 'some were dropped');
});
