// Goal: the node as a whole: locking, priority, several files, unbinding in the middle of a stream.

import test from 'ava';
import { Bench } from './bench.js';
import { Rig } from './rig.js';

test('a request waits for the first frame of a stream that just began', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2);
  await rig.queueAll(2);
  await rig.streamOn();
  t.is((await rig.dqbuf()).sequence, 0, 'also when it does not block');
});

test('while one file records, the others get EBUSY for what changes the stream', async (t) => {
  const rig = await Rig.open(t);
  const other = await Rig.join(t, rig.bench, { app: rig.app });
  await rig.run(rig.cam.setPriority('RECORD'));
  await other.refuses('EBUSY', other.cam.setFormat({ width: 1, height: 1, pixelformat: 'YUYV' }));
  await other.refuses('EBUSY', other.cam.setControl('contrast', 1));
  t.is(await other.errno(other.cam.getFormat()), undefined);
  await rig.run(rig.cam.close());
  t.is(await other.errno(other.cam.setControl('contrast', 1)), undefined);
});

test('DQBUF sleeps without the lock, so that others may go on', async (t) => {
  const rig = await Rig.open(t, { flags: ['rdwr'] });
  await rig.request(2);
  await rig.streamOn();
  const waiting = rig.cam.dequeueBuffer();
  await rig.sleep(10);
  t.is(await rig.errno(rig.cam.getFormat()), undefined);
  await rig.qbuf(0);
  t.is((await rig.run(waiting)).index, 0);
});

test('a killed waiter leaves the queue usable', async (t) => {
  const rig = await Rig.open(t, { flags: ['rdwr'] });
  const other = await Rig.join(t, rig.bench);
  await rig.request(2);
  await rig.streamOn();
  const waiting = rig.cam.dequeueBuffer();
  waiting.catch(() => {});
  await rig.sleep(10);
  rig.app.sendSignal('SIGKILL');
  await rig.run(rig.app.ended);
  t.false(rig.queue.waitingInDqbuf);
  t.is(await other.request(2), 2);
});

test('a signal ends a waiting DQBUF with EINTR, and the next one waits again', async (t) => {
  const rig = await Rig.open(t, { flags: ['rdwr'] });
  rig.app.on('SIGUSR1', () => {});
  await rig.request(2);
  await rig.streamOn();
  const waiting = rig.cam.dequeueBuffer();
  waiting.catch(() => {});
  await rig.sleep(10);
  rig.app.sendSignal('SIGUSR1');
  await rig.refuses('EINTR', waiting);
  await rig.qbuf(0);
  t.is((await rig.dqbuf()).index, 0);
});

test('unbinding in the middle of a stream takes everything back', async (t) => {
  const bench = new Bench();
  const app = bench.spawn('app');
  const cam = await bench.run(bench.open(app));
  await bench.run(cam.requestBuffers({ count: 4, memory: 'MMAP' }));
  for (const index of [0, 1, 2]) await bench.run(cam.queueBuffer({ index }));
  await bench.run(cam.mapBuffer(3));
  await bench.run(cam.streamOn());
  await bench.sched.runFor(3e8);
  const { sched, drivers } = bench;
  t.deepEqual(await bench.run(sched.enter('unbind', (task) => drivers.shutdown(task))), []);
  await t.throwsAsync(bench.run(cam.queryCap()), { message: /ENODEV/ });
  await bench.powerOff();
});

test('live: the same frames at the real clock', async (t) => {
  const bench = new Bench({ live: true });
  const app = bench.spawn('app');
  const cam = await bench.open(app);
  await cam.setParm({ timeperframe: { numerator: 1, denominator: 60 } });
  const seen: number[] = [];
  for await (const frame of cam.frames()) {
    seen.push(frame.sequence);
    if (seen.length === 5) break;
  }
  t.is(new Set(seen).size, 5);
  t.deepEqual(
    seen,
    [...seen].sort((a, b) => a - b),
  );
  await cam.close();
  t.deepEqual(await bench.powerOff(), []);
});
