// Goal: what an application says of a buffer is kept if it may say it, and refused if it is wrong.

import test from 'ava';
import { fillBuffer } from '../../../drivers/v4l2/fill-buffer.js';
import { requestBuffers } from '../../../drivers/v4l2/vb2-alloc.js';
import { FakeQueue } from './fake-queue.js';

function bufferOf(opts: ConstructorParameters<typeof FakeQueue>[0], memory: 'MMAP' | 'USERPTR') {
  const { queue } = new FakeQueue(opts);
  requestBuffers(queue, memory, 1);
  return { queue, vb: queue.buffer(0) };
}

test("capture: bytesused, field and the driver's flags are not the application's", (t) => {
  const { queue, vb } = bufferOf({}, 'MMAP');
  fillBuffer(queue, vb, {
    index: 0,
    bytesused: 9e9,
    flags: ['LAST', 'KEYFRAME', 'NO_CACHE_CLEAN'],
  });
  t.like(vb.planes[0]!.wanted, { bytesused: 0, length: 100, userptr: 0 });
  t.is(vb.flags.size, 0);
});

test('cache hints are kept with the capability, for MMAP only', (t) => {
  const hints = ['NO_CACHE_CLEAN', 'NO_CACHE_INVALIDATE'] as const;
  const { queue, vb } = bufferOf({ allowCacheHints: true }, 'MMAP');
  fillBuffer(queue, vb, { index: 0, flags: hints });
  t.deepEqual([...vb.flags], [...hints]);
  const user = bufferOf({ allowCacheHints: true }, 'USERPTR');
  fillBuffer(user.queue, user.vb, { index: 0, flags: hints, length: 100 });
  t.is(user.vb.flags.size, 0);
});

test('output: no bytesused means all, too many are EINVAL, so is a picture after its end', (t) => {
  const { queue, vb } = bufferOf({ type: 'VIDEO_OUTPUT' }, 'MMAP');
  const fill = (arg: object) => () => fillBuffer(queue, vb, { index: 0, ...arg });
  fill({})();
  t.is(vb.planes[0]!.wanted!.bytesused, 100);
  fill({ bytesused: 60, dataOffset: 20, flags: ['KEYFRAME', 'LAST'], field: 'TOP' })();
  t.like(vb.planes[0]!.wanted, { bytesused: 60, dataOffset: 20 });
  t.deepEqual([...vb.flags], ['KEYFRAME']);
  t.is(vb.field, 'TOP');
  t.throws(fill({ bytesused: 101 }), { message: /EINVAL/ });
  t.throws(fill({ bytesused: 60, dataOffset: 60 }), { message: /EINVAL/ });
  t.throws(fill({ field: 'ALTERNATE' }), { message: /EINVAL/ });
});

test('user memory: pointer and length are what was said', (t) => {
  const { queue, vb } = bufferOf({}, 'USERPTR');
  fillBuffer(queue, vb, { index: 0, userptr: 4096, length: 500 });
  t.like(vb.planes[0]!.wanted, { userptr: 4096, length: 500 });
});
