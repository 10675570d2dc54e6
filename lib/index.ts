// The package's door: boot a machine, call it as its processes do, judge it by its referee.
//
// Drivers are imported one by one ('leasehold/drivers/rdma'); whoever writes one imports
// 'leasehold/driver'; tests under every schedule are in 'leasehold/ava'.

export {
  bootMachine,
  Machine,
  type MachineOptions,
  MemoryFault,
  type MountOptions,
  type OpenFlag,
  Process,
  ProcessKilled,
} from './machine.js';
export { Errno, errnoNumbers, type ErrnoCode, isErrno } from './errno.js';
export * from './units.js';
export { kernelNames, kernelRules, type KernelName, type KernelRules } from './kernel-rules.js';

export { definePolicy, promisesOf } from './lease/define-policy.js';
export type { FileLockHook, SecurityHooks } from './lease/security-hooks.js';
export type {
  BusyVerdict,
  LayoutChange,
  LayoutInode,
  LayoutLeases,
  LayoutOp,
  LayoutPolicy,
  LeaseEnd,
  LeaseEndReason,
  PinIntent,
  PinnedPage,
  PinnedPagePolicy,
  Promises,
} from './lease/layout.js';
export { policies, type PolicyId, policyNamed, promises } from './policy/index.js';

export type { LeaseArgs } from './process/descriptor-calls.js';
export type { DeviceLibraries, LibraryOf, Thread } from './process/process.js';
export type { MmapRequest, ProtName } from './process/memory-calls.js';
export type { DirectoryEntry, FallocateMode, FileStat, FsStat } from './process/file.js';
export type { LimitName } from './process/rlimits.js';
export { Epoll, type Ready, select, type Selected, type SelectSets } from './process/select.js';

export type { Driver } from './driver/index.js';
export type { HeldObject } from './driver/balance.js';
export type { IommuMode } from './driver/iommu.js';
export type { ReusedBlock, StrayDma, Verdict } from './referee/referee.js';
export type { Clock, Scheduler, Strategy, Task } from './sched/index.js';
export {
  perfettoDocument,
  type PerfettoOptions,
  type RecorderOptions,
  timelineText,
  type TraceEvent,
  TraceRecorder,
  tracepointNames,
} from './trace/index.js';
