// The door of the room: tasks, locks, queues and time.

export {
  type CancelTimer,
  type Clock,
  RealClock,
  type SleepOptions,
  VirtualClock,
} from './clock.js';
export { Guard } from './guard.js';
export { FailNth, slabAlloc } from './fail-nth.js';
export { DeadlockError, ReplayError, StrayError } from './errors.js';
export {
  assertHeld,
  assertNoLocks,
  type HeldLock,
  type Lock,
  type LockClass,
  lockClasses,
  LockOrder,
  type LockOptions,
} from './lock-order.js';
export { Mutex } from './mutex.js';
export { type Access, CLOCK_TASK_ID, type ObjectId, pageObject, type Step } from './objects.js';
export { Prng } from './prng.js';
export { RwSem } from './rwsem.js';
export type { SchedulerOptions, SimulatedOptions, SpawnOptions, TimerMode } from './options.js';
export { Scheduler } from './scheduler.js';
export { listenToSideTables, notedAbout, SideTable, type SideTableListener } from './side-table.js';
export {
  choiceKey,
  firstStrategy,
  replayStrategy,
  seededStrategy,
  type Strategy,
} from './strategy.js';
export { type Interrupt, type ParkEnd, Task, type TaskState, type WaitMode } from './task.js';
export { TaskHandle } from './task-handle.js';
export { type WaitOptions, WaitQueue } from './wait-queue.js';
