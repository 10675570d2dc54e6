// Goal: timer codes mean what the standard's tables say.

import test from 'ava';
import { ackTimeoutNs, psnAfter, psnBefore, rnrTimerNs } from '../../../drivers/rdma/wire.js';

test('receiver-not-ready timers', (t) => {
  t.deepEqual([0, 1, 12, 31].map(rnrTimerNs), [655_360_000, 10_000, 640_000, 491_520_000]);
});

test('acknowledge timeouts: 4.096 us times a power of two, 0 for ever', (t) => {
  t.deepEqual([0, 1, 14].map(ackTimeoutNs), [Infinity, 8192, 67_108_864]);
});

test('packets are numbered in 24 bits, one at least for each message', (t) => {
  t.deepEqual(
    [0, 1, 1024, 1025].map((len) => psnAfter(0xfffffe, len, 1024)),
    [0xffffff, 0xffffff, 0xffffff, 0],
  );
  t.true(psnBefore(0xffffff, 0) && psnBefore(3, 4) && psnBefore(0, 0x7fffff));
  t.false(psnBefore(0, 0xffffff) || psnBefore(4, 4) || psnBefore(5, 4));
});
