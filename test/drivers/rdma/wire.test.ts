// Goal: timer codes mean what the standard's tables say.

import test from 'ava';
import { ackTimeoutNs, rnrTimerNs } from '../../../drivers/rdma/wire.js';

test('receiver-not-ready timers', (t) => {
  t.deepEqual([0, 1, 12, 31].map(rnrTimerNs), [655_360_000, 10_000, 640_000, 491_520_000]);
});

test('acknowledge timeouts: 4.096 us times a power of two, 0 for ever', (t) => {
  t.deepEqual([0, 1, 14].map(ackTimeoutNs), [Infinity, 8192, 67_108_864]);
});
