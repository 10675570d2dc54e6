// A cell of the matrix: one policy, against one driver in the hands of one kind of application,
// during one operation; and the verdict on it.

import type { StrayDma } from '../referee/referee.js';

export const driverNames = [
  'rdma-pinned',
  'rdma-on-demand',
  'rdma-lease',
  'rdma-revocable',
  'rdma-block-device',
  'v4l2-userptr',
  'v4l2-dmabuf',
  'direct-io',
  'vfio',
  'pnfs',
  'device-dax',
] as const;
export type DriverName = (typeof driverNames)[number];

export const behaviourNames = [
  'cooperates',
  'drops-lease',
  'ignores',
  'never-leases',
  'answers-late',
  'exits-data-first',
  'exits-device-first',
  'revoked-key',
  'mixture',
] as const;
export type BehaviourName = (typeof behaviourNames)[number];

export const operationNames = ['truncate', 'punch', 'unlink', 'fsync', 'reclaim', 'exit'] as const;
export type OperationName = (typeof operationNames)[number];

export interface Cell {
  readonly policy: string;
  readonly driver: DriverName;
  readonly behaviour: BehaviourName;
  readonly operation: OperationName;
}

/** How somebody beside the operation fared: virtual time, or null if it never ended. */
export interface Stuck {
  readonly reader: number | null;
  readonly writer: number | null;
  readonly stat: number | null;
}

/** Blocks of the file system that were free; null where the play never came so far. */
export interface FreeBlocks {
  /** When the operation began, and when it had returned. */
  readonly before: number;
  readonly after: number | null;
  /** When everybody was about to let go, another file having been written; and at the end. */
  readonly held: number | null;
  readonly end: number | null;
}

/** What reclaim made of the pages that it looked at. */
export interface Reclaimed {
  readonly scanned: number;
  readonly reclaimed: number;
  readonly activated: number;
  readonly written: number;
  readonly kept: number;
}

/** How one schedule of a cell ended. */
export interface Ending {
  /** `granted`, or the errno that refused the holder its DMA. */
  readonly pin: string;
  readonly outcome: {
    /** `ok`, an errno, or `hung` at the horizon. */
    readonly end: string;
    /** Virtual time from the call to its end, or to the horizon. */
    readonly tookNs: number;
    /** Scheduling points from its call to its end: the steps to progress. */
    readonly steps: number;
  };
  /** `running`; `lost pins`: they were taken from it; or what ended the process. */
  readonly holder: string;
  /** Calls of the holder that had not ended at the horizon, F_UNLCK say. */
  readonly holderStuck: readonly string[];
  readonly transfers: { readonly done: number; readonly failed: number };
  /** Transfers that landed elsewhere than they were meant to, the first ones. */
  readonly stray: readonly StrayDma[];
  /** Bytes of the new file that are not what its writer wrote, read back by its owner. */
  readonly corruptedBytes: number;
  /** From the operation's call to the unpin of the last page of a file; null: never, or none. */
  readonly unpinnedNs: number | null;
  readonly free: FreeBlocks;
  /** fsync: pages whose bytes on the device are those of no moment. */
  readonly tornPages: number;
  /** Pages that a device wrote to after they were cleaned, unknown to all: a crash loses that. */
  readonly latePages: number;
  /** Pages whose last bytes no later sync brought to the device. */
  readonly lostPages: number;
  /** reclaim: the sum of its rounds. */
  readonly reclaim: Reclaimed | null;
  /** The most blocks with an orphan inode, and what was left of them at the end; not busy ones. */
  readonly orphanedPeak: number;
  readonly leaked: number;
  readonly stuck: Stuck;
  /** exit: what was over first, `pins` or `lease`; null where there was no lease. */
  readonly first: 'pins' | 'lease' | null;
}

/** The cell played once on real time, its DMA on a worker thread. */
export interface LiveEnding {
  readonly verdict: string;
  readonly end: string;
  readonly tookMs: number;
  /** What the thread moved, and pages that it met whose owner was not the one it wrote for. */
  readonly transfers: number;
  readonly strangers: number;
  readonly broken: readonly string[];
}

export interface CellVerdict extends Cell, Ending {
  /** Why there is nothing to measure; then the rest says nothing. */
  readonly na: string | null;
  /** `safe`, `stray DMA`, `refused: EPERM`, `hung`, ...: the worst that was seen. */
  readonly verdict: string;
  /** How the schedules were chosen: `exhaustive`, `pct+random`, or `one`. */
  readonly strategy: string;
  readonly schedules: number;
  /** Every schedule up to the bound was run. */
  readonly complete: boolean;
  /** Replays the worst schedule: leasehold replay TOKEN. */
  readonly token: string;
  /** Every different end that was seen, and how often. */
  readonly seen: Readonly<Record<string, number>>;
  /** The same on the machine's own clock, or why it was not played so. */
  readonly live: LiveEnding | null;
  readonly notLive: string | null;
  /** Promises of the policy that were broken, as sentences. */
  readonly broken: readonly string[];
}

export const cellName = (c: Cell): string =>
  `${c.policy}/${c.driver}/${c.behaviour}/${c.operation}`;
