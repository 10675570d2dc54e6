// Goal: every row of v4l2-compliance's buffer tests holds, in their order: ReqBufs, CreateBufs,
//   CreateBufsMax, RemoveBufs, ExpBuf, ReadWrite, Mmap, UserPtr, DmaBuf, BlockingWait.
// Method: an application drives the node by its requests; rows of the tool are the tests' names.
//   The invariants are checked after every buffer call (watch.ts).

import test from 'ava';
import type { PollEvent } from '../../../lib/driver/index.js';
import { MiB, ms } from '../../../lib/units.js';
import type { BufType } from '../../../drivers/v4l2/buffer.js';
import { frameSize, Rig } from './rig.js';

test('QueryBuf: each buffer is unqueued at first, and index = count is EINVAL', async (t) => {
  const rig = await Rig.open(t);
  const count = await rig.request(4);
  for (let index = 0; index < count; index++) {
    const b = await rig.query(index);
    t.deepEqual(b.flags, ['TIMESTAMP_MONOTONIC']);
  }
  await rig.refuses('EINVAL', rig.cam.queryBuffer(count));
});

test('ReqBufs: type 0, memory 0 is EINVAL', async (t) => {
  const rig = await Rig.open(t);
  await rig.refuses(
    'EINVAL',
    rig.cam.requestBuffers({ count: 1, type: 'NONE', memory: 'UNKNOWN' }),
  );
  await rig.refuses('EINVAL', rig.cam.requestBuffers({ count: 1, memory: 'UNKNOWN' }));
  await rig.refuses('EINVAL', rig.cam.requestBuffers({ count: 1, memory: 'OVERLAY' }));
  await rig.refuses(
    'EINVAL',
    rig.cam.requestBuffers({ count: 1, type: 'VIDEO_OUTPUT', memory: 'MMAP' }),
  );
});

test('ReqBufs: REQBUFS(0) of each memory kind agrees with the capability bits', async (t) => {
  for (const node of ['video0', 'video1'] as const) {
    const rig = await Rig.open(t, { node });
    const { capabilities } = await rig.run(rig.cam.requestBuffers({ count: 0, memory: 'MMAP' }));
    for (const memory of ['MMAP', 'USERPTR', 'DMABUF'] as const) {
      const failed = await rig.errno(rig.cam.requestBuffers({ count: 0, memory }));
      t.is(failed === undefined, capabilities.includes(`SUPPORTS_${memory}`), memory);
    }
    t.true(capabilities.includes('SUPPORTS_ORPHANED_BUFS'));
  }
});

test('ReqBufs: REQBUFS(1) gives at least one and may be repeated while idle', async (t) => {
  const rig = await Rig.open(t);
  for (const memory of ['MMAP', 'USERPTR', 'DMABUF', 'MMAP'] as const) {
    t.true((await rig.request(1, memory)) >= 1);
    t.true((await rig.request(1, memory)) >= 1);
  }
});

test('ReqBufs: with buffers allocated, read() and write() are EBUSY', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2);
  await rig.refuses('EBUSY', rig.cam.read(1));
  const out = await Rig.join(t, rig.bench, { node: 'video1' });
  await out.request(2);
  await out.refuses('EBUSY', out.cam.write(new Uint8Array(1)));
});

test('ReqBufs: a second open file is EBUSY until the owner frees', async (t) => {
  const rig = await Rig.open(t);
  const other = await Rig.join(t, rig.bench, { app: rig.app });
  await rig.request(1);
  await other.refuses('EBUSY', other.cam.requestBuffers({ count: 1, memory: 'MMAP' }));
  await other.refuses('EBUSY', other.cam.requestBuffers({ count: 0, memory: 'MMAP' }));
  await other.refuses('EBUSY', other.cam.createBuffers({ count: 1, memory: 'MMAP' }));
  await rig.request(0);
  t.is(await other.request(2), 2);
});

