// Goal: the queue answers as facts 6.2 say, in that order, and every buffer comes back once.
// Method: a queue over fake memory and a driver that records what it is told.

import test from 'ava';
import { Errno, isErrno } from '../../../lib/errno.js';
import { BufferTaken } from '../../../drivers/v4l2/active-buffer.js';
import { createBuffers, releaseQueue, requestBuffers } from '../../../drivers/v4l2/vb2-alloc.js';
import { FakeQueue } from './fake-queue.js';

const frame = { sequence: 3, timestampNs: 7 };

async function codeOf(fn: () => unknown): Promise<string> {
  try {
    await fn();
    return 'ok';
  } catch (e) {
    if (!isErrno(e)) throw e;
    return e.code;
  }
}

test('a buffer goes DEQUEUED, QUEUED, ACTIVE, DONE, DEQUEUED, and shows each state', async (t) => {
  const f = new FakeQueue();
  const { queue: q } = f;
  await f.locked(async (caller) => {
    requestBuffers(q, 'MMAP', 2);
    const vb = q.buffer(0);
    t.deepEqual(q.describe(vb).flags, ['TIMESTAMP_MONOTONIC']);
    await f.qbuf(caller, { index: 0 });
    t.is(vb.state, 'QUEUED');
    q.streamOn('VIDEO_CAPTURE');
    t.is(vb.state, 'ACTIVE');
    t.deepEqual(q.describe(vb).flags, ['QUEUED', 'TIMESTAMP_MONOTONIC']);
    f.active[0]!.done('DONE', frame);
    t.deepEqual(q.describe(vb).flags, ['DONE', 'TIMESTAMP_MONOTONIC']);
    const b = await q.dequeue(caller, true);
    t.like(b, { index: 0, sequence: 3, timestampNs: 7, flags: ['TIMESTAMP_MONOTONIC'] });
    t.is(vb.state, 'DEQUEUED');
  });
});

test('buffers come back in the order of completion; one in ERROR with its flag', async (t) => {
  const f = new FakeQueue();
  const { queue: q } = f;
  await f.locked(async (caller) => {
    requestBuffers(q, 'MMAP', 3);
    for (const index of [0, 1, 2]) await f.qbuf(caller, { index });
    q.streamOn('VIDEO_CAPTURE');
    f.active[2]!.done('DONE', frame);
    f.active[0]!.done('ERROR', frame);
    t.is((await q.dequeue(caller, true)).index, 2);
    const failed = await q.dequeue(caller, true);
    t.is(failed.index, 0);
    t.true(failed.flags.includes('ERROR'));
    t.is(await codeOf(() => q.dequeue(caller, true)), 'EAGAIN');
  });
});

test('DQBUF: waiter EBUSY, then off EINVAL, error EIO, last EPIPE, none EAGAIN', async (t) => {
  const f = new FakeQueue();
  const { queue: q } = f;
  await f.locked(async (caller) => {
    requestBuffers(q, 'MMAP', 2);
    const answer = () => codeOf(() => q.dequeue(caller, true));
    q.waitingInDqbuf = true;
    t.is(await answer(), 'EBUSY');
    q.waitingInDqbuf = false;
    t.is(await answer(), 'EINVAL');
    q.streamOn('VIDEO_CAPTURE');
    t.is(await answer(), 'EAGAIN');
    q.lastBufferDequeued = true;
    t.is(await answer(), 'EPIPE');
    q.fatal();
    t.is(await answer(), 'EIO');
  });
});

test('QBUF: error EIO first, then the state; STREAMOFF clears the error', async (t) => {
  const f = new FakeQueue();
  const { queue: q } = f;
  await f.locked(async (caller) => {
    requestBuffers(q, 'MMAP', 2);
    await f.qbuf(caller, { index: 0 });
    t.is(await codeOf(() => f.qbuf(caller, { index: 0 })), 'EINVAL');
    q.fatal();
    t.is(await codeOf(() => f.qbuf(caller, { index: 0 })), 'EIO');
    t.is(await codeOf(() => f.qbuf(caller, { index: 1 })), 'EIO');
    q.streamOff('VIDEO_CAPTURE');
    t.is(await codeOf(() => f.qbuf(caller, { index: 0 })), 'ok');
  });
});

