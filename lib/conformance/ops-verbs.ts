// Verbs of the cases: regions, windows, queue pairs and their traffic on the device rdma0.

import type { Ops } from './player.js';

export const verbsOps: Ops = {};