test('ReqBufs: NON_COHERENT is cleared unless MMAP with the cache-hints capability', async (t) => {
  const rig = await Rig.open(t);
  const flags = ['NON_COHERENT'] as const;
  const ret = await rig.run(rig.cam.requestBuffers({ count: 2, memory: 'MMAP', flags }));
  t.deepEqual(ret.flags, []);
  t.false(ret.capabilities.includes('SUPPORTS_MMAP_CACHE_HINTS'));
});

test('CreateBufs: count 0 is OK, and its index is the current count', async (t) => {
  const rig = await Rig.open(t);
  t.is((await rig.run(rig.cam.createBuffers({ count: 0, memory: 'MMAP' }))).index, 0);
  await rig.request(3);
  t.is((await rig.run(rig.cam.createBuffers({ count: 0, memory: 'MMAP' }))).index, 3);
  await rig.refuses('EINVAL', rig.cam.createBuffers({ count: 0, memory: 'OVERLAY' }));
});

test('CreateBufs: sizeimage 0 and half the size are EINVAL; 1 MiB more is OK', async (t) => {
  const rig = await Rig.open(t);
  const create = (sizeimage: number) =>
    rig.cam.createBuffers({ count: 1, memory: 'MMAP', sizeimage });
  await rig.refuses('EINVAL', create(0));
  await rig.refuses('EINVAL', create(frameSize / 2));
  const { index } = await rig.run(create(frameSize + MiB));
  t.true((await rig.query(index)).length >= frameSize + MiB);
});

test('CreateBufs: memory of another kind than the buffers there are is EINVAL', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2);
  await rig.refuses('EINVAL', rig.cam.createBuffers({ count: 1, memory: 'USERPTR' }));
});

test('CreateBufsMax: create up to max is OK, one more ENOBUFS', async (t) => {
  for (const [kernel, max] of [
    ['6.1', 32],
    ['6.12', 64],
    ['7.2', 64],
  ] as const) {
    const rig = await Rig.open(t, { kernel });
    const made = await rig.run(rig.cam.createBuffers({ count: max, memory: 'USERPTR' }));
    t.like(made, { index: 0, count: max, maxNumBuffers: max });
    await rig.refuses('ENOBUFS', rig.cam.createBuffers({ count: 1, memory: 'USERPTR' }));
  }
});

test('RemoveBufs: count 0 is OK at any index, a bad type EINVAL even then', async (t) => {
  const rig = await Rig.open(t);
  await rig.run(rig.cam.removeBuffers(0, 0));
  await rig.run(rig.cam.removeBuffers(0xffffffff, 0));
  await rig.refuses('EINVAL', rig.cam.removeBuffers(0, 0, 'VIDEO_OUTPUT'));
});

test('RemoveBufs: of one buffer, remove(1,1) EINVAL, remove(0,1) OK, again EINVAL', async (t) => {
  const rig = await Rig.open(t);
  t.is((await rig.run(rig.cam.createBuffers({ count: 1, memory: 'MMAP' }))).count, 1);
  await rig.refuses('EINVAL', rig.cam.removeBuffers(1, 1));
  await rig.run(rig.cam.removeBuffers(0, 1));
  await rig.refuses('EINVAL', rig.cam.removeBuffers(0, 1));
});

test('RemoveBufs: holes are skipped by what does not fit, filled by what does', async (t) => {
  const rig = await Rig.open(t);
  const max = rig.queue.opts.maxBuffers;
  const create = (count: number) => rig.run(rig.cam.createBuffers({ count, memory: 'MMAP' }));
  t.like(await create(4), { index: 0, count: 4 });
  await rig.run(rig.cam.removeBuffers(1, 2));
  t.like(await create(3), { index: 4, count: 3 });
  await rig.refuses('EINVAL', rig.cam.queryBuffer(1));
  await rig.refuses('EINVAL', rig.cam.queryBuffer(2));
  await rig.refuses('EINVAL', rig.cam.removeBuffers(max - 2, 7));
  await rig.refuses('EINVAL', rig.cam.removeBuffers(3, 0xfffffff));
  await rig.refuses('EINVAL', rig.cam.removeBuffers(0, 2), 'the range touches a free index');
  t.like(await create(2), { index: 1, count: 2 });
  await rig.run(rig.cam.removeBuffers(0, 7));
  await rig.refuses('EINVAL', rig.cam.queryBuffer(0));
});

