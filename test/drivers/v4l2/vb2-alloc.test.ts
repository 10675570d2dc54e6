// Goal: buffers come and go as REQBUFS, CREATE_BUFS and REMOVE_BUFS say; a refusal keeps nothing.

import test from 'ava';
import { isErrno } from '../../../lib/errno.js';
import {
  cacheHints,
  createBuffers,
  freeBuffers,
  removeBuffers,
  requestBuffers,
} from '../../../drivers/v4l2/vb2-alloc.js';
import { FakeQueue } from './fake-queue.js';

const code = (fn: () => unknown): string => {
  try {
    fn();
    return 'ok';
  } catch (e) {
    if (!isErrno(e)) throw e;
    return e.code;
  }
};

test('REQBUFS: clamped between the minimum and the maximum', (t) => {
  const { queue } = new FakeQueue({ minReqbufsAllocation: 2, maxBuffers: 6 });
  t.is(requestBuffers(queue, 'MMAP', 1), 2);
  t.is(requestBuffers(queue, 'MMAP', 100), 6);
  t.is(requestBuffers(queue, 'MMAP', 0), 0);
});

test('REQBUFS: fewer than the minimum allocated is ENOMEM, and nothing is kept', (t) => {
  const f = new FakeQueue({ minReqbufsAllocation: 3 });
  f.allocations = 2;
  t.is(
    code(() => requestBuffers(f.queue, 'MMAP', 4)),
    'ENOMEM',
  );
  t.is(f.held, 0);
  t.is(f.queue.buffers.size, 0);
  t.is(f.queue.memory, 'UNKNOWN');
  f.allocations = 3;
  t.is(requestBuffers(f.queue, 'MMAP', 4), 3, 'as many as there is memory for');
});

test('REQBUFS: EBUSY while streaming, also with a count of 0', (t) => {
  const { queue } = new FakeQueue();
  requestBuffers(queue, 'MMAP', 2);
  queue.streamOn('VIDEO_CAPTURE');
  t.is(
    code(() => requestBuffers(queue, 'MMAP', 2)),
    'EBUSY',
  );
  t.is(
    code(() => requestBuffers(queue, 'MMAP', 0)),
    'EBUSY',
  );
});

test('REQBUFS: EBUSY while somebody waits in DQBUF, but for a count of 0', (t) => {
  const { queue } = new FakeQueue();
  requestBuffers(queue, 'MMAP', 2);
  queue.waitingInDqbuf = true;
  t.is(
    code(() => requestBuffers(queue, 'MMAP', 2)),
    'EBUSY',
  );
  t.is(requestBuffers(queue, 'MMAP', 0), 0);
  t.is(
    code(() => createBuffers(queue, 'MMAP', 1, [100])),
    'EBUSY',
  );
});

test('REQBUFS: EAGAIN on 6.1 while a buffer is being prepared', (t) => {
  const { queue } = new FakeQueue({ kernel: '6.1' });
  requestBuffers(queue, 'MMAP', 2);
  queue.buffer(1).state = 'PREPARING';
  t.is(
    code(() => requestBuffers(queue, 'MMAP', 2)),
    'EAGAIN',
  );
  t.is(queue.buffers.size, 2);
});

test('REQBUFS: with cache hints NON_COHERENT is kept, and CREATE_BUFS must agree', (t) => {
  const { queue } = new FakeQueue({ allowCacheHints: true });
  t.true(cacheHints(queue, 'MMAP'));
  t.false(cacheHints(queue, 'USERPTR'));
  requestBuffers(queue, 'MMAP', 2, true);
  t.true(queue.nonCoherent);
  t.is(
    code(() => createBuffers(queue, 'MMAP', 1, [100], false)),
    'EINVAL',
  );
  t.is(
    code(() => createBuffers(queue, 'MMAP', 1, [100], true)),
    'ok',
  );
});

test('CREATE_BUFS: at the first run of free indexes; ENOBUFS when full comes first', (t) => {
  const { queue } = new FakeQueue({ maxBuffers: 5 });
  t.deepEqual(createBuffers(queue, 'MMAP', 3, [100]), { index: 0, count: 3 });
  t.is(
    code(() => createBuffers(queue, 'USERPTR', 1, [100])),
    'EINVAL',
  );
  t.deepEqual(createBuffers(queue, 'MMAP', 9, [100]), { index: 3, count: 2 });
  t.is(
    code(() => createBuffers(queue, 'USERPTR', 1, [100])),
    'ENOBUFS',
  );
  removeBuffers(queue, 1, 1);
  removeBuffers(queue, 3, 1);
  t.deepEqual(
    createBuffers(queue, 'MMAP', 2, [100]),
    { index: 1, count: 1 },
    'no run of two is free',
  );
});

test('CREATE_BUFS: no memory at all is ENOMEM, and an empty queue stays empty', (t) => {
  const f = new FakeQueue();
  f.allocations = 0;
  t.is(
    code(() => createBuffers(f.queue, 'MMAP', 2, [100])),
    'ENOMEM',
  );
  t.is(f.queue.memory, 'UNKNOWN');
});

test('busy: on 6.1 while there are buffers, later until REQBUFS(0)', (t) => {
  for (const [kernel, after] of [
    ['6.1', false],
    ['6.12', true],
  ] as const) {
    const { queue } = new FakeQueue({ kernel });
    t.false(queue.busy);
    createBuffers(queue, 'MMAP', 1, [100]);
    t.true(queue.busy);
    removeBuffers(queue, 0, 1);
    t.is(queue.busy, after);
    requestBuffers(queue, 'MMAP', 0);
    t.false(queue.busy);
  }
});

test('a buffer that is not dequeued cannot be freed', (t) => {
  const { queue } = new FakeQueue();
  requestBuffers(queue, 'MMAP', 1);
  queue.buffer(0).state = 'ACTIVE';
  t.throws(() => freeBuffers(queue, [queue.buffer(0)]), { message: /freed while ACTIVE/ });
});

test('CreateBufs: another coherency than the buffers there are is EINVAL', (t) => {
  const { queue } = new FakeQueue({ allowCacheHints: true });
  for (const first of [false, true]) {
    createBuffers(queue, 'MMAP', 1, [100], first);
    t.throws(() => createBuffers(queue, 'MMAP', 1, [100], !first), { code: 'EINVAL' });
    createBuffers(queue, 'MMAP', 1, [100], first);
    t.is(queue.buffers.size, 2);
    requestBuffers(queue, 'MMAP', 0);
  }
});
