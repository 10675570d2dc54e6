// Goal: user memory is pinned when facts 6.3 say so, in no account, and given back when somebody
//   wants it; mapped and exported memory outlives its buffer.

import test from 'ava';
import { revokePins } from '../../../lib/mm/revocation.js';
import { MiB } from '../../../lib/units.js';
import { mapLength } from '../../../drivers/v4l2/device-memory.js';
import { frameSize, Rig } from './rig.js';

const pages = 113;
const why = 'truncate';

async function userRig(t: Parameters<typeof Rig.open>[0], count: number) {
  const rig = await Rig.open(t);
  await rig.request(count, 'USERPTR');
  const base = await rig.memory(4 * MiB);
  const queue = (index: number, at = index) =>
    rig.qbuf(index, { userptr: base + at * (MiB / 2), length: frameSize });
  const pinned = () => [...rig.bench.mm.pinTable].reduce((sum, p) => sum + p.nrPages, 0);
  const revoke = (userptrIndex: number) => {
    const pins = [...rig.bench.mm.pinTable].filter(
      (p) => p.request.addr === base + userptrIndex * (MiB / 2),
    );
    return rig.run(rig.bench.sched.enter('truncate', (task) => revokePins(task, pins, why)));
  };
  return { rig, base, queue, pinned, revoke };
}

test('pins stay until another pointer or REQBUFS(0), and count in no account', async (t) => {
  const { rig, queue, pinned } = await userRig(t, 4);
  for (const index of [0, 1, 2, 3]) await queue(index);
  t.is(pinned(), 4 * pages);
  await rig.streamOn();
  t.is(await rig.poll(), 'POLLIN');
  await rig.dqbuf();
  t.is(pinned(), 4 * pages, 'DQBUF');
  await rig.streamOff();
  t.is(pinned(), 4 * pages, 'STREAMOFF');
  await queue(0);
  t.is(pinned(), 4 * pages, 'the same pointer');
  await rig.streamOff();
  await queue(0, 5);
  t.is(pinned(), 4 * pages, 'another pointer');
  t.is(rig.app.mm.pinnedVm, 0, 'in no account');
  await rig.request(0);
  t.is(pinned(), 0);
});

test('closing the file, and the end of the process, unpin', async (t) => {
  const { rig, queue, pinned } = await userRig(t, 2);
  await queue(0);
  await rig.run(rig.cam.close());
  t.is(pinned(), 0);
  const again = await userRig(t, 2);
  await again.queue(1);
  again.rig.app.sendSignal('SIGKILL');
  await again.rig.run(again.rig.app.ended);
  t.is(again.pinned(), 0);
});

test('a revoked buffer on its way returns in ERROR, and streaming goes on', async (t) => {
  const { rig, queue, pinned, revoke } = await userRig(t, 2);
  await queue(0);
  await queue(1);
  await rig.streamOn();
  await rig.dqbuf();
  await rig.sleep(50);
  t.is(await revoke(1), 'revoked');
  t.is(pinned(), pages);
  t.is(await rig.poll(), 'POLLIN');
  const failed = await rig.dqbuf();
  t.is(failed.index, 1);
  t.true(failed.flags.includes('ERROR'));
  await queue(0);
  t.is(await rig.poll(), 'POLLIN');
  t.is((await rig.dqbuf()).index, 0);
});

test('a revoked DEQUEUED buffer loses its pin only; the next QBUF pins again', async (t) => {
  const { rig, queue, pinned, revoke } = await userRig(t, 2);
  await queue(0);
  await rig.streamOn();
  await rig.dqbuf();
  t.is(await revoke(0), 'revoked');
  t.is(pinned(), 0);
  t.deepEqual((await rig.query(0)).flags, ['TIMESTAMP_MONOTONIC']);
  await queue(0);
  t.is(pinned(), pages);
  t.is(await rig.poll(), 'POLLIN');
  await rig.dqbuf();
});

