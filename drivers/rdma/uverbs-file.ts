// An open uverbs file: the objects made through it, and the events it has to tell.
//
// Closing it destroys the objects, newest first, in passes while something still stands in the way
// (core/rdma_core.c: uverbs_destroy_ufile_hw), so that regions are deregistered and their pages
// unpinned whatever the application left behind.

import assert from 'node:assert/strict';
import { isErrno, type Task, WaitQueue } from '../../lib/driver/index.js';
import { type CompChannel } from './channel.js';
import { destroyCQObject, type CQ } from './cq.js';
import type { AH } from './ah.js';
import type { MR } from './mr.js';
import type { MW } from './mw.js';
import { assertUnused, type PD } from './pd.js';
import type { QP } from './qp.js';
import type { SRQ } from './srq.js';
import { ObjectTable, type ObjectKind } from './uobject.js';
import type { RdmaDevice } from './rdma-device.js';
import type { QPEvent } from './queue-pair.js';

/** struct ib_async_event: something happened to an object that nobody asked about just then. */
export interface AsyncEvent {
  readonly type:
    QPEvent | 'CQ_ERR' | 'SRQ_LIMIT_REACHED' | 'MR_REVOKED' | 'MR_LEASE_BREAK' | 'DEVICE_FATAL';
  /** Handle of the object; -1 for the device. */
  readonly element: number;
}

export class UverbsFile {
  readonly device: RdmaDevice;
  readonly objects = new ObjectTable();
  readonly nonblock: () => boolean;
  readonly asyncArrived: WaitQueue;
  readonly asyncEvents: AsyncEvent[] = [];

  constructor(device: RdmaDevice, nonblock: () => boolean) {
    this.device = device;
    this.nonblock = nonblock;
    this.asyncArrived = new WaitQueue(device.dev.sched, 'asynchronous events');
  }

  raise(event: AsyncEvent): void {
    this.asyncEvents.push(event);
    this.asyncArrived.wakeAll();
  }

  /** Destroy everything. An object that cannot go yet is tried again when others went. */
  async close(task: Task): Promise<void> {
    while (this.objects.size > 0) {
      const before = this.objects.size;
      for (const { handle, kind, object } of this.objects.newestFirst()) {
        try {
          await destroy(task, this, kind, object);
          this.objects.remove(handle);
        } catch (e) {
          if (!isErrno(e)) throw e;
        }
      }
      assert(this.objects.size < before, 'close: the objects that are left hold each other');
    }
  }
}

async function destroy(
  task: Task,
  file: UverbsFile,
  kind: ObjectKind,
  object: object,
): Promise<void> {
  switch (kind) {
    case 'pd':
      return assertUnused(object as PD);
    case 'mr':
      return (object as MR).dereg(task);
    case 'mw':
      return (object as MW).dealloc(file.device.hca);
    case 'cq':
      return destroyCQObject(object as CQ);
    case 'srq':
      return (object as SRQ).destroy();
    case 'qp':
      return (object as QP).destroy(task);
    case 'ah':
      return (object as AH).destroy(file.device.hca);
    case 'channel':
      return (object as CompChannel).destroy();
  }
}
