// What the leases of one inode see of the world: the inode, the machine's settings, the policy.

import { Errno } from '../errno.js';
import type { KernelRules } from '../kernel-rules.js';
import type { ProcessLike } from '../mm/caller.js';
import type { PinnedPages } from '../mm/pinned-pages.js';
import type { Scheduler, Task } from '../sched/index.js';
import { seconds } from '../units.js';
import type { OpenCounts } from './conflict.js';
import type { LayoutPolicy, LeaseEndReason } from './layout.js';
import type { FileLease, LeaseHolder } from './lease.js';
import { SecurityHooks } from './security-hooks.js';

/** /proc/sys/fs/lease-break-time and leases-enable: one per machine, changed at any time. */
export interface LeaseSettings {
  /** 0: breakers wait for ever. A change holds for breaks that begin afterwards. */
  breakTimeNs: number;
  /** False: no new leases; those there are stay. */
  enabled: boolean;
  /** Whom the machine's security modules let have leases; all, while there is none. */
  readonly security: SecurityHooks;
}

export const defaultLeaseSettings = (): LeaseSettings => ({
  breakTimeNs: seconds(45),
  enabled: true,
  security: new SecurityHooks(),
});

/** The inode as its leases see it. */
export interface LeasedInode extends OpenCounts {
  readonly label: string;
  readonly isRegular: boolean;
  /** Directories can be delegated under rules.userDelegations. Absent: it is none. */
  readonly isDirectory?: boolean;
  readonly uid: number;
  /** Whether the file system lets leases be taken (->setlease). */
  readonly supportsLeases: boolean;
  /** FS_IMMUTABLE_FL. Absent: it is not. */
  readonly immutable?: boolean;
  /** Whether its file_lock_context was made: lease-alloc.ts. Absent: not yet. */
  hasLockContext?: boolean;
  /** Decides how layout leases end. Absent: as the holder wishes. */
  readonly policy?: LayoutPolicy;
  /** Live long-term pins of the file's pages. Absent: none. */
  pins?(): readonly PinnedPages[];
  /** i_rwsem for writing, if nobody has it, until disposed of. Absent: nobody contends for it. */
  tryLock?(task: Task): Disposable | null;
}

export interface LeaseEnv {
  readonly sched: Scheduler;
  readonly rules: KernelRules;
  readonly settings: LeaseSettings;
}

/** Who asks for a lease, on which open file, and for what. */
export interface LeaseAsked {
  readonly process: ProcessLike;
  readonly holder: Pick<LeaseHolder, 'label'>;
  readonly arg: string;
}

/**
 * Whether the file can have leases, and this process take one. EACCES comes first, then EINVAL and
 * what a security module says, in the order of the kernel: up to 6.18 the module is asked about
 * regular files only (linux fs/locks.c: generic_setlease; from 6.9 vfs_setlease), since then about
 * any, before the file is (vfs_setlease, then kernel_setlease and generic_setlease). Null: the
 * kernel asks for itself, and no module is heard.
 */
export function checkMayLease(
  env: Pick<LeaseEnv, 'rules' | 'settings'>,
  inode: LeasedInode,
  asked: LeaseAsked | null,
): void {
  const modulesFirst = env.rules.leaseModulesFirst;
  if (asked !== null) {
    const { uid, caps } = asked.process.cred;
    if (uid !== inode.uid && !caps.has('CAP_LEASE')) {
      throw new Errno('EACCES', `setlease: ${inode.label} belongs to uid ${inode.uid}`);
    }
    if (modulesFirst) askModules(env, asked);
  }
  const mayHave = inode.isRegular || (env.rules.userDelegations && inode.isDirectory === true);
  if (!mayHave || !inode.supportsLeases) {
    throw new Errno('EINVAL', `setlease: ${inode.label} can have no lease`);
  }
  if (asked !== null && !modulesFirst) askModules(env, asked);
}

function askModules({ settings }: Pick<LeaseEnv, 'settings'>, asked: LeaseAsked): void {
  settings.security.fileLock(asked.process, asked.holder, asked.arg);
}

/** What the policy says to the end of a lease. Only layout leases of applications ask it. */
export function leaseEnd(
  inode: LeasedInode,
  lease: FileLease,
  why: LeaseEndReason,
  exiting: boolean,
): 'release' | 'wait' | 'keep' | Errno {
  if (lease.kind !== 'LAYOUT' || lease.manager !== null) return 'release';
  const pins = inode.pins?.() ?? [];
  const end = inode.policy?.onLeaseEnd?.(lease, why, pins, exiting) ?? 'release';
  return end === 'keep-until-unpin' ? 'keep' : end;
}
