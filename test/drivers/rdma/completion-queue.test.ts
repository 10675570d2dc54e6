// Goal: completions come out in order; arming asks for one event; overflow loses the queue.

import test from 'ava';
import { CompletionQueue, ringCapacity } from '../../../drivers/rdma/completion-queue.js';
import { Scheduler } from '../../../lib/sched/index.js';

const wc = (wrId: number) => ({ wrId, status: 'SUCCESS', qpNum: 17 }) as const;
const newQueue = (cqe: number) => new CompletionQueue(new Scheduler({ mode: 'simulated' }), 1, cqe);

test('rings have a power of two of slots, one of them unused', (t) => {
  t.deepEqual([1, 3, 4, 16, 31].map(ringCapacity), [1, 3, 7, 31, 31]);
});

test('completions are polled oldest first, at most as many as asked', (t) => {
  const cq = newQueue(16);
  for (const id of [1, 2, 3]) t.true(cq.post(wc(id), false));
  t.deepEqual(
    cq.poll(2).map(({ wrId }) => wrId),
    [1, 2],
  );
  t.deepEqual(
    cq.poll(9).map(({ wrId }) => wrId),
    [3],
  );
  t.deepEqual(cq.poll(1), []);
});

test('an armed queue raises one event, a solicited one only for solicited completions', (t) => {
  const cq = newQueue(16);
  let events = 0;
  cq.onEvent = () => void events++;
  cq.post(wc(1), true);
  t.is(events, 0);
  cq.arm(true);
  cq.post(wc(2), false);
  t.is(events, 0);
  cq.post(wc(3), true);
  cq.post(wc(4), true);
  t.is(events, 1);
  cq.arm(false);
  cq.arm(true);
  t.is(cq.arming, 'next');
  cq.post(wc(5), false);
  t.is(events, 2);
});

test('a full queue overflows once and takes nothing any more', (t) => {
  const cq = newQueue(1);
  let lost = 0;
  cq.onOverflow = () => void lost++;
  t.true(cq.post(wc(1), false));
  t.false(cq.post(wc(2), false));
  cq.poll(1);
  t.false(cq.post(wc(3), false));
  t.is(lost, 1);
});
