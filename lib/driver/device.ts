// Device: the driver's whole world. There is no other way out of a driver.
//
//   call            waits  may throw                    undone by
//   pinUserPages    yes    EFAULT ENOMEM EPERM EOPNOTSUPP EINTR   pins.unpin()
//   allocPages      no     ENOMEM                       block.free()
//   dmaMap          no     -                            dmaUnmap()
//   watchRange      no     EINVAL EOVERFLOW             watch.close()
//   faultRange      yes    EFAULT EPERM EBUSY           - (nothing is held)
//   insertPages     no     EINVAL                       munmap by the application
//   daxPages        no     -                            pages.close()
//   exportDmaBuf    no     -                            last reference to the buffer's file
//   attachDmaBuf    no     EOPNOTSUPP ENODEV            attachment.detach()
//   takeLayoutLease yes    EOPNOTSUPP EINVAL EAGAIN     lease.release()
//   blockLayout     yes    EOPNOTSUPP                   layout.release()
//   queueWork       no     -                            cancel()
//   spawn           no     -                            unbind ends it
//
// Whatever a driver takes it gives back: the balance is asserted when it is unbound.

import type { KernelName, KernelRules } from '../kernel-rules.js';
import type { Caller } from '../mm/caller.js';
import type { PinnedPages, RevokeReason } from '../mm/gup.js';
import type { VMA } from '../mm/vma.js';
import type { Scheduler } from '../sched/scheduler.js';
import type { Task } from '../sched/task.js';
import type { Bus } from './bus.js';
import type { DaxPages } from './dax-pages.js';
import type { DmaBuf, DmaBufAttachment, DmaBufImporter } from './dma-buf.js';
import type { DmaDirection, DmaMapping } from './dma.js';
import type { DeviceId } from './driver.js';
import type { FileOperations, IoctlTableOf } from './file-operations.js';
import type {
  BlockLayout,
  BlockLayoutRequest,
  LayoutLease,
  LayoutLeaseRequest,
} from './layout-service.js';
import type { PageBlock } from './page-block.js';
import type { FaultedPages, RangeWatch, WatchRequest } from './range-watch.js';
import type { Cancel } from './workqueue.js';

/**
 * A short-term pin lives no longer than the operation that took it, so whoever wants the pages
 * waits for it. A long-term pin may live for hours, so it says how it is taken back: revoke()
 * resolves when no DMA can reach the pages and they are unpinned. It is not called before the
 * entry point that took the pin has returned, and at most once. The other way is to declare
 * `irrevocable: true`, which a policy may refuse. Forgetting both does not compile.
 */
export type DevicePinRequest = {
  readonly addr: number;
  /** Bytes; every page touched is pinned. */
  readonly len: number;
  /** What the device will do: 'write' dirties the pages and needs a writable mapping. */
  readonly access: 'read' | 'write';
  /** FOLL_FORCE: write through a read-only private mapping. */
  readonly force?: boolean;
  /** What a pin that failed after its first page answers: 'errno' if not given (mm/gup.ts). */
  readonly onShort?: 'errno' | 'EFAULT';
} & (
  | { readonly longterm: false; readonly revoke?: never; readonly irrevocable?: never }
  | {
      readonly longterm: true;
      revoke(pins: PinnedPages, why: RevokeReason, task: Task): Promise<void>;
      readonly irrevocable?: never;
    }
  | { readonly longterm: true; readonly irrevocable: true; readonly revoke?: never }
);

/**
 * Pages of a caller inside the kernel, who holds them until the device is done: byte pos of the
 * list, len bytes. What a block device gets from a file system.
 */
export interface BorrowedPages {
  readonly borrowed: Uint32Array;
  readonly pos: number;
  readonly len: number;
}

/** Pages that dmaMap() takes: pins, memory of the device's own, faulted, imported or lent pages. */
export type DmaSource = PinnedPages | PageBlock | FaultedPages | DmaBufAttachment | BorrowedPages;

export interface Device<Hardware = unknown> {
  readonly name: string;
  readonly id: DeviceId;
  /** The device model. It was there before the driver, and a test may hold it too. */
  readonly hardware: Hardware;
  readonly kernel: KernelName;
  readonly rules: KernelRules;
  readonly sched: Scheduler;
  /** How the hardware reaches memory. */
  readonly bus: Bus;
  readonly log: (line: string) => void;

  /** pin_user_pages() for the caller's memory; all or nothing. */
  pinUserPages(caller: Caller, request: DevicePinRequest): Promise<PinnedPages>;
  /** Memory of the driver's own, zeroed. */
  allocPages(nrPages: number, label: string): PageBlock;
  /**
   * Let the hardware reach these pages, which this device must hold (else a BUG). A list of pins
   * that follow each other without a gap becomes one mapping.
   */
  dmaMap(source: DmaSource | readonly PinnedPages[], dir: DmaDirection): DmaMapping;
  /** The hardware must have stopped using it: what it does later is a stray or a fault. */
  dmaUnmap(mapping: DmaMapping): void;

  /** mmu_interval_notifier_insert() on the caller's memory. */
  watchRange(caller: Caller, request: WatchRequest): RangeWatch;
  /** hmm_range_fault(): the pages now behind a watched range, each with what it allows. */
  faultRange(task: Task, watch: RangeWatch, range: FaultRange): Promise<FaultedPages>;

  /** Map the block into vma, from page pgoff of the block; the block lives on until munmap. */
  insertPages(vma: VMA, block: PageBlock, pgoff: number): void;
  /** An address space over these pages, for a node like device-dax; close() it in remove(). */
  daxPages(pfns: Uint32Array, label: string): DaxPages;
  /** A file that stands for the block; other devices attach to it. */
  exportDmaBuf(block: PageBlock, label: string): DmaBuf;
  attachDmaBuf(buf: DmaBuf, importer: DmaBufImporter): DmaBufAttachment;

  takeLayoutLease(caller: Caller, request: LayoutLeaseRequest): Promise<LayoutLease>;
  blockLayout(caller: Caller, request: BlockLayoutRequest): Promise<BlockLayout>;

  /** Run work once, delayNs from now. It is a task of its own and may wait. */
  queueWork(delayNs: number, label: string, work: (task: Task) => Promise<void> | void): Cancel;
  /**
   * A thread of the device, a daemon for its whole life. Its waits must be killable: unbind kills
   * it, and the EINTR that it then gets may pass out of fn.
   */
  spawn(label: string, fn: (task: Task) => Promise<void>): Task;
  /** cdev_add(): publish /dev/<node>. EEXIST if the name is taken. */
  addNode<H, I extends IoctlTableOf<I>>(node: string, fops: FileOperations<H, I>): void;
  /** devm_add_action(): run on unbind or failed probe, last added first. */
  addAction(action: () => void): void;
}

export interface FaultRange {
  /** User addresses, page-aligned, inside the watch. */
  readonly start: number;
  readonly end: number;
  readonly write: boolean;
  /** False: take a snapshot of what is present, fault nothing. */
  readonly fault?: boolean;
}
