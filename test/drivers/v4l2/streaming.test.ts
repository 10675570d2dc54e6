// Goal: frames go round in every way that v4l2-compliance streams them: buffers of REQBUFS and of
//   CREATE_BUFS, waiting in DQBUF, in select and in epoll, in both directions and all memory kinds.

import test from 'ava';
import type { DmaBuf, PollEvent } from '../../../lib/driver/index.js';
import { Epoll, select } from '../../../lib/process/select.js';
import { MiB, seconds } from '../../../lib/units.js';
import type { MemoryKind, V4L2BufferArg } from '../../../drivers/v4l2/buffer.js';
import { frameSize, Rig, type RigOptions } from './rig.js';

/** Wait until DQBUF would not, 2 s at most. */
type Wait = (rig: Rig) => Promise<void>;

const ready = (rig: Rig): PollEvent => (rig.queue.isOutput ? 'POLLOUT' : 'POLLIN');

async function bySelect(rig: Rig): Promise<void> {
  const { fd } = rig.cam;
  const set = rig.queue.isOutput ? 'write' : 'read';
  const sets = { [set]: [fd], timeoutNs: seconds(2) };
  const found = await rig.run(select(rig.app, sets));
  rig.t.deepEqual(found, { read: [], write: [], except: [], [set]: [fd] });
}

/** As the tool does: an empty ADD, then MOD for what is wanted. */
async function byEpoll(rig: Rig): Promise<void> {
  const { fd } = rig.cam;
  const epoll = new Epoll(rig.app);
  await rig.run(epoll.add(fd, []));
  rig.t.deepEqual(await rig.run(epoll.wait(1, 0)), [], 'nothing was asked for');
  await rig.run(epoll.mod(fd, [ready(rig)]));
  const found = await rig.run(epoll.wait(1, seconds(2)));
  rig.t.deepEqual(found, [{ fd, events: [ready(rig)] }]);
}

const waits: Readonly<Record<string, Wait>> = {
  'no poll': async () => {},
  select: bySelect,
  epoll: byEpoll,
};

async function roundAndRound(rig: Rig, count: number, wait: Wait, again: Again): Promise<void> {
  for (let index = 0; index < count; index++) await rig.qbuf(index, again(index));
  await rig.streamOn();
  await rig.streamOn();
  for (let n = 0; n < 6; n++) {
    await wait(rig);
    const b = await rig.dqbuf();
    rig.t.is(b.index, n % count, 'in the order in which they were queued');
    if (!rig.queue.isOutput) rig.t.is(b.sequence, n);
    await rig.qbuf(b.index, again(b.index));
  }
  await rig.streamOff();
  await rig.streamOff();
}

type Again = (index: number) => Partial<V4L2BufferArg>;

async function allocate(rig: Rig, how: string, memory: MemoryKind = 'MMAP'): Promise<number> {
  if (how === 'REQBUFS') return rig.request(3, memory);
  return (await rig.run(rig.cam.createBuffers({ count: 3, memory }))).count;
}

const open = (t: Parameters<typeof Rig.open>[0], waiting: string, opts: RigOptions = {}) =>
  Rig.open(t, { ...opts, flags: waiting === 'no poll' ? ['rdwr'] : ['rdwr', 'nonblock'] });

for (const [waiting, wait] of Object.entries(waits)) {
  for (const how of ['REQBUFS', 'CREATE_BUFS']) {
    for (const node of ['video0', 'video1'] as const) {
      const way = node === 'video0' ? 'capture' : 'output';
      test(`Mmap: ${way} N frames, waiting by ${waiting}, buffers of ${how}`, async (t) => {
        const rig = await open(t, waiting, { node });
        const count = await allocate(rig, how);
        await roundAndRound(rig, count, wait, () => ({}));
        t.is(await rig.request(0), 0);
      });
    }
  }

  for (const node of ['video0', 'video1'] as const) {
    const way = node === 'video0' ? 'capture' : 'output';
    test(`UserPtr: ${way} N frames, waiting by ${waiting}`, async (t) => {
      const rig = await open(t, waiting, { node });
      const count = await rig.request(3, 'USERPTR');
      const base = await rig.memory(2 * MiB);
      const at = (index: number) => base + index * 0x80000 + 4088;
      const again = (index: number) => ({ userptr: at(index), length: frameSize });
      await roundAndRound(rig, count, wait, again);
      t.is(rig.bench.mm.pinTable.size > 0, true, 'STREAMOFF keeps the pins');
      await rig.request(0, 'USERPTR');
      t.is(rig.bench.mm.pinTable.size, 0);
    });

    test(`DmaBuf: ${way} N frames, waiting by ${waiting}`, async (t) => {
      const rig = await open(t, waiting, { node });
      const exporter = await Rig.join(t, rig.bench, {
        node: node === 'video0' ? 'video1' : 'video0',
        app: rig.app,
      });
      await exporter.run(exporter.cam.setFormat({ width: 640, height: 360, pixelformat: 'YUYV' }));
      const count = await rig.request(3, 'DMABUF');
      await exporter.request(count);
      const files: DmaBuf[] = [];
      for (let i = 0; i < count; i++) files.push(await rig.run(exporter.cam.exportBuffer(i)));
      await roundAndRound(rig, count, wait, (index) => ({
        ...{ dmabuf: files[index]!, length: files[index]!.len, bytesused: frameSize },
      }));
      t.is(await exporter.request(0), 0, 'exported and imported buffers are orphaned');
      for (const file of files) await rig.run(exporter.cam.closeBuffer(file));
      t.deepEqual(
        files.map((file) => file.block.state),
        files.map(() => 'ORPHANED'),
      );
      await rig.request(0, 'DMABUF');
      t.deepEqual(
        files.map((file) => file.block.state),
        files.map(() => 'GONE'),
      );
    });
  }
}

test('select and epoll hear of an error in a queue that does not stream', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2);
  const { fd } = rig.cam;
  const both = { read: [fd], write: [fd], timeoutNs: 0 };
  t.deepEqual(await rig.run(select(rig.app, both)), { read: [fd], write: [fd], except: [] });
  const only = { write: [fd], timeoutNs: 0 };
  t.deepEqual(await rig.run(select(rig.app, only)), { read: [], write: [], except: [] });
  const epoll = new Epoll(rig.app);
  await rig.run(epoll.add(fd, ['POLLIN']));
  t.deepEqual(await rig.run(epoll.wait(1)), [{ fd, events: ['POLLERR'] }]);
});

test('select hears of an event as an exception, and of nothing else', async (t) => {
  const rig = await Rig.open(t);
  const { fd } = rig.cam;
  await rig.run(rig.cam.subscribeEvent({ type: 'CTRL', id: 'contrast', flags: ['SEND_INITIAL'] }));
  const found = await rig.run(select(rig.app, { except: [fd] }));
  t.deepEqual(found, { read: [], write: [], except: [fd] });
  t.is(rig.queue.fileIO, null, 'nobody asked for a frame');
});