test('RemoveBufs: a buffer that is not dequeued is EBUSY, and none goes', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(3);
  await rig.qbuf(1);
  await rig.refuses('EBUSY', rig.cam.removeBuffers(0, 2));
  await rig.query(0);
});

test('RemoveBufs: kernels before 6.10 do not know it', async (t) => {
  const rig = await Rig.open(t, { kernel: '6.1' });
  await rig.refuses('ENOTTY', rig.cam.removeBuffers(0, 0));
});

test('ExpBuf: REQBUFS(2), every buffer can be exported; others than MMAP cannot', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2);
  for (const index of [0, 1]) {
    const buf = await rig.run(rig.cam.exportBuffer(index));
    t.true(buf.len >= frameSize);
    t.true((await rig.query(index)).flags.includes('MAPPED'));
    await rig.run(rig.cam.closeBuffer(buf));
    t.false((await rig.query(index)).flags.includes('MAPPED'));
  }
  const { io } = rig.cam;
  await rig.refuses('EINVAL', io.ioctl('EXPBUF', { index: 0, plane: 1 }), 'plane out of range');
  await rig.refuses('EINVAL', io.ioctl('EXPBUF', { index: 0, flags: ['nonblock'] }), 'flags');
  await rig.refuses('EINVAL', rig.cam.exportBuffer(2));
  await rig.request(2, 'USERPTR');
  await rig.refuses('EINVAL', rig.cam.exportBuffer(0), 'memory is not MMAP');
});

test('ReadWrite: a non-blocking read of 1 byte is 1 byte, EAGAIN or EBUSY', async (t) => {
  const rig = await Rig.open(t);
  await rig.refuses('EAGAIN', rig.cam.read(1), 'the read holds the lock until it is over');
  await rig.sleep(1);
  t.is((await rig.run(rig.cam.read(1))).length, 1);
});

test('ReadWrite: without READWRITE it is EINVAL, also after close and open', async (t) => {
  const rig = await Rig.open(t);
  const out = await Rig.join(t, rig.bench, { node: 'video1' });
  await out.refuses('EINVAL', out.cam.read(1));
  await rig.refuses('EINVAL', rig.cam.write(new Uint8Array(1)));
  await rig.run(rig.cam.close());
  const again = await Rig.join(t, rig.bench);
  await again.refuses('EINVAL', again.cam.write(new Uint8Array(1)));
});

test('Mmap: STREAMON without buffers is EINVAL, STREAMOFF OK', async (t) => {
  const rig = await Rig.open(t);
  await rig.refuses('EINVAL', rig.cam.streamOn());
  await rig.streamOff();
});

test('Mmap: STREAMOFF returns every queued buffer, so that all can be queued again', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(4);
  await rig.queueAll(4);
  await rig.streamOff();
  for (const vb of rig.queue.buffers.values()) t.is(vb.state, 'DEQUEUED');
  await rig.queueAll(4);
});

test('Mmap: REQBUFS again while queued but not streaming frees the old buffers', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(4);
  await rig.queueAll(4);
  t.is(await rig.request(3), 3);
  for (const index of [0, 1, 2]) t.false((await rig.query(index)).flags.includes('QUEUED'));
});

test('Mmap: mmap at offset + 0xdeadbeef fails', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2);
  const { offset, length } = await rig.query(0);
  const at = (pos: number) => rig.cam.io.mmap({ len: length, pos, prot: 'rw', share: 'shared' });
  await rig.refuses('EINVAL', at(offset + 0xdeadb000));
  await rig.refuses('EINVAL', at(offset + 0xdeadbeef));
});

