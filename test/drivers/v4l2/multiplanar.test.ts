// Goal: on nodes of the multi-planar API every plane of a buffer keeps the rules that a single-
//   planar buffer keeps, and the rows of v4l2-compliance that are about planes hold.
// Method: NV12 with its planes apart, at 640x360: 230400 bytes of Y, 115200 of Cb and Cr.

import test from 'ava';
import { MiB } from '../../../lib/units.js';
import type { V4L2PlaneArg } from '../../../drivers/v4l2/buffer.js';
import { Rig, type RigOptions } from './rig.js';

const sizes = [230400, 115200] as const;
const open = (t: Parameters<typeof Rig.open>[0], opts: RigOptions = {}) =>
  Rig.open(t, { multiplanar: true, pixelformat: 'NM12', ...opts });
const two = (first: V4L2PlaneArg = {}, second: V4L2PlaneArg = first) => ({
  planes: [first, second],
});

test('formats whose planes lie apart are listed here and nowhere else', async (t) => {
  const rig = await open(t);
  t.like(await rig.run(rig.cam.getFormat()), { pixelformat: 'NM12', planeSizes: sizes });
  t.is((await rig.run(rig.cam.enumFormat(11))).pixelformat, 'NM12');
  t.true((await rig.run(rig.cam.queryCap())).capabilities.includes('VIDEO_CAPTURE_MPLANE'));
  const single = await Rig.open(t, { pixelformat: 'NM12' });
  t.is((await single.run(single.cam.getFormat())).pixelformat, 'YUYV');
  await single.refuses('EINVAL', single.cam.enumFormat(11));
});

test('the other kind of type is ENOTTY for formats and EINVAL for buffers', async (t) => {
  const rig = await open(t);
  const type = 'VIDEO_CAPTURE';
  await rig.refuses('ENOTTY', rig.cam.io.ioctl('G_FMT', { type }));
  await rig.refuses('EINVAL', rig.cam.requestBuffers({ count: 1, memory: 'MMAP', type }));
});

test('CreateBufs: num_planes 0, too few, too many or a last plane of size 0 is EINVAL', async (t) => {
  for (const node of ['video0', 'video1'] as const) {
    const rig = await open(t, { node });
    const create = (...planeSizes: number[]) =>
      rig.cam.createBuffers({ count: 1, memory: 'MMAP', planeSizes });
    await rig.refuses('EINVAL', create());
    await rig.refuses('EINVAL', create(sizes[0]));
    await rig.refuses('EINVAL', create(...sizes, 4096));
    await rig.refuses(
      'EINVAL',
      create(...Array<number>(9).fill(MiB)),
      'more than VIDEO_MAX_PLANES',
    );
    await rig.refuses('EINVAL', create(sizes[0], 0));
    await rig.refuses('EINVAL', create(0, sizes[1]));
    await rig.refuses('EINVAL', create(sizes[0] / 2, sizes[1] / 2));
    await rig.refuses('EINVAL', create(sizes[0], sizes[1] / 2));
    const { index } = await rig.run(create(sizes[0] + MiB, sizes[1] + MiB));
    const { planes, length } = await rig.query(index);
    t.is(length, 2);
    t.deepEqual(
      planes.map((p) => p.length),
      sizes.map((size) => size + MiB),
    );
  }
});

test('ExpBuf: every plane of every buffer can be exported, and no other', async (t) => {
  const rig = await open(t);
  const count = await rig.request(2);
  for (let index = 0; index < count; index++) {
    for (const plane of [0, 1]) {
      const buf = await rig.run(rig.cam.exportBuffer(index, plane));
      t.true(buf.len >= sizes[plane]!);
      t.true((await rig.query(index)).flags.includes('MAPPED'));
      await rig.run(rig.cam.closeBuffer(buf));
    }
  }
  await rig.refuses('EINVAL', rig.cam.exportBuffer(0, 2));
});

test('QBUF and PREPARE need a plane array that is long enough: EINVAL', async (t) => {
  const rig = await open(t);
  await rig.request(2);
  for (const call of ['queueBuffer', 'prepareBuffer'] as const) {
    await rig.refuses('EINVAL', rig.cam[call]({ index: 0 }));
    await rig.refuses('EINVAL', rig.cam[call]({ index: 0, planes: [{}] }));
    await rig.refuses('EINVAL', rig.cam[call]({ index: 0, planes: Array<object>(9).fill({}) }));
  }
  t.is((await rig.qbuf(0, { planes: Array<object>(8).fill({}) })).planes.length, 2);
});

test('Mmap: each plane is mapped by its own offset, and the frame lies in both', async (t) => {
  const rig = await open(t);
  const count = await rig.request(3);
  const maps: number[][] = [];
  for (let index = 0; index < count; index++) {
    const at = (plane: number) => rig.run(rig.cam.mapBuffer(index, { plane }));
    maps.push([await at(0), await at(1)]);
    await rig.qbuf(index, two());
  }
  await rig.refuses('EINVAL', rig.cam.mapBuffer(0, { plane: 2 }));
  await rig.streamOn();
  for (let n = 0; n < 4; n++) {
    t.is(await rig.poll(), 'POLLIN');
    const { index, planes } = await rig.dqbuf();
    t.deepEqual(
      planes.map((p) => p.bytesused),
      [...sizes],
    );
    t.deepEqual([...(await rig.load(maps[index]![0]!, 2))], [179, 179], 'Y of 75 % white');
    t.deepEqual([...(await rig.load(maps[index]![1]!, 2))], [128, 128], 'Cb and Cr');
    await rig.qbuf(index, two());
  }
});

