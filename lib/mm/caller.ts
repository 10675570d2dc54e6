// Who calls: the little that the memory and lease rooms need to know about a process. lib/process
// implements it; everything below only reads it.

import type { Task } from '../sched/index.js';
import type { MM } from './mm.js';

export type Capability =
  | 'CAP_DAC_OVERRIDE'
  | 'CAP_FOWNER'
  | 'CAP_IPC_LOCK'
  | 'CAP_KILL'
  | 'CAP_LEASE'
  | 'CAP_LINUX_IMMUTABLE'
  | 'CAP_SYS_ADMIN'
  | 'CAP_SYS_RESOURCE';

export interface Credentials {
  uid: number;
  gid: number;
  caps: ReadonlySet<Capability>;
}

/** struct user_struct: what all processes of one user share. */
export interface UserAccount {
  readonly uid: number;
  /** Pages charged to the user and to no mm, as io_uring's registered buffers are (facts 7). */
  lockedVm: number;
}

/** Resource limits in their own units: bytes for memlock and fsize. Infinity: unlimited. */
export type RlimitName = 'memlock' | 'fsize' | 'nofile';

export interface SignalInfo {
  code?: string;
  fd?: number;
  band?: string;
  addr?: number;
  from?: number;
}

export interface ProcessLike {
  readonly pid: number;
  readonly name: string;
  readonly cred: Credentials;
  readonly mm: MM;
  readonly exiting: boolean;
  readonly fatalSignalPending: boolean;
  readonly user: UserAccount;
  rlimit(name: RlimitName): number;
  sendSignal(sig: string, info?: SignalInfo): void;
}

/** A thread inside a system call. */
export interface Caller {
  readonly task: Task;
  readonly process: ProcessLike;
}