test('Mmap: a private mapping, one that cannot be read and one too long are EINVAL', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2);
  const { offset, length } = await rig.query(1);
  const map = (more: object) =>
    rig.cam.io.mmap({ len: length, pos: offset, prot: 'rw', share: 'shared', ...more });
  await rig.refuses('EINVAL', map({ share: 'private' }));
  await rig.refuses('EINVAL', map({ prot: '' }), 'capture without PROT_READ');
  await rig.refuses('EINVAL', map({ len: length + 8192 }));
  const out = await Rig.join(t, rig.bench, { node: 'video1' });
  await out.request(2);
  await out.refuses('EINVAL', out.cam.mapBuffer(0, { prot: 'r' }), 'output without PROT_WRITE');
});

test('Mmap: DQBUF before STREAMON fails', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2);
  await rig.queueAll(2);
  await rig.refuses('EINVAL', rig.cam.dequeueBuffer());
});

test('Mmap: PREPARE twice, QBUF and PREPARE of a queued buffer, index + 32 fail', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2);
  await rig.prepare(0);
  await rig.refuses('EINVAL', rig.cam.prepareBuffer({ index: 0 }));
  t.deepEqual((await rig.query(0)).flags, ['PREPARED', 'TIMESTAMP_MONOTONIC']);
  await rig.qbuf(0);
  await rig.refuses('EINVAL', rig.cam.queueBuffer({ index: 0 }));
  await rig.refuses('EINVAL', rig.cam.prepareBuffer({ index: 0 }));
  await rig.refuses('EINVAL', rig.cam.queueBuffer({ index: 1 + 32 }));
  await rig.refuses('EINVAL', rig.cam.prepareBuffer({ index: 1 + 32 }));
});

test('Mmap: output, bytesused = length + 1 or data_offset >= bytesused: EINVAL', async (t) => {
  const rig = await Rig.open(t, { node: 'video1' });
  await rig.request(2);
  const { length } = await rig.query(0);
  for (const call of ['queueBuffer', 'prepareBuffer'] as const) {
    await rig.refuses('EINVAL', rig.cam[call]({ index: 0, bytesused: length + 1 }), call);
    const late = { index: 0, bytesused: length, dataOffset: length };
    await rig.refuses('EINVAL', rig.cam[call](late), call);
  }
});

test('Mmap: after PREPARE, QBUF with bytesused 0xdeadbeef keeps the prepared values', async (t) => {
  const rig = await Rig.open(t, { node: 'video1' });
  await rig.request(2);
  const { bytesused } = await rig.prepare(0);
  t.is((await rig.qbuf(0, { bytesused: 0xdeadbeef })).bytesused, bytesused);
});

test('Mmap: cache hint flags are cleared without the capability', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2);
  const b = await rig.qbuf(0, { flags: ['NO_CACHE_INVALIDATE', 'NO_CACHE_CLEAN'] });
  t.deepEqual(b.flags, ['QUEUED', 'TIMESTAMP_MONOTONIC']);
});

test('Mmap: STREAMON with an injected start error fails; the next two are OK', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2);
  await rig.queueAll(2);
  await rig.run(rig.cam.setControl('start_streaming_error', 1));
  await rig.refuses('EINVAL', rig.cam.streamOn());
  t.true((await rig.query(0)).flags.includes('QUEUED'));
  await rig.streamOn();
  await rig.streamOn();
});

test('Mmap: frames are captured, each within 2 s, numbered and stamped upwards', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(3);
  await rig.queueAll(3);
  await rig.streamOn();
  let before = 0;
  for (let n = 0; n < 8; n++) {
    t.is(await rig.poll(2000), 'POLLIN');
    const b = await rig.dqbuf();
    t.is(b.sequence, n);
    t.true(b.timestampNs > before);
    before = b.timestampNs;
    await rig.qbuf(b.index);
  }
});

test('Mmap: after a poll for nothing, one for POLLIN sees the frames arrive', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2);
  await rig.queueAll(2);
  await rig.streamOn();
  await rig.dqbuf();
  t.deepEqual(await rig.run(rig.cam.io.poll({ events: [], timeoutNs: ms(500) })), []);
  t.deepEqual(await rig.run(rig.cam.io.poll({ events: ['POLLIN'], timeoutNs: ms(2000) })), [
    'POLLIN',
  ]);
  t.is((await rig.dqbuf()).index, 1);
});

