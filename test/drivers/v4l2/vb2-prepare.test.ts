// Goal: memory is taken when it must be, kept while it may be, and given back when it is refused.

import assert from 'node:assert/strict';
import test from 'ava';
import { Errno, isErrno } from '../../../lib/errno.js';
import { fillBuffer } from '../../../drivers/v4l2/fill-buffer.js';
import type { V4L2BufferArg } from '../../../drivers/v4l2/buffer.js';
import { prepareBuffer, prepareMmap } from '../../../drivers/v4l2/vb2-prepare.js';
import { requestBuffers } from '../../../drivers/v4l2/vb2-alloc.js';
import { FakeQueue } from './fake-queue.js';

/** PREPARE and back to unprepared, as a round through the queue does; the errno or 'ok'. */
async function prepare(f: FakeQueue, arg: Partial<V4L2BufferArg>): Promise<string> {
  return f.locked(async (caller) => {
    const vb = f.queue.buffer(0);
    vb.prepared = false;
    fillBuffer(f.queue, vb, { index: 0, ...arg });
    try {
      await prepareBuffer(f.queue, caller, vb);
      return 'ok';
    } catch (e) {
      if (!isErrno(e)) throw e;
      return e.code;
    } finally {
      assert.equal(vb.state, 'DEQUEUED');
    }
  });
}

const dmabuf = (len: number) => ({ len, label: 'file' }) as never;

test('USERPTR: the same pointer and length keep the memory, others swap it', async (t) => {
  const f = new FakeQueue();
  requestBuffers(f.queue, 'USERPTR', 1);
  const at = (userptr: number, length = 100) => prepare(f, { userptr, length });
  t.is(await at(4096), 'ok');
  t.is(await at(4096), 'ok');
  t.is(f.memories.length, 1);
  t.is(await at(8192), 'ok');
  t.is(await at(8192, 200), 'ok');
  t.is(f.memories.length, 3);
  t.is(f.held, 1);
});

test('USERPTR: too short is EINVAL, bad memory its errno; the old memory is gone', async (t) => {
  for (const [arg, want] of [
    [{ userptr: 4096, length: 99 }, 'EINVAL'],
    [{ userptr: 0, length: 100 }, 'EFAULT'],
  ] as const) {
    const f = new FakeQueue();
    requestBuffers(f.queue, 'USERPTR', 1);
    t.is(await prepare(f, { userptr: 8192, length: 100 }), 'ok');
    t.is(await prepare(f, arg), want);
    t.is(f.held, 0);
    t.is(f.queue.buffer(0).planes[0]!.userptr, 0);
  }
});

test('a refusal of the driver gives user memory back and keeps MMAP memory', async (t) => {
  for (const [memory, held] of [
    ['USERPTR', 0],
    ['MMAP', 1],
  ] as const) {
    const f = new FakeQueue();
    requestBuffers(f.queue, memory, 1);
    f.prepareError = new Errno('EINVAL', 'no');
    t.is(await prepare(f, { userptr: 4096, length: 100 }), 'EINVAL');
    t.is(f.held, held);
    t.false(f.queue.buffer(0).prepared);
  }
});

test('DMABUF: no file and too few bytes are EINVAL; length 0 is all of it', async (t) => {
  const f = new FakeQueue();
  requestBuffers(f.queue, 'DMABUF', 1);
  t.is(await prepare(f, { dmabuf: null }), 'EINVAL');
  t.is(await prepare(f, { dmabuf: dmabuf(50) }), 'EINVAL');
  const buf = dmabuf(300);
  t.is(await prepare(f, { dmabuf: buf }), 'ok');
  t.is(f.queue.buffer(0).planes[0]!.length, 300);
  t.is(await prepare(f, { dmabuf: buf, length: 300 }), 'ok');
  t.is(f.memories.length, 1);
  t.is(await prepare(f, { dmabuf: dmabuf(300) }), 'ok');
  t.is(f.memories.length, 2);
  t.is(f.held, 1);
});

test('a queue in error prepares nothing', async (t) => {
  const f = new FakeQueue();
  requestBuffers(f.queue, 'MMAP', 1);
  f.queue.fatal();
  t.is(await prepare(f, {}), 'EIO');
});

test('MMAP memory is prepared without waiting, and never without having been checked', (t) => {
  const f = new FakeQueue();
  requestBuffers(f.queue, 'MMAP', 1);
  const vb = f.queue.buffer(0);
  t.throws(() => prepareMmap(f.queue, vb), { message: /nothing was checked/ });
  fillBuffer(f.queue, vb, { index: 0 });
  vb.timestampNs = 5;
  prepareMmap(f.queue, vb);
  t.true(vb.prepared);
  t.is(vb.planes[0]!.bytesused, 100);
  t.is(vb.timestampNs, 0);
});
