// The door of the driver room, and all that a driver may import besides its own folder.
//
// A node whose file operations have a `library` is opened by applications as that library's
// object. Its type is declared by the driver:
//
//   declare module '../../lib/driver/index.js' {
//     interface NodeLibraries { [node: `rdma${number}`]: VerbsContext }
//   }

/** Node name -> what openDevice() returns for it. Drivers add to it by declaration merging. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type
export interface NodeLibraries {}

export {
  defineDriver,
  DRIVER_API_VERSION,
  type Board,
  type DeviceId,
  type Driver,
} from './driver.js';
export type { BorrowedPages, Device, DevicePinRequest, DmaSource, FaultRange } from './device.js';
export type {
  FileOperations,
  IoctlOps,
  IoctlTable,
  IoctlTableOf,
  NodeIO,
  OpenNode,
  PollEvent,
  PollEvents,
  PollWait,
} from './file-operations.js';
export type { Bus } from './bus.js';
export type { DaxPages } from './dax-pages.js';
export { DmaBuf, type DmaBufAttachment, type DmaBufImporter } from './dma-buf.js';
export { DmaFault, type DmaAccess, type DmaDirection, type DmaMapping } from './dma.js';
export type {
  BlockExtent,
  BlockLayout,
  BlockLayoutRequest,
  LayoutLease,
  LayoutLeaseRequest,
} from './layout-service.js';
export type { PageBlock } from './page-block.js';
export type { Balance, HeldObject } from './balance.js';
export type { FaultedPage, FaultedPages, RangeWatch, WatchRequest } from './range-watch.js';
export type { Cancel } from './workqueue.js';
export { delay, type DeviceFilter, failNth, logCalls } from './filters.js';

export { Errno, isErrno, errnoNumbers, type ErrnoCode } from '../errno.js';
export * from '../units.js';
export { kernelNames, type KernelName, type KernelRules } from '../kernel-rules.js';
export { assertMayLock, chargeLocked, chargePinned } from '../mm/accounting.js';
export { unchargeLocked, unchargePinned } from '../mm/accounting.js';
export type { Caller, Credentials, ProcessLike } from '../mm/caller.js';
export type { PinnedPages, RevokeReason } from '../mm/gup.js';
export type { MM } from '../mm/mm.js';
export { VmFault, type VMA, type VmFile, type VmOperations } from '../mm/vma.js';
export {
  Mutex,
  Prng,
  RwSem,
  slabAlloc,
  WaitQueue,
  type Clock,
  type Scheduler,
  type Task,
  type WaitMode,
} from '../sched/index.js';
