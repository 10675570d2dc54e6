// LayoutPolicy: the answer to "the layout of a file is to change while DMA holds its pages".
//
// The file system owns the one loop; a policy only decides. In the order of a layout change:
//
//   call          locks held                      may sleep  may throw
//   admitPin      mmap_lock                       no         the pin is refused
//   beforeChange  none, nothing changed yet       yes        the change is refused
//   onBusy        i_rwsem, invalidate_lock        no, pure   no: it answers { do: 'fail' }
//   onLeaseEnd    none                            no, pure   no: it answers an Errno
//   onAccess      mmap_lock                       no, pure   no
//
// Pages are scanned again after every act: nothing is freed because a signal was sent.

import type { Errno, ErrnoCode } from '../errno.js';
import type { KernelRules } from '../kernel-rules.js';
import type { AddressSpace } from '../mm/address-space.js';
import type { Caller } from '../mm/caller.js';
import type { PinnedPages } from '../mm/pinned-pages.js';
import type { PinIntent } from '../mm/mm-env.js';
import type { VMA } from '../mm/vma.js';
import type { Task } from '../sched/index.js';
import type { Pfn, Pgoff } from '../units.js';
import type { FileLease } from './lease.js';

export type { PinIntent } from '../mm/mm-env.js';

/** What is about to happen to the layout. `evict` is the end of an unlinked file. */
export type LayoutOp =
  'truncate' | 'punch' | 'zero' | 'collapse' | 'insert' | 'fallocate' | 'write' | 'evict';

/** The file as a policy may see it. */
export interface LayoutInode {
  readonly label: string;
  readonly ino: number;
  readonly mapping: AddressSpace;
}

export interface LayoutChange {
  readonly op: LayoutOp;
  readonly inode: LayoutInode;
  /** First page that moves or goes. A page covered in part counts as covered. */
  readonly start: Pgoff;
  /** One past the last such page; Infinity: to the end of the file. */
  readonly end: Pgoff;
  /** Who asked. Null: the kernel itself, at eviction. */
  readonly caller: Caller | null;
  /** The task that waits: the caller's, or the one that evicts. */
  readonly task: Task;
  /** False at eviction: { do: 'fail' } is then a mistake of the policy. */
  readonly mayFail: boolean;
  /** False at eviction: no signal ends its waits. */
  readonly interruptible: boolean;
  /** O_NONBLOCK or IOCB_NOWAIT: a lease break is started, then EAGAIN. */
  readonly nonblock: boolean;
}

/** The layout leases of one file, as policies use them. LeaseContext implements it. */
export interface LayoutLeases {
  /** FS_IMMUTABLE_FL is set: the block map is sealed. */
  readonly immutable: boolean;
  /** Every granted layout lease, oldest first; one kept until unpin is still among them. */
  layoutLeases(): readonly FileLease[];
  /**
   * break_layout(): tell every holder once and wait, holding no lock, until no conflicting
   * layout lease is left ('gone'), or until each one left is past its time and is being kept by
   * onLeaseEnd ('kept'). EAGAIN if c.nonblock: the break has begun. EINTR if c.interruptible.
   */
  breakLayout(c: LayoutChange): Promise<'gone' | 'kept'>;
  /** Take a shared layout lease for the open file that the pin's mapping goes through. */
  takeFor(pin: PinIntent): FileLease;
}

/**
 * What to do about busy pages. `untilNs` counts as `waitedNs` does, from the first scan that
 * found a page busy: sleep until a page goes idle, at most until then; scan; ask again.
 */
export type BusyVerdict =
  /** uninterruptible: no signal ends this wait, whatever the change says. */
  | { readonly do: 'wait'; readonly untilNs?: number; readonly uninterruptible?: true }
  /** Only where c.mayFail. Nothing was changed. */
  | { readonly do: 'fail'; readonly errno: ErrnoCode }
  /** Call the pins back from their drivers · disassociate the whole device file of each. */
  | { readonly do: 'revoke' | 'fence'; readonly untilNs?: number }
  /** Signal the lease's owner, the processes that map the file, or those that hold the pins. */
  | {
      readonly do: 'signal';
      readonly sig: 'SIGIO' | 'SIGBUS' | 'SIGKILL';
      readonly whom: SignalTarget;
      readonly untilNs?: number;
    }
  /** Change the layout now; what becomes of blocks that are still referenced. */
  | { readonly do: 'proceed'; readonly blocks: 'orphan' | 'busy' | 'free' };

