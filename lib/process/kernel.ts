// What a process needs of the machine it runs on. Whoever builds the machine fills it in.

import type { KernelRules } from '../kernel-rules.js';
import type { Caller } from '../mm/caller.js';
import type { MMEnv } from '../mm/mm-env.js';
import type { Scheduler, Task } from '../sched/index.js';
import type { DeviceFile, NodeIO, OpenFlag } from './file.js';
import type { MountTable } from './mount-table.js';

/** A pipe as lib/fs makes it: pages by reference, gifted by vmsplice or copied by write. */
export interface PipeBuffers {
  /** Pages by FOLL_GET, never long-term, as many as fit; bytes. EFAULT EAGAIN EINTR. */
  vmsplice(caller: Caller, addr: number, len: number, nonblock: boolean): Promise<number>;
  write(caller: Caller, source: Uint8Array, nonblock: boolean): Promise<number>;
  /** Up to target's length; 0 at end of file. Pages go with their last byte. */
  read(caller: Caller, target: Uint8Array, nonblock: boolean): Promise<number>;
  closeReader(): void;
  closeWriter(): void;
  /** No end is open any more: let go of every page. */
  destroy(task: Task): void;
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
  /** ENOENT without such a node, ENODEV after its device went. */
  openNode(caller: Caller, name: string, flags: readonly OpenFlag[]): Promise<OpenedNode>;
  makePipe(): PipeBuffers;
}