test('Mmap: STREAMOFF twice is OK', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2);
  await rig.streamOn();
  await rig.streamOff();
  t.is(await rig.errno(rig.cam.streamOff()), undefined);
});

test('Mmap: REQBUFS(0) with buffers still mapped is OK; orphans live on', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2);
  const addr = await rig.run(rig.cam.mapBuffer(0));
  await rig.run(rig.app.store(addr, Uint8Array.of(1, 2, 3)));
  t.is(await rig.request(0), 0);
  t.deepEqual([...(await rig.load(addr, 3))], [1, 2, 3]);
  await rig.run(rig.app.munmap(addr, frameSize));
  t.is(await rig.request(2), 2);
});

test('UserPtr: mmap on the queue fails', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2, 'USERPTR');
  await rig.refuses('EINVAL', rig.cam.mapBuffer(0));
});

test('UserPtr: PREPARE and QBUF with NULL or an unmapped pointer fail', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2, 'USERPTR');
  const bad = [
    { userptr: 0, length: frameSize },
    { userptr: 0x0eadb000 + frameSize, length: frameSize },
  ];
  for (const extra of bad) {
    for (const call of ['queueBuffer', 'prepareBuffer'] as const) {
      await rig.refuses('EFAULT', rig.cam[call]({ index: 0, memory: 'USERPTR', ...extra }));
      t.is(rig.queue.buffer(0).state, 'DEQUEUED');
    }
  }
});

test('UserPtr: 8 bytes before a page end works, nothing around it is written', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2, 'USERPTR');
  const base = await rig.memory(MiB);
  const userptr = base + 4096 - 8;
  const filler = new Uint8Array(8).fill(0x5a);
  await rig.run(rig.app.store(userptr - 8, filler));
  await rig.run(rig.app.store(userptr + frameSize, filler));
  const b = await rig.qbuf(0, { userptr, length: frameSize });
  t.is(b.userptr, userptr);
  t.is(b.length, frameSize);
  await rig.streamOn();
  t.is(await rig.poll(), 'POLLIN');
  const done = await rig.dqbuf();
  t.is(done.userptr, userptr);
  t.is(done.length, frameSize);
  t.deepEqual(await rig.load(userptr - 8, 8), filler);
  t.deepEqual(await rig.load(userptr + frameSize, 8), filler);
  t.deepEqual([...(await rig.load(userptr, 4))], [179, 128, 179, 128], '75 % white');
});

test('UserPtr: QBUF leaves pointer and length alone, cache hints are cleared', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2, 'USERPTR');
  const userptr = await rig.memory(MiB);
  const b = await rig.qbuf(0, { userptr, length: MiB, flags: ['NO_CACHE_CLEAN'] });
  t.is(b.userptr, userptr);
  t.is(b.length, MiB);
  t.deepEqual(b.flags, ['QUEUED', 'TIMESTAMP_MONOTONIC']);
});

test('DmaBuf: mmap on the queue fails', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2, 'DMABUF');
  await rig.refuses('EINVAL', rig.cam.mapBuffer(0));
});

test('DmaBuf: what is no dma-buf fails in PREPARE and QBUF', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2, 'DMABUF');
  await rig.refuses('EINVAL', rig.cam.queueBuffer({ index: 0, memory: 'DMABUF', dmabuf: null }));
  await rig.refuses('EINVAL', rig.cam.prepareBuffer({ index: 0, memory: 'DMABUF' }));
});

