// What the leases of one inode see of the world: the inode, the machine's settings, the policy.

import { Errno } from '../errno.js';
import type { KernelRules } from '../kernel-rules.js';
import type { ProcessLike } from '../mm/caller.js';
import type { PinnedPages } from '../mm/pinned-pages.js';
import type { Scheduler } from '../sched/index.js';
import { seconds } from '../units.js';
import type { OpenCounts } from './conflict.js';
import type { LayoutPolicy } from './layout.js';

/** /proc/sys/fs/lease-break-time and leases-enable: one per machine, changed at any time. */
export interface LeaseSettings {
  /** 0: breakers wait for ever. A change holds for breaks that begin afterwards. */
  breakTimeNs: number;
  /** False: no new leases; those there are stay. */
  enabled: boolean;
}

export const defaultLeaseSettings = (): LeaseSettings => ({
  breakTimeNs: seconds(45),
  enabled: true,
});

/** The inode as its leases see it. */
export interface LeasedInode extends OpenCounts {
  readonly label: string;
  readonly isRegular: boolean;
  readonly uid: number;
  /** Whether the file system lets leases be taken (->setlease). */
  readonly supportsLeases: boolean;
  /** FS_IMMUTABLE_FL. Absent: it is not. */
  readonly immutable?: boolean;
  /** Decides how layout leases end. Absent: as the holder wishes. */
  readonly policy?: LayoutPolicy;
  /** Live long-term pins of the file's pages. Absent: none. */
  pins?(): readonly PinnedPages[];
}

export interface LeaseEnv {
  readonly sched: Scheduler;
  readonly rules: KernelRules;
  readonly settings: LeaseSettings;
}

/**
 * Whether the file can have leases, and this process take one: EACCES comes before EINVAL
 * (linux fs/locks.c: vfs_setlease, generic_setlease). Null: the kernel asks for itself.
 */
export function checkMayLease(inode: LeasedInode, process: ProcessLike | null): void {
  if (process !== null) {
    const { uid, caps } = process.cred;
    if (uid !== inode.uid && !caps.has('CAP_LEASE')) {
      throw new Errno('EACCES', `setlease: ${inode.label} belongs to uid ${inode.uid}`);
    }
  }
  if (!inode.isRegular || !inode.supportsLeases) {
    throw new Errno('EINVAL', `setlease: ${inode.label} can have no lease`);
  }
}
