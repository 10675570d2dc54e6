// A cell of the lab: one policy against one driver, and the verdict on it.

import type { StrayDma } from '../referee/referee.js';

export const driverNames = ['rdma', 'v4l2', 'direct-io'] as const;
export type DriverName = (typeof driverNames)[number];

export interface Cell {
  readonly policy: string;
  readonly driver: DriverName;
}

export interface CellVerdict extends Cell {
  /** `granted`, or the errno that refused the holder its pin. */
  readonly pin: string;
  readonly truncate: {
    /** `ok`, an errno, or `hung` at the horizon. */
    readonly end: string;
    /** Virtual time from the call to its end. */
    readonly tookNs: number;
  };
  /** `running`; `lost pins`: they were revoked; or what ended the process that held them. */
  readonly holder: string;
  /** How the holder's transfers went: completed, and failed with a status. */
  readonly transfers: { readonly done: number; readonly failed: number };
  /** Transfers that landed elsewhere than they were meant to, the first ones. */
  readonly stray: readonly StrayDma[];
  /** Bytes of the new file that are not what its writer wrote, read back by its owner. */
  readonly corruptedBytes: number;
  readonly free: {
    /** Free blocks before the truncate, after it, and after the last unpin. */
    readonly before: number;
    readonly afterTruncate: number;
    readonly atEnd: number;
  };
  /** Blocks with an orphan, or busy: the most there were, and what was left at the end. */
  readonly orphanedPeak: number;
  readonly leaked: number;
}
