// How a change of names or attributes breaks delegations (fs/namei.c, fs/attr.c:notify_change).
//
//   locks --> checks --> tryBreak: whose delegations stand? --none--> change
//     ^                     | one: its holder is told, the locks are dropped
//     '---- given up, or lease-break-time is over: names are looked up again
//
// The wait holds nothing that the holder may need to give up its delegation, and a signal ends it:
// EINTR. Nobody gets a new one between tryBreak and the change, which are under the i_rwsem that
// F_SETDELEG tries for (include/linux/filelock.h: try_break_deleg, break_deleg_wait).

import { isErrno } from '../errno.js';
import type { Caller } from '../mm/caller.js';
import { Guard, type Task } from '../sched/index.js';
import { evictIfUnused } from './evict.js';
import type { Inode } from './inode.js';

/** Break the delegations of these locked inodes, first to last: a throw leaves the change. */
export type TryBreak = (...inodes: readonly Inode[]) => void;

/**
 * Run a change until it meets no delegation. It takes its locks itself, and has them dropped by
 * when it throws what tryBreak threw.
 */
export async function breakingDelegations<T>(
  caller: Caller,
  change: (tryBreak: TryBreak) => Promise<T>,
): Promise<T> {
  for (;;) {
    const met: { delegated: Inode | null } = { delegated: null };
    const tryBreak: TryBreak = (...inodes) => {
      for (const inode of inodes) {
        met.delegated = inode;
        inode.leases.tryBreakDeleg(caller);
        met.delegated = null;
      }
    };
    try {
      return await change(tryBreak);
    } catch (e) {
      if (met.delegated === null || !isErrno(e, 'EAGAIN')) throw e;
    }
    await waitForDelegation(caller, met.delegated);
  }
}

/** i_rwsem of each, once, in the order of their numbers as the lock order wants. */
export async function lockInodes(task: Task, ...inodes: readonly Inode[]): Promise<Disposable> {
  const order = [...new Set(inodes)].sort((a, b) => a.ino - b.ino);
  for (const inode of order) await inode.iRwsem.downWrite(task);
  return new Guard(() => {
    for (const inode of order.reverse()) inode.iRwsem.upWrite(task);
  });
}

/** What is no directory: its own lock is held while its names change, and its delegations end. */
export const filesOf = (...inodes: readonly (Inode | undefined)[]): Inode[] =>
  inodes.filter((inode): inode is Inode => inode !== undefined && inode.type !== 'dir');

/** break_deleg_wait(): the inode is held meanwhile, since its holder may close the last file. */
async function waitForDelegation(caller: Caller, inode: Inode): Promise<void> {
  inode.refs += 1;
  try {
    await inode.leases.breakLease(caller, { access: 'write', kind: 'DELEG' });
  } finally {
    inode.refs -= 1;
    await evictIfUnused(caller.task, inode);
  }
}