test('Mmap: output, bytesused = length + 1 or data_offset >= bytesused of a plane: EINVAL', async (t) => {
  const rig = await open(t, { node: 'video1' });
  await rig.request(2);
  for (const call of ['queueBuffer', 'prepareBuffer'] as const) {
    const long = { bytesused: sizes[1] + 1 };
    await rig.refuses('EINVAL', rig.cam[call]({ index: 0, ...two({}, long) }), call);
    const late = { bytesused: 100, dataOffset: 100 };
    await rig.refuses('EINVAL', rig.cam[call]({ index: 0, ...two({}, late) }), call);
  }
  await rig.prepare(0, two());
  const b = await rig.qbuf(0, two({ bytesused: 0xdeadbeef, dataOffset: 0xdeadbeef }));
  t.deepEqual(
    b.planes.map((p) => [p.bytesused, p.dataOffset]),
    sizes.map((size) => [size, 0]),
  );
});

test('Mmap: output, the picture that is shown is the planes one after the other', async (t) => {
  const rig = await open(t, { node: 'video1' });
  await rig.request(2);
  for (const index of [0, 1]) {
    for (const [plane, size] of sizes.entries()) {
      const addr = await rig.run(rig.cam.mapBuffer(index, { plane }));
      await rig.run(rig.app.store(addr, new Uint8Array(size).fill(10 * index + plane + 1)));
    }
    await rig.qbuf(index, two());
  }
  await rig.streamOn();
  t.is(await rig.poll(), 'POLLOUT');
  const { picture } = rig.bench.board.display;
  t.deepEqual([picture[0], picture[sizes[0] - 1], picture[sizes[0]], picture.at(-1)], [1, 1, 2, 2]);
});

test('UserPtr: a plane that is refused lets go of the one before it', async (t) => {
  const rig = await open(t);
  await rig.request(2, 'USERPTR');
  const { pinTable } = rig.bench.mm;
  const base = await rig.memory(MiB);
  const plane = (p: 0 | 1, userptr: number) => ({ userptr, length: sizes[p] });
  const [y, c] = [plane(0, base), plane(1, base + sizes[0])];
  await rig.refuses(
    'EFAULT',
    rig.cam.queueBuffer({ index: 0, memory: 'USERPTR', ...two(y, plane(1, 0)) }),
  );
  t.is(pinTable.size, 0);
  const short = { ...c, length: 100 };
  await rig.refuses(
    'EINVAL',
    rig.cam.queueBuffer({ index: 0, memory: 'USERPTR', ...two(y, short) }),
  );
  t.is(pinTable.size, 0);
  await rig.qbuf(0, two(y, c));
  t.true(pinTable.size > 0);
  await rig.streamOn();
  t.is(await rig.poll(), 'POLLIN');
  await rig.dqbuf();
  t.is((await rig.load(base + sizes[0], 1))[0], 128);
});

test('DmaBuf: planes of another node hold the frame; the taking back of one fails the buffer', async (t) => {
  const rig = await open(t);
  const out = await Rig.join(t, rig.bench, { node: 'video1', app: rig.app });
  await out.run(out.cam.setFormat({ width: 640, height: 360, pixelformat: 'NM12' }));
  await out.request(2);
  const [y, c] = [
    await out.run(out.cam.exportBuffer(0, 0)),
    await out.run(out.cam.exportBuffer(0, 1)),
  ];
  const addr = await out.run(out.cam.mapBuffer(0, { plane: 1 }));
  await rig.request(2, 'DMABUF');
  await rig.qbuf(0, two({ dmabuf: y }, { dmabuf: c }));
  await rig.streamOn();
  t.is(await rig.poll(), 'POLLIN');
  await rig.dqbuf();
  t.deepEqual([...(await rig.load(addr, 2))], [128, 128]);
  await rig.qbuf(0, two({ dmabuf: y }, { dmabuf: c }));
  await rig.run(rig.bench.sched.enter('exporter', (task) => c.invalidate(task)));
  t.true((await rig.dqbuf()).flags.includes('ERROR'));
  t.is(y.nrAttachments, 0, 'the whole buffer let go');
  const again = { index: 0, memory: 'DMABUF' as const, ...two({ dmabuf: y }, { dmabuf: c }) };
  await rig.refuses('ENODEV', rig.cam.queueBuffer(again));
});

test('read() of a format with planes apart is EBUSY, of one without it works', async (t) => {
  const rig = await open(t);
  await rig.refuses('EBUSY', rig.cam.read(1));
  t.is(rig.queue.buffers.size, 0);
  await rig.run(rig.cam.setFormat({ width: 640, height: 360, pixelformat: 'YUYV' }));
  await rig.refuses('EAGAIN', rig.cam.read(1));
});

test('frames() of a format with planes apart are whole, and give a picture', async (t) => {
  const rig = await open(t, { flags: ['rdwr'] });
  const { value: frame } = await rig.run(rig.cam.frames({ count: 2 }).next());
  const bytes = await rig.run(frame!.bytes());
  t.is(bytes.length, sizes[0] + sizes[1]);
  t.deepEqual(bytes, rig.bench.board.sensor.render(0));
  t.deepEqual([...(await rig.run(frame!.rgb())).subarray(0, 3)], [189, 189, 189]);
  await rig.run(rig.cam.close());
});
