// The one loop of a layout change: every operation that moves or frees blocks goes through here.
//
//   beforeChange --> i_rwsem --> invalidate_lock --> lease check --> unmap --> scan --> change
//   (no lock held)                                      |             ^         | busy
//         ^---------- conflict: drop all ---------------'             |         v
//                                                                     '--- onBusy: the policy
//       wait      sleep on the busy page's queue, invalidate_lock dropped, i_rwsem kept
//       revoke    the pins' owners give them back, same locks
//       signal    somebody is told; scan again
//       fail      nothing was changed
//       proceed   change now; what is still referenced becomes orphan, busy, or free
//
// Who faults while a change sleeps gets invalidate_lock, so a pinner that holds pages 0..k-1 can
// still fault page k; the woken change unmaps and scans again before it frees anything (facts 3.1,
// invariant 9). Where the policy has no beforeChange the order is the kernel's: pages first, then
// FL_LAYOUT leases, and all again if that slept (fs/xfs/xfs_file.c:xfs_break_layouts).

import { Errno } from '../errno.js';
import { Escalation } from '../lease/last-resort.js';
import type { BusyVerdict, LayoutChange, LayoutOp } from '../lease/layout.js';
import type { Caller } from '../mm/caller.js';
import type { PinnedPages } from '../mm/pinned-pages.js';
import { revokePins } from '../mm/revocation.js';
import type { Task } from '../sched/index.js';
import type { Pfn, Pgoff } from '../units.js';
import type { LayoutBreakEvent } from './fs-env.js';
import { unmapBlocks } from './block-mapping.js';
import type { Inode } from './inode.js';
import { signalHolders } from './layout-signal.js';
import { breakScopeOf } from './layout-table.js';

/** What is to happen to blocks that are referenced when the change is made. */
export type ReferencedBlocks = Extract<BusyVerdict, { do: 'proceed' }>['blocks'];

export interface PageRange {
  readonly start: Pgoff;
  readonly end: Pgoff;
}

export interface LayoutBreakRequest {
  readonly inode: Inode;
  readonly op: LayoutOp;
  readonly task: Task;
  readonly caller: Caller | null;
  readonly nonblock?: boolean;
  /** What the change touches; asked with no lock held, and again under the locks. */
  range(): PageRange;
  /** Looks at the arguments, under i_rwsem; throws a refusal. */
  check?(): void;
  /** Asked as soon as i_rwsem is held, before the wait for pages; throws a refusal. */
  first?(): void;
}

/** Ranges in which nothing moves or goes: with scope 'range' there is nothing to wait for. */
const movesNothing: readonly LayoutOp[] = ['fallocate', 'write'];

class LayoutBreaker {
  readonly #req: LayoutBreakRequest;
  readonly #inode: Inode;
  readonly #task: Task;
  #change: LayoutChange;
  #escalation: Escalation | null = null;
  #sinceNs: number | null = null;

  constructor(req: LayoutBreakRequest) {
    this.#req = req;
    this.#inode = req.inode;
    this.#task = req.task;
    this.#change = this.#describe();
  }