test('QBUF of a buffer in each other state is EINVAL', async (t) => {
  const f = new FakeQueue();
  const { queue: q } = f;
  await f.locked(async (caller) => {
    requestBuffers(q, 'MMAP', 2);
    for (const state of ['PREPARING', 'QUEUED', 'ACTIVE', 'DONE', 'ERROR'] as const) {
      Object.assign(q.buffer(1), {
        state,
        timestampNs: state === 'DONE' || state === 'ERROR' ? 7 : 0,
      });
      t.is(await codeOf(() => f.qbuf(caller, { index: 1 })), 'EINVAL', state);
    }
    q.buffer(1).state = 'DEQUEUED';
  });
});

test('the driver is started at the QBUF that reaches the minimum', async (t) => {
  const f = new FakeQueue({ minQueuedBuffers: 2 });
  const { queue: q } = f;
  await f.locked(async (caller) => {
    requestBuffers(q, 'MMAP', 1);
    t.is(q.buffers.size, 2, 'at least the minimum is allocated');
    q.streamOn('VIDEO_CAPTURE');
    await f.qbuf(caller, { index: 0 });
    t.deepEqual(f.log, []);
    t.is(q.buffer(0).state, 'QUEUED');
    await f.qbuf(caller, { index: 1 });
    t.deepEqual(f.log, ['queue 0', 'queue 1', 'start 2']);
  });
});

test('a deferred start that fails is the answer of QBUF; nothing is queued', async (t) => {
  const f = new FakeQueue({ minQueuedBuffers: 2 });
  const { queue: q } = f;
  await f.locked(async (caller) => {
    requestBuffers(q, 'MMAP', 2);
    q.streamOn('VIDEO_CAPTURE');
    await f.qbuf(caller, { index: 0 });
    f.startError = new Errno('EIO', 'no');
    t.is(await codeOf(() => f.qbuf(caller, { index: 1 })), 'EIO');
    t.is(q.buffer(0).state, 'QUEUED');
    t.is(q.buffer(1).state, 'DEQUEUED');
    t.true(q.streaming);
    t.is(await codeOf(() => f.qbuf(caller, { index: 1 })), 'ok');
    t.true(q.started);
  });
});

test('STREAMON with fewer buffers than the minimum is EINVAL', async (t) => {
  const f = new FakeQueue({ minQueuedBuffers: 3 });
  await f.locked(async () => {
    createBuffers(f.queue, 'MMAP', 2, [100]);
    t.is(await codeOf(() => f.queue.streamOn('VIDEO_CAPTURE')), 'EINVAL');
  });
});

test('STREAMOFF returns all, drops what was done, wakes who waits with EINVAL', async (t) => {
  const f = new FakeQueue();
  const { queue: q, sched } = f;
  await f.locked(async (caller, task) => {
    requestBuffers(q, 'MMAP', 3);
    q.streamOn('VIDEO_CAPTURE');
    const waiter = sched.spawn('waiter', async (own) => {
      await f.lock.lock(own);
      const answer = await codeOf(() => q.dequeue({ ...caller, task: own }, false));
      f.lock.unlock(own);
      return answer;
    });
    f.lock.unlock(task);
    await sched.clock.sleep(task, 10);
    await f.lock.lock(task);
    t.true(q.waitingInDqbuf);
    t.is(await codeOf(() => requestBuffers(q, 'MMAP', 2)), 'EBUSY');
    for (const index of [0, 1]) await f.qbuf(caller, { index });
    q.streamOff('VIDEO_CAPTURE');
    t.deepEqual(
      [...q.buffers.values()].map((vb) => vb.state),
      Array(3).fill('DEQUEUED'),
    );
    t.is(q.done.length, 0);
    f.lock.unlock(task);
    t.is(await waiter.join(task), 'EINVAL');
    await f.lock.lock(task);
  });
});