test('a revoke in the middle of a frame ends the DMA before the pages go', async (t) => {
  const { rig, base, queue, revoke } = await userRig(t, 2);
  const { sched, dma } = rig.bench;
  let fired = false;
  await queue(0);
  const watch = sched.enter('truncate', async (task) => {
    while (dma.length < 40) await sched.at(sched.newObject('look'), 'read');
    const pins = [...rig.bench.mm.pinTable];
    await revokePins(task, pins, why);
    fired = true;
    const before = dma.length;
    for (let n = 0; n < 200; n++) await sched.at(sched.newObject('look'), 'read');
    t.is(dma.length, before, 'no byte after the pages were given back');
  });
  const streaming = rig.cam.streamOn();
  await rig.run(Promise.all([watch, streaming]));
  t.true(fired);
  t.true(dma.length < pages, `${dma.length} pages of ${pages}`);
  t.true(dma.every((e) => e.live));
  t.true((await rig.dqbuf()).flags.includes('ERROR'));
  t.is((await rig.load(base, 1)).length, 1);
  t.is(await revoke(0), 'revoked', 'nothing is left to revoke');
});

test('whatever the schedule, revoking, stopping and capturing leave the queue whole', async (t) => {
  for (let seed = 1; seed <= 30; seed++) {
    const rig = await Rig.open(t, { seed });
    const { cam, queue, bench } = rig;
    await rig.run(cam.setFormat({ width: 320, height: 180, pixelformat: 'GREY' }));
    await rig.request(3, 'USERPTR');
    const base = await rig.memory(MiB);
    for (const index of [0, 1, 2]) {
      await rig.qbuf(index, { userptr: base + index * 65536, length: 57600 });
    }
    const pins = [...bench.mm.pinTable];
    const revoked = bench.sched.enter('truncate', (task) => revokePins(task, pins, why));
    const stopped = seed % 2 === 0 ? cam.streamOff() : cam.queryBuffer(0);
    await rig.run(Promise.all([cam.streamOn(), revoked, stopped]));
    t.is(bench.mm.pinTable.size, 0, `seed ${seed}`);
    t.true(
      bench.dma.every((e) => e.live),
      `seed ${seed}: DMA through a mapping that was gone`,
    );
    t.is(await rig.errno(cam.streamOff()), undefined);
    t.is(queue.nrActive, 0);
    await rig.qbuf(1, { userptr: base, length: 57600 });
  }
});

test('a short pin is EFAULT', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2, 'USERPTR');
  const base = await rig.memory(MiB);
  await rig.run(rig.app.munmap(base + MiB / 4, MiB / 4));
  const arg = { index: 0, memory: 'USERPTR', userptr: base, length: frameSize } as const;
  await rig.refuses('EFAULT', rig.cam.queueBuffer(arg));
  t.is(rig.bench.mm.pinTable.size, 0);
});

test('an import that its exporter takes back returns in ERROR, then is ENODEV', async (t) => {
  const rig = await Rig.open(t);
  const out = await Rig.join(t, rig.bench, { node: 'video1', app: rig.app });
  await out.request(2);
  const dmabuf = await out.run(out.cam.exportBuffer(0));
  await rig.request(2, 'DMABUF');
  await rig.streamOn();
  await rig.sleep(50);
  await rig.qbuf(0, { dmabuf });
  await rig.run(rig.bench.sched.enter('exporter', (task) => dmabuf.invalidate(task)));
  t.is(dmabuf.nrAttachments, 0);
  t.true((await rig.dqbuf()).flags.includes('ERROR'));
  await rig.refuses('ENODEV', rig.cam.queueBuffer({ index: 0, memory: 'DMABUF', dmabuf }));
});

test('a dma-buf too small for what is said of it is EFAULT, for a frame EINVAL', async (t) => {
  const rig = await Rig.open(t);
  const out = await Rig.join(t, rig.bench, { node: 'video1', app: rig.app });
  await out.request(2);
  const dmabuf = await out.run(out.cam.exportBuffer(0));
  await rig.request(2, 'DMABUF');
  const queue = (length: number) =>
    rig.cam.queueBuffer({ index: 0, memory: 'DMABUF', dmabuf, length });
  await rig.refuses('EFAULT', queue(dmabuf.len + 1));
  await rig.refuses('EINVAL', queue(frameSize - 1));
});

test('buffers take whole pages', (t) => {
  t.is(mapLength(460800), 113 * 4096);
  t.is(mapLength(4096), 4096);
});