test('DmaBuf: frames captured into the buffers of another node arrive there', async (t) => {
  const rig = await Rig.open(t);
  const out = await Rig.join(t, rig.bench, { node: 'video1', app: rig.app });
  await out.request(2);
  const dmabuf = await out.run(out.cam.exportBuffer(0));
  const addr = await out.run(out.cam.mapBuffer(0));
  await rig.request(2, 'DMABUF');
  const b = await rig.qbuf(0, { dmabuf });
  t.is(b.dmabuf, dmabuf);
  t.is(b.length, dmabuf.len);
  await rig.streamOn();
  t.is(await rig.poll(), 'POLLIN');
  await rig.dqbuf();
  t.deepEqual([...(await rig.load(addr, 4))], [179, 128, 179, 128]);
});

test('DmaBuf: REQBUFS(0) of the exporter is OK while exported files are open', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2);
  const buf = await rig.run(rig.cam.exportBuffer(0));
  t.is(await rig.request(0), 0);
  t.is(buf.block.state, 'ORPHANED');
  await rig.run(rig.cam.closeBuffer(buf));
  t.is(buf.block.state, 'GONE');
});

test('BlockingWait: DQBUF on an empty queue waits beyond 1 s; STREAMOFF ends it', async (t) => {
  const rig = await Rig.open(t, { flags: ['rdwr'] });
  await rig.request(2);
  await rig.streamOn();
  const waiting = rig.cam.dequeueBuffer();
  t.false(await rig.bench.sched.runUntil(waiting, ms(1000)));
  await rig.streamOff();
  await rig.refuses('EINVAL', waiting);
});

test('a second waiter is EBUSY, and so is REQBUFS; the first still gets its frame', async (t) => {
  const rig = await Rig.open(t, { flags: ['rdwr'] });
  await rig.request(2);
  await rig.streamOn();
  const waiting = rig.cam.dequeueBuffer();
  t.false(await rig.bench.sched.runUntil(waiting, ms(10)));
  await rig.refuses('EBUSY', rig.cam.dequeueBuffer());
  await rig.refuses('EBUSY', rig.cam.requestBuffers({ count: 2, memory: 'MMAP' }));
  await rig.qbuf(1);
  t.is((await rig.run(waiting)).index, 1);
});

test('Requests are not built: QBUF with one is EBADR, PREPARE with one EINVAL', async (t) => {
  const rig = await Rig.open(t);
  await rig.request(2);
  await rig.refuses('EBADR', rig.cam.queueBuffer({ index: 0, requestFd: 5 }));
  await rig.refuses('EINVAL', rig.cam.prepareBuffer({ index: 0, requestFd: 5 }));
  await rig.qbuf(0);
  await rig.refuses('EINVAL', rig.cam.queueBuffer({ index: 0, requestFd: 5 }));
});

test('poll without buffers starts reading; every other request is EBUSY then', async (t) => {
  const rig = await Rig.open(t);
  t.is(await rig.poll(20), 'POLLIN');
  await rig.refuses('EBUSY', rig.cam.queueBuffer({ index: 0 }));
  await rig.refuses('EBUSY', rig.cam.dequeueBuffer());
  await rig.refuses('EBUSY', rig.cam.streamOn());
  await rig.refuses('EBUSY', rig.cam.requestBuffers({ count: 2, memory: 'MMAP' }));
  await rig.refuses('EINVAL', rig.cam.exportBuffer(2), 'the range comes first');
  await rig.refuses('EBUSY', rig.cam.exportBuffer(0));
  t.true((await rig.query(0)).flags.includes('DONE'));
  t.is((await rig.run(rig.cam.createBuffers({ count: 0, memory: 'MMAP' }))).count, 0);
});

test('closing the owner frees the queue; closing another file does not', async (t) => {
  const rig = await Rig.open(t);
  const other = await Rig.join(t, rig.bench, { app: rig.app });
  await rig.request(2);
  await rig.queueAll(2);
  await rig.streamOn();
  await other.run(other.cam.close());
  t.true(rig.queue.streaming);
  await rig.run(rig.cam.close());
  t.false(rig.queue.streaming);
  t.is(rig.queue.buffers.size, 0);
});

