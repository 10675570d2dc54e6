// A device with its driver: the implementation of Device, and all that unbinding takes back.
//
//   PROBING -> BOUND -> UNBINDING -> GONE        BOUND -> DEAD: a reset, or one that failed
//
// What a driver takes passes through here and is noted in the balance under a name.

import assert from 'node:assert/strict';
import { Errno, isErrno } from '../errno.js';
import type { KernelName, KernelRules } from '../kernel-rules.js';
import type { Caller } from '../mm/caller.js';
import { pinUserPages, PinnedPages } from '../mm/gup.js';
import type { MMEnv } from '../mm/env.js';
import type { VMA } from '../mm/vma.js';
import type { Scheduler } from '../sched/scheduler.js';
import type { TaskHandle } from '../sched/task-handle.js';
import type { Task } from '../sched/task.js';
import { WaitQueue } from '../sched/wait-queue.js';
import { Balance, type HeldObject } from './balance.js';
import { Bus } from './bus.js';
import type { Device, DevicePinRequest, DmaSource, FaultRange } from './device.js';
import { Devres } from './devres.js';
import { DmaBuf, type DmaBufAttachment, type DmaBufImporter } from './dma-buf.js';
import type { DmaDirection, DmaMapping } from './dma.js';
import type { DeviceId, Driver } from './driver.js';
import type { DriverEvents } from './events.js';
import type { FileOperations, IoctlTableOf } from './file-operations.js';
import { Iommu, type IommuMode } from './iommu.js';
import type { BlockLayoutRequest, LayoutLeaseRequest, LayoutService } from './layout-service.js';
import type { NodeFile } from './node-file.js';
import { PageBlock } from './page-block.js';
import { WorkQueue, type Cancel } from './workqueue.js';
