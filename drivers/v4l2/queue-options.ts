// What a queue is made from, and what it counts.

import type { Mutex, Scheduler } from '../../lib/driver/index.js';
import type { MemoryOps } from './memory.js';
import type { V4L2Rules } from './rules.js';
import type { VB2Ops } from './vb2-ops.js';

export type IOMode = 'MMAP' | 'USERPTR' | 'DMABUF' | 'READ' | 'WRITE';

export interface VB2QueueOptions {
  readonly name: string;
  readonly type: 'VIDEO_CAPTURE' | 'VIDEO_OUTPUT' | 'VIDEO_CAPTURE_MPLANE' | 'VIDEO_OUTPUT_MPLANE';
  readonly ioModes: readonly IOMode[];
  readonly maxBuffers: number;
  readonly minReqbufsAllocation: number;
  /** startStreaming() waits for this many queued buffers. */
  readonly minQueuedBuffers: number;
  /** V4L2_BUF_CAP_SUPPORTS_MMAP_CACHE_HINTS. */
  readonly allowCacheHints?: boolean;
  readonly timestamps?: 'MONOTONIC' | 'COPY';
  readonly rules: V4L2Rules;
  readonly sched: Scheduler;
  readonly lock: Mutex;
  readonly memory: MemoryOps;
  readonly ops: VB2Ops;
}

/** How often each side was called; every pair is equal once the queue is freed. */
export interface QueueCounters {
  bufQueue: number;
  bufDone: number;
  startStreaming: number;
  stopStreaming: number;
  memoryTaken: number;
  memoryPut: number;
}
