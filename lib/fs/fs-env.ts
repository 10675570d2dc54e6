// FsEnv: what a file system needs from the machine it is mounted on, and what it tells those who
// watch. Handed in by the machine; nothing here is reached any other way.

import type { KernelRules } from '../kernel-rules.js';
import type { LayoutOp } from '../lease/layout.js';
import type { LeaseSettings } from '../lease/leased-inode.js';
import type { ProcessLike } from '../mm/caller.js';
import type { MMEnv } from '../mm/mm-env.js';
import type { PageOwner } from '../mm/page.js';
import type { PinnedPages, RevokeReason } from '../mm/pinned-pages.js';
import type { RevokeResult } from '../mm/revocation.js';
import type { Scheduler, Task } from '../sched/index.js';
import type { Pfn } from '../units.js';
import type { BlockEngine } from './direct-io.js';

/** What becomes of a block when its file lets go of it. */
export type BlockFate = 'free' | 'busy' | 'orphan';

export interface BlockEvent {
  readonly mount: number;
  readonly pfn: Pfn;
  readonly block: number;
  readonly owner: PageOwner;
}

export interface LayoutBreakEvent {
  readonly mount: number;
  readonly ino: number;
  readonly op: LayoutOp;
  /** scan: unmapped and looked. wait: a page is busy. act: the policy's verdict. done: change. */
  readonly step: 'begin' | 'scan' | 'wait' | 'act' | 'done' | 'fail';
  readonly verdict?: string;
  readonly pfn?: Pfn;
}

/** Callbacks for whoever watches, a referee say. They must not wait and must not throw. */
export interface FsEvents {
  /** A block was given to a file. */
  blockAlloc?(e: BlockEvent): void;
  /** A block left its file; `owner` is whom it belonged to. */
  blockFree?(e: BlockEvent & { readonly fate: BlockFate }): void;
  /** A block is with an orphan inode, or busy, until its last reference goes. */
  orphanAdd?(e: BlockEvent): void;
  /** The last reference went and the block is free. */
  orphanFree?(e: BlockEvent): void;
  layoutBreak?(e: LayoutBreakEvent): void;
  evict?(e: { readonly mount: number; readonly ino: number; readonly generation: number }): void;
}

export interface FsEnv {
  readonly sched: Scheduler;
  readonly mm: MMEnv;
  readonly rules: KernelRules;
  readonly leaseSettings: LeaseSettings;
  readonly events: FsEvents;
  /** Which process has this pid: for the owner of a lease. */
  processByPid?(pid: number): ProcessLike | undefined;
  /** The open file behind a descriptor of a process. EBADF. Absent: none has any. */
  fileOf?(process: ProcessLike, fd: number): unknown;
  /**
   * Disassociate the whole device file of each pin (the verdict `fence`), as revokePins takes back
   * the pins themselves. Absent: the pins alone are taken back.
   */
  fencePins?(task: Task, pins: readonly PinnedPages[], why: RevokeReason): Promise<RevokeResult>;
  /** Who moves blocks for direct I/O and writeback. Absent: the CPU, in the caller's task. */
  readonly blockEngine?: BlockEngine;
}
