// What a process needs of the machine it runs on. Whoever builds the machine fills it in.

import type { KernelRules } from '../kernel-rules.js';
import type { LeaseSettings } from '../lease/leased-inode.js';
import type { Caller } from '../mm/caller.js';
import type { MM } from '../mm/mm.js';
import type { MMEnv } from '../mm/mm-env.js';
import type { Scheduler, Task } from '../sched/index.js';
import type { DeviceFile, NodeIO, OpenFlag } from './file.js';
import type { MountTable } from './mount-table.js';

/** A pipe as lib/fs makes it, with one open description of each end. */
export interface PipeBuffers {
  readonly label: string;
  /** One description of an end is gone; with the last of both go the pages. */
  closeEnd(end: 'read' | 'write'): void;
  /** Up to target's length; 0 at end of file. A page goes with its last byte. EAGAIN EINTR. */
  read(task: Task, target: Uint8Array, nonblock: boolean): Promise<number>;
  /** Pages by FOLL_GET, never long-term, as many as fit; bytes. EFAULT EAGAIN EPIPE EINTR. */
  vmsplice(task: Task, mm: MM, addr: number, len: number, nonblock: boolean): Promise<number>;
  write(task: Task, source: Uint8Array, nonblock: boolean): Promise<number>;
}

export interface OpenedNode {
  readonly file: DeviceFile;
  /** The library of the driver, if the node has one; io makes its calls. */
  readonly library: ((io: NodeIO) => object) | null;
}

export interface Kernel {
  readonly sched: Scheduler;
  readonly rules: KernelRules;
  readonly mmEnv: MMEnv;
  readonly mounts: MountTable;
  /** Of leases on files that no mount holds. */
  readonly leaseSettings: LeaseSettings;
  /** ENOENT without such a node, ENODEV after its device went. */
  openNode(caller: Caller, name: string, flags: readonly OpenFlag[]): Promise<OpenedNode>;
  makePipe(): PipeBuffers;
}