export type SignalTarget = 'lease' | 'mapper' | 'pinner';

/** Why a lease is about to end. `timeout`: lease-break-time is over and it was not given up. */
export type LeaseEndReason = 'unlock' | 'close' | 'exit' | 'timeout';

/**
 * release: it ends. wait: whoever gives it up sleeps until its pins are gone. keep-until-unpin:
 * the call returns and the lease stays until its last pin goes. An Errno: the call is refused.
 * For `timeout` nobody is there to sleep or to be told: all but release keep the lease.
 */
export type LeaseEnd = 'release' | 'wait' | 'keep-until-unpin' | Errno;

/** Operations that a policy may leave waiting for ever. */
export type HangingOp = LayoutOp | 'unlock' | 'fsync' | 'reclaim' | 'pin';

/** What a policy promises, for the referee to hold it to. For defaults see promisesOf(). */
export interface Promises {
  /** `expected`: DMA reaches blocks that belong to somebody else; the referee must catch it. */
  readonly stray: 'never' | 'expected';
  /** Operations that may never end; all others must. */
  readonly mayHang: readonly HangingOp[];
  /** No layout lease ends before its last pin does. */
  readonly leaseOutlivesPin: boolean;
  /** What a long-term pin of a DAX file meets. */
  readonly longtermPin: 'refused' | 'needs-lease' | 'granted';
  /**
   * What an application takes first, where longtermPin is needs-lease; else null. SEAL: no lease,
   * its administrator seals the block map of the file.
   */
  readonly lease: 'F_LAYOUT' | 'F_LAYOUT|F_EXCLUSIVE' | 'MAP_DIRECT' | 'SEAL' | null;
  /** Refusals that a truncate of a file pinned long-term may answer. Empty: it never fails. */
  readonly truncateFails: readonly ErrnoCode[];
  /** Worst that befalls whoever holds a long-term pin over a truncate. */
  readonly holder: 'untouched' | 'signalled' | 'revoked' | 'killed';
  /** What fsync has on the device of a page that DMA writes to: one moment of it, or a mixture. */
  readonly snapshot: 'whole' | 'torn';
  /** What becomes of blocks that are referenced when the change is made. */
  readonly blocks: 'idle-first' | 'orphan' | 'busy' | 'free';
}

export interface LayoutPolicy {
  /** As the user names it: 'wait', 'lease-break:hang'. */
  readonly name: string;
  /** Kernel rules that this policy overrides; see overridableRules in define-policy.ts. */
  readonly rules: Partial<KernelRules>;
  readonly promises: Promises;
  /** Whether a change breaks the whole file, as Linux does, or only what moves or goes. */
  readonly scope: 'file' | 'range';
  /** Short and long pins, once per file mapping. Throws: refused, nothing pinned, no charge. */
  admitPin?(pin: PinIntent, leases: LayoutLeases): { lease?: FileLease } | void;
  beforeChange?(c: LayoutChange, leases: LayoutLeases): Promise<void>;
  /** Pure: asked again with the same arguments it answers the same. */
  onBusy(c: LayoutChange, pins: readonly PinnedPages[], waitedNs: number): BusyVerdict;
  /** Absent: release. An exiting or fatally signalled holder never waits; its lease is kept. */
  onLeaseEnd?(
    lease: FileLease,
    why: LeaseEndReason,
    pins: readonly PinnedPages[],
    exiting: boolean,
  ): LeaseEnd;
  /** Whether an access through a mapping is still good. Absent: ok. */
  onAccess?(vma: VMA, pgoff: Pgoff): 'ok' | 'SIGBUS';
  /** What writeback and reclaim do with pinned page-cache pages. Absent: as Linux. */
  readonly pages?: PinnedPagePolicy;
}

/** A page of the page cache that somebody has pinned. */
export interface PinnedPage {
  readonly pfn: Pfn;
  readonly pgoff: Pgoff;
}

export interface PinnedPagePolicy {
  /** sync: fsync must have it on the device. background: may be left for later. */
  beforeWriteback(page: PinnedPage, why: 'sync' | 'background'): PageWriteback;
  beforeUnmap(page: PinnedPage, why: 'reclaim' | 'migrate' | 'mkclean'): PageUnmap;
}

/** bounce: from a snapshot, and the page stays dirty. */
export type PageWriteback = 'in-place' | 'bounce' | 'skip' | 'wait';
export type PageUnmap = 'allow' | 'refuse' | 'wait';
