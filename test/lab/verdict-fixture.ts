// A verdict for tests of what is made of verdicts: all is well, unless said otherwise.

import type { CellVerdict } from '../../lib/lab/cell.js';

export const verdict = (over: Partial<CellVerdict>): CellVerdict => ({
  policy: 'wait',
  driver: 'rdma-pinned',
  behaviour: 'ignores',
  operation: 'truncate',
  pin: 'granted',
  outcome: { end: 'ok', tookNs: 0, steps: 3 },
  holder: 'running',
  holderStuck: [],
  transfers: { done: 1, failed: 0 },
  stray: [],
  corruptedBytes: 0,
  tornPages: 0,
  lostPages: 0,
  orphanedPeak: 0,
  leaked: 0,
  stuck: { reader: 0, writer: 0, stat: 0 },
  first: null,
  na: null,
  verdict: 'safe',
  strategy: 'one',
  schedules: 1,
  complete: true,
  token: 'lab-x.1.0.00000000',
  seen: { safe: 1 },
  live: null,
  broken: [],
  ...over,
});
