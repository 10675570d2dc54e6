// struct vb2_ops: what a driver adds to a queue. Keep sorted; all but two are required.
//
//   op              holds      may throw         after it
//   bufPrepare      the lock   EINVAL EIO        bytesused is set (capture)
//   bufQueue        the lock   no                the driver owns the hold, until done()
//   queueSetup      the lock   EINVAL            nothing is kept of a refusal
//   startStreaming  the lock   any; then every hold was given back as 'QUEUED'
//   stopStreaming   the lock   no                every hold was given back as 'DONE' or 'ERROR'
//
// The queue asserts the right column. include/media/videobuf2-core.h.

import type { ActiveBuffer } from './active-buffer.js';
import type { VB2Buffer } from './buffer.js';

export interface QueueSetup {
  readonly nrBuffers: number;
  /** Bytes of each plane of a new buffer. */
  readonly sizes: readonly number[];
}

export interface QueueSetupRequest {
  readonly nrBuffers: number;
  /** Buffers there are already. */
  readonly nrAllocated: number;
  /** CREATE_BUFS: what is asked for, EINVAL if it does not do. null: the driver's choice. */
  readonly sizes: readonly number[] | null;
  /** For read() and write(). */
  readonly fileIO: boolean;
}

export interface VB2Ops {
  bufPrepare?(vb: VB2Buffer): void;
  bufQueue(active: ActiveBuffer): void;
  queueSetup(wanted: QueueSetupRequest): QueueSetup;
  startStreaming?(count: number): void;
  stopStreaming?(): void;
}