test('a driver that keeps a buffer, or gives one back twice, is caught', async (t) => {
  const f = new FakeQueue();
  const { queue: q } = f;
  await f.locked(async (caller) => {
    requestBuffers(q, 'MMAP', 2);
    await f.qbuf(caller, { index: 0 });
    q.streamOn('VIDEO_CAPTURE');
    const [active] = f.active;
    f.keepsBuffers = true;
    t.throws(() => q.streamOff('VIDEO_CAPTURE'), { message: /stopStreaming\(\) kept 1 buffers/ });
    active!.done('DONE', frame);
    t.throws(() => active!.done('DONE', frame), { message: /given back twice/ });
  });
});

test('a revoked buffer that is ACTIVE comes back in ERROR, and streaming goes on', async (t) => {
  const f = new FakeQueue();
  const { queue: q } = f;
  await f.locked(async (caller, task) => {
    requestBuffers(q, 'USERPTR', 2);
    for (const index of [0, 1]) {
      await f.qbuf(caller, { index, memory: 'USERPTR', userptr: 4096 * (index + 1), length: 100 });
    }
    q.streamOn('VIDEO_CAPTURE');
    await f.memories[0]!.takeBack!(task);
    t.false(f.memories[0]!.held);
    await t.throwsAsync(f.active[0]!.write(0, Uint8Array.of(1)), { instanceOf: BufferTaken });
    const b = await q.dequeue(caller, true);
    t.is(b.index, 0);
    t.true(b.flags.includes('ERROR'));
    f.active[1]!.done('DONE', frame);
    t.is((await q.dequeue(caller, true)).index, 1);
    q.streamOff('VIDEO_CAPTURE');
  });
});

test('a revoked buffer that is queued but not started never reaches the driver', async (t) => {
  const f = new FakeQueue();
  const { queue: q } = f;
  await f.locked(async (caller, task) => {
    requestBuffers(q, 'USERPTR', 2);
    for (const index of [0, 1]) {
      await f.qbuf(caller, { index, memory: 'USERPTR', userptr: 4096, length: 100 });
    }
    await f.memories[0]!.takeBack!(task);
    t.is(q.buffer(0).state, 'QUEUED');
    q.streamOn('VIDEO_CAPTURE');
    t.deepEqual(f.log, ['queue 1', 'start 1']);
    t.true((await q.dequeue(caller, true)).flags.includes('ERROR'));
  });
});

test('a DEQUEUED buffer that is revoked loses its memory; QBUF takes it again', async (t) => {
  const f = new FakeQueue();
  const { queue: q } = f;
  const arg = { index: 0, memory: 'USERPTR', userptr: 4096, length: 100 } as const;
  await f.locked(async (caller, task) => {
    requestBuffers(q, 'USERPTR', 2);
    await f.qbuf(caller, arg);
    q.streamOff('VIDEO_CAPTURE');
    await f.memories[0]!.takeBack!(task);
    t.is(f.held, 0);
    t.is(q.buffer(0).state, 'DEQUEUED');
    await f.qbuf(caller, arg);
    t.is(f.memories.length, 2);
    t.is(f.held, 1);
    q.streamOff('VIDEO_CAPTURE');
  });
});

test('releasing the queue gives every memory back once', async (t) => {
  const f = new FakeQueue();
  await f.locked(async (caller) => {
    requestBuffers(f.queue, 'MMAP', 4);
    for (const index of [0, 1]) await f.qbuf(caller, { index });
    f.queue.streamOn('VIDEO_CAPTURE');
    releaseQueue(f.queue);
    t.is(f.held, 0);
    t.is(f.queue.counters.bufQueue, 2);
    t.is(f.queue.counters.bufDone, 2);
    t.is(f.queue.counters.startStreaming, f.queue.counters.stopStreaming);
  });
});
