// Goal: receive requests are taken in order, refused when there is no room, and a limit is raised
// once.

import test from 'ava';
import { RecvQueue } from '../../../drivers/rdma/recv-queue.js';

test('requests come out in order; one too many is ENOMEM and not posted', (t) => {
  const rq = new RecvQueue(3, 1);
  for (const wrId of [1, 2, 3]) rq.post({ wrId });
  t.throws(() => rq.post({ wrId: 4 }), { message: /^ENOMEM/ });
  t.is(rq.head()?.wrId, 1);
  t.is(rq.take()?.wrId, 1);
  t.deepEqual(
    rq.drain().map(({ wrId }) => wrId),
    [2, 3],
  );
  t.is(rq.take(), undefined);
});

test('a queue of no places takes nothing', (t) => {
  t.throws(() => new RecvQueue(0, 1).post({ wrId: 1 }), { message: /^ENOMEM/ });
});

test('the limit event comes once, when fewer are left than it says', (t) => {
  const rq = new RecvQueue(7, 1);
  let events = 0;
  rq.onLimit = () => void events++;
  rq.limit = 2;
  for (const wrId of [1, 2, 3]) rq.post({ wrId });
  rq.take();
  t.is(events, 0);
  rq.take();
  rq.take();
  t.is(events, 1);
  t.is(rq.limit, 0);
});
