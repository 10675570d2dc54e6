// What a driver may ask of the file system below a mapping. The driver room cannot see fs or
// lease; whoever builds the machine hands an implementation in. Without one: EOPNOTSUPP.

import type { Caller } from '../mm/caller.js';
import type { Task } from '../sched/task.js';
import type { DmaAccess } from './dma.js';

/** A layout lease held for a registration: the file's blocks hold still until it is broken. */
export interface LayoutLease {
  readonly label: string;
  /** False after release(), and after the break time ran out. It keeps the open file. */
  readonly held: boolean;
  /** Give it back; wakes whoever breaks it. Twice is harmless. */
  release(): void;
}

export interface LayoutLeaseRequest {
  /** One file mapping must cover [addr, addr + len): EFAULT, and EINVAL for memory of no file. */
  readonly addr: number;
  readonly len: number;
  /** Somebody wants to change the layout: runs once, in the breaker's context, must not wait. */
  onBreak(): void;
}

/** An extent that a client may read or write on the device itself, past the file system. */
export interface BlockExtent {
  readonly pos: number;
  readonly len: number;
  readonly pfn: number;
  readonly access: DmaAccess;
}

export interface BlockLayout {
  readonly extents: readonly BlockExtent[];
  /** LAYOUTRETURN: the client no longer uses the extents. */
  release(): void;
}

export interface BlockLayoutRequest {
  /** A descriptor of the caller that names the file. */
  readonly fd: number;
  readonly pos: number;
  readonly len: number;
  readonly access: DmaAccess;
  /** CB_LAYOUTRECALL: resolved when the client returned it or was fenced. Runs once, if at all. */
  onRecall(task: Task): Promise<void>;
}

export interface LayoutService {
  takeLayoutLease(caller: Caller, request: LayoutLeaseRequest): Promise<LayoutLease>;
  blockLayout(caller: Caller, request: BlockLayoutRequest): Promise<BlockLayout>;
}