test('a wrong type is EINVAL before another owner is EBUSY, but where the node has it', async (t) => {
  for (const kernel of ['6.1', '6.12', '7.2'] as const) {
    const rig = await Rig.open(t, { kernel });
    const other = await Rig.join(t, rig.bench, { app: rig.app });
    await rig.request(2);
    const calls = (type: BufType) => [
      other.cam.queueBuffer({ index: 0, type }),
      other.cam.prepareBuffer({ index: 0, type }),
      other.cam.dequeueBuffer(type),
    ];
    for (const call of calls('VIDEO_OUTPUT')) await other.refuses('EINVAL', call);
    for (const call of calls('VIDEO_CAPTURE_MPLANE')) await other.refuses('EBUSY', call);
    const overlay = kernel === '6.1' ? 'EBUSY' : 'EINVAL';
    for (const call of calls('VIDEO_OVERLAY')) await other.refuses(overlay, call, kernel);
    await other.refuses('EBUSY', other.cam.streamOn('VIDEO_OUTPUT'), 'STREAMON looks later');
    await rig.refuses('EINVAL', rig.cam.queueBuffer({ index: 0, type: 'VIDEO_CAPTURE_MPLANE' }));
  }
});

test("read() over own buffers is EBUSY, and from 6.10 on the queue is nobody's then", async (t) => {
  for (const [kernel, then] of [
    ['6.1', 'EBUSY'],
    ['6.12', undefined],
    ['7.2', undefined],
  ] as const) {
    const rig = await Rig.open(t, { kernel });
    const other = await Rig.join(t, rig.bench, { app: rig.app });
    await rig.request(2);
    await rig.refuses('EBUSY', rig.cam.read(1));
    const taken = await other.errno(other.cam.requestBuffers({ count: 1, memory: 'MMAP' }));
    t.is(taken, then, kernel);
  }
});

test('buffers of nobody go with the next file that is closed', async (t) => {
  const rig = await Rig.open(t);
  const other = await Rig.join(t, rig.bench, { app: rig.app });
  await rig.request(2);
  await rig.refuses('EBUSY', rig.cam.read(1));
  await other.run(other.cam.close());
  await rig.refuses('EINVAL', rig.cam.queryBuffer(0));
});

test('REMOVE_BUFS while reading is EBUSY, but for a count of 0', async (t) => {
  const rig = await Rig.open(t);
  t.is(await rig.poll(20), 'POLLIN');
  await rig.refuses('EBUSY', rig.cam.removeBuffers(7, 1));
  await rig.run(rig.cam.removeBuffers(7, 0));
});

test('only CREATE_BUFS tells the greatest number of buffers', async (t) => {
  const rig = await Rig.open(t);
  const made = await rig.run(rig.cam.createBuffers({ count: 0, memory: 'MMAP' }));
  const asked = await rig.run(rig.cam.requestBuffers({ count: 0, memory: 'MMAP' }));
  t.true(made.capabilities.includes('SUPPORTS_MAX_NUM_BUFFERS'));
  t.false(asked.capabilities.includes('SUPPORTS_MAX_NUM_BUFFERS'));
});

test('poll tells nothing to whoever asks for nothing that the queue has, errors included', async (t) => {
  const rig = await Rig.open(t);
  const look = (io: Rig['cam']['io'], events: readonly PollEvent[]) =>
    rig.run(io.poll({ events, timeoutNs: 0 }));
  t.deepEqual(await look(rig.cam.io, ['POLLOUT', 'POLLPRI']), [], 'and no reading starts');
  t.is(rig.queue.fileIO, null);
  await rig.request(2);
  t.deepEqual(await look(rig.cam.io, ['POLLOUT']), []);
  t.deepEqual(await look(rig.cam.io, []), []);
  t.deepEqual(await look(rig.cam.io, ['POLLIN']), ['POLLERR'], 'not streaming');
  const out = await Rig.join(t, rig.bench, { node: 'video1' });
  await out.request(2);
  t.deepEqual(await look(out.cam.io, ['POLLIN']), []);
  t.deepEqual(await look(out.cam.io, ['POLLOUT']), ['POLLERR']);
});