  #describe(): LayoutChange {
    const { op, inode, task, caller, nonblock = false } = this.#req;
    const { start, end } = this.#req.range();
    const mayFail = op !== 'evict';
    return { op, inode, task, caller, nonblock, start, end, mayFail, interruptible: mayFail };
  }

  #tell(step: LayoutBreakEvent['step'], more: Partial<LayoutBreakEvent> = {}): void {
    const { fs, ino } = this.#inode;
    const { layoutBreak } = fs.env.events;
    layoutBreak?.({ mount: fs.id, ino, op: this.#req.op, step, ...more });
  }

  /** Run change with the layout broken: under i_rwsem, and invalidate_lock unless it writes. */
  async run<T>(change: (blocks: ReferencedBlocks) => Promise<T>): Promise<T> {
    this.#tell('begin');
    try {
      for (;;) {
        if (this.#policyBreaksLeases) await this.#beforeChange();
        const outcome = await this.#locked(change);
        if (outcome !== 'again') {
          this.#tell('done');
          return outcome.value;
        }
      }
    } catch (e) {
      this.#tell('fail', { verdict: e instanceof Errno ? e.code : 'error' });
      throw e;
    }
  }

  get #policyBreaksLeases(): boolean {
    const { fs, dax } = this.#inode;
    return dax && this.#req.op !== 'evict' && fs.policy.beforeChange !== undefined;
  }

  async #beforeChange(): Promise<void> {
    this.#change = this.#describe();
    await this.#inode.fs.policy.beforeChange!(this.#change, this.#inode.leases);
  }

  async #locked<T>(
    change: (blocks: ReferencedBlocks) => Promise<T>,
  ): Promise<{ readonly value: T } | 'again'> {
    const { iRwsem } = this.#inode;
    const task = this.#task;
    await iRwsem.downWrite(task);
    try {
      this.#req.first?.();
      const blocks = await this.#invalidateLocked(change);
      if (blocks !== 'leases') return blocks;
    } finally {
      iRwsem.upWrite(task);
    }
    await this.#inode.leases.breakLayout(this.#change);
    return 'again';
  }

  async #invalidateLocked<T>(
    change: (blocks: ReferencedBlocks) => Promise<T>,
  ): Promise<{ readonly value: T } | 'again' | 'leases'> {
    const { mapping, leases } = this.#inode;
    const row = this.#inode.breakOf(this.#req.op);
    const writes = this.#req.op === 'write';
    const task = this.#task;
    if (!writes) await mapping.invalidateLock.downWrite(task);
    try {
      this.#change = this.#describe();
      if (this.#policyBreaksLeases && leases.layoutConflict(this.#change)) return 'again';
      const blocks = row.pages ? await this.#breakPages() : 'free';
      const kernelBreaks = row.leases && !this.#policyBreaksLeases;
      if (kernelBreaks && leases.layoutConflict(this.#change)) return 'leases';
      this.#req.check?.();
      return { value: await change(blocks) };
    } finally {
      if (!writes) mapping.invalidateLock.upWrite(task);
    }
  }

  /** The pages to unmap and scan; empty: there is nothing to wait for. */
  #scanned(): PageRange {
    if (breakScopeOf(this.#inode.fs.policy) === 'file') return { start: 0, end: Infinity };
    if (movesNothing.includes(this.#req.op)) return { start: 0, end: 0 };
    return { start: this.#change.start, end: this.#change.end };
  }

  /** Until no page is busy, or the policy says to go on: what becomes of the busy ones. */
  async #breakPages(): Promise<ReferencedBlocks> {
    const { mapping, fs } = this.#inode;
    const evicts = this.#req.op === 'evict';
    for (;;) {
      const { start, end } = this.#scanned();
      if (start >= end) return 'free';
      if (fs.rules.busyScanNeedsMapping && !mapping.mapped && !evicts) return 'free';
      await mapping.unmapMappingRange(this.#task, start, end);
      if (fs.rules.blockMappings) await unmapBlocks(this.#task, this.#inode, start, end);
      this.#tell('scan');
      const pfn = mapping.firstBusy(start, end);
      if (pfn === undefined) return 'free';
      const blocks = await this.#busy(pfn, this.#pinsOf(start, end));
      if (blocks !== 'again') return blocks;
      this.#change = this.#describe();
    }
  }

  /** Pins that hold pages which are in the file now; not those of pages it lost before. */
  #pinsOf(start: Pgoff, end: Pgoff): PinnedPages[] {
    const { mapping, fs } = this.#inode;
    const inRange = (pfn: Pfn): boolean => {
      const pgoff = mapping.pgoffOfPage(pfn);
      return pgoff !== undefined && pgoff >= start && pgoff < end;
    };
    return [...fs.env.mm.pinTable].filter((pin) => pin.pfns.some(inRange));
  }

  async #busy(pfn: Pfn, pins: PinnedPages[]): Promise<ReferencedBlocks | 'again'> {
    const { fs } = this.#inode;
    const { clock } = fs.env.sched;
    this.#sinceNs ??= clock.nowNs;
    this.#escalation ??= new Escalation(fs.policy, this.#change);
    const { verdict, pins: targets } = this.#escalation.next(pins, clock.nowNs - this.#sinceNs);
    this.#tell('act', { verdict: verdict.do, pfn });
    switch (verdict.do) {
      case 'proceed':
        return verdict.blocks;
      case 'fail':
        throw new Errno(verdict.errno, `${this.#req.op}: ${this.#blame(pins)}`);
      case 'signal':
        signalHolders(this.#inode, verdict, targets);
        return 'again';
      case 'wait':
        await this.#sleep(pfn, verdict);
        return 'again';
      case 'revoke':
      case 'fence':
        await this.#takeBack(verdict.do, targets);
        return 'again';
    }
  }

  async #takeBack(how: 'revoke' | 'fence', pins: readonly PinnedPages[]): Promise<void> {
    const why = `${this.#change.op} of ${this.#inode.label}`;
    const { fencePins = revokePins } = this.#inode.fs.env;
    const take = how === 'fence' ? fencePins : revokePins;
    await this.#unlocked(async () => {
      const verdict = await take(this.#task, pins, why);
      this.#tell('act', { verdict });
    });
  }

  #blame(pins: readonly PinnedPages[]): string {
    const { label } = this.#inode;
    if (pins.length === 0) return `pages of ${label} are referenced`;
    const nr = pins.reduce((sum, pin) => sum + pin.pfns.length, 0);
    const who = [...new Set(pins.map((pin) => pin.origin.device))].join(', ');
    return `${nr} pages of ${label} are pinned by ${who}`;
  }

  async #sleep(pfn: Pfn, verdict: BusyVerdict & { do: 'wait' }): Promise<void> {
    this.#tell('wait', { pfn });
    const { interruptible } = this.#change;
    const mode =
      interruptible && verdict.uninterruptible !== true ? 'interruptible' : 'uninterruptible';
    const untilNs =
      verdict.untilNs === undefined ? undefined : (this.#sinceNs ?? 0) + verdict.untilNs;
    const why = `page ${pfn} of ${this.#inode.label} to become idle`;
    const { pages } = this.#inode.fs.env.mm;
    const queue = pages.idleQueue(pfn);
    const opts = { mode, why, ...(untilNs !== undefined && { untilNs }) } as const;
    await this.#unlocked(async () => {
      await queue.waitEvent(this.#task, () => pages.isIdle(pfn), opts);
    });
  }

  /** Wait for somebody with invalidate_lock dropped, so that faults go on; i_rwsem stays held. */
  async #unlocked(wait: () => Promise<void>): Promise<void> {
    const { invalidateLock } = this.#inode.mapping;
    invalidateLock.upWrite(this.#task);
    try {
      await wait();
    } finally {
      await invalidateLock.downWrite(this.#task);
    }
  }
}

/**
 * Change the layout of a file: run change when nothing stands against it. It runs under i_rwsem and
 * invalidate_lock (a write: under i_rwsem alone) and is told what to do with blocks that are still
 * referenced. EINTR while waiting, EAGAIN if nonblock and a lease stands, and what the policy says;
 * in each case nothing was changed.
 */
export function withLayoutBroken<T>(
  req: LayoutBreakRequest,
  change: (blocks: ReferencedBlocks) => Promise<T>,
): Promise<T> {
  return new LayoutBreaker(req).run(change);
}
