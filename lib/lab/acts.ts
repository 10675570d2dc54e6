// The acts of the story: how each driver comes to do DMA to the mapped file, and how it stops.
//
// An act runs in tasks of its own. It counts transfers that went through and those that failed,
// and stops at the first failure, as a program would that checks what it is told.

import type { Driver } from '../driver/index.js';
import type { Task } from '../sched/index.js';
import type { DriverName } from './cell.js';
import { directIO } from './direct-io-act.js';
import { rdmaPinned } from './rdma-act.js';
import type { Stage } from './stage.js';
import { v4l2UserPtr } from './v4l2-act.js';

/** DMA under way. */
export interface Running {
  readonly done: number;
  readonly failed: number;
  /** Let time pass until a transfer is in the middle of its pages. */
  untilBusy(): Promise<void>;
  /** The holder stops the device and gives its pins back. Never throws: it may have been killed. */
  release(task: Task): Promise<void>;
}

export interface Act {
  /** Its pins last until it gives them back: FOLL_LONGTERM. */
  readonly longterm: boolean;
  readonly drivers: readonly Driver[];
  /** Begin; an Errno is the refusal that the holder met, and nothing is held then. */
  start(stage: Stage): Promise<Running>;
}

const acts: Readonly<Record<DriverName, Act>> = {
  rdma: rdmaPinned,
  v4l2: v4l2UserPtr,
  'direct-io': directIO,
};

export const actOf = (driver: DriverName): Act => acts[driver];
