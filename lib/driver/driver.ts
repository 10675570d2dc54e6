// A driver module: one object with a name, the devices it knows, and probe.
//
//   defineDriver -> register -> probe -> [open -> ioctl | mmap | poll -> release]* -> remove
//
//   call      task   may throw              runs when
//   probe     no     Errno (ENODEV declines) a device of its idTable appears
//   remove    yes    no                      after nodes, handles, pins and work are gone
//   reset     yes    no                      a pin could not be revoked in time: stop all DMA now
//
// Unbinding withdraws the nodes, releases every open handle, revokes what is still pinned, cancels
// queued work, stops the device's tasks, calls remove(), runs the actions, last first, and then
// names whatever is left.

import type { VmOperations } from '../mm/vma.js';
import { Errno } from '../errno.js';
import type { Task } from '../sched/task.js';
import type { Device } from './device.js';

/** The version of this interface. A module written against another one is refused. */
export const DRIVER_API_VERSION = 1;

export interface DeviceId {
  /** 'maker,model', as in a device tree. */
  readonly compatible: string;
}

/** What a machine has lying on its board for the hardware that a driver emulates. */
export interface Board {
  /** Pages of the device file that no file system lies on; none unless the machine says so. */
  readonly reservedPages: Uint32Array;
  /** What mappings of the block device do; absent: it has none. */
  readonly blockDeviceOps?: VmOperations;
}

export interface Driver<Hardware = unknown, State = unknown> {
  /** Names the module in logs, in pin accounting and its nodes. [a-z][a-z0-9-]*, unique. */
  readonly name: string;
  /** The interface version this module was written against. */
  readonly apiVersion: typeof DRIVER_API_VERSION;
  /** Devices this driver can drive. */
  readonly idTable: readonly DeviceId[];
  /** Bind to dev; the result is handed to remove(). Errno('ENODEV') declines the device. */
  probe(dev: Device<Hardware>): State;
  /** Unbind. By now no handle is open, no page is pinned and no work is queued. */
  remove?(dev: Device<Hardware>, state: State, task: Task): Promise<void> | void;
  /**
   * The last resort when revoke() did not return in time: when it resolves no DMA of this device
   * can reach memory any more. Absent: the device cannot be reset, its pins stay for ever.
   */
  reset?(dev: Device<Hardware>, state: State, task: Task): Promise<void> | void;
  /** The hardware a board carries when none is handed in: a model with its usual settings. */
  emulate?(board: Board): Hardware;
}

const bad = (field: string, why: string): Errno => new Errno('EINVAL', `driver: ${field}: ${why}`);

function checkIdTable(idTable: unknown): void {
  if (!Array.isArray(idTable) || idTable.length === 0) {
    throw bad('idTable', 'a list of at least one { compatible } is needed');
  }
  const seen = new Set<string>();
  idTable.forEach((id: unknown, i) => {
    const compatible =
      typeof id === 'object' && id !== null ? (id as { compatible?: unknown }).compatible : id;
    if (typeof compatible !== 'string' || !/^[^\s,]+,[^\s,]+$/.test(compatible)) {
      throw bad(`idTable[${i}].compatible`, `${String(compatible)} is not 'maker,model'`);
    }
    if (seen.has(compatible))
      throw bad(`idTable[${i}].compatible`, `${compatible} is listed twice`);
    seen.add(compatible);
  });
}

/** What a driver module may hold; anything else is a misspelt field. */
const fields = new Set(['name', 'apiVersion', 'idTable', 'probe', 'remove', 'reset', 'emulate']);

function checkShape(driver: unknown): void {
  if (typeof driver !== 'object' || driver === null) throw bad('module', 'not an object');
  const d = driver as Record<string, unknown>;
  for (const field of Object.keys(d)) if (!fields.has(field)) throw bad(field, 'no such field');
  if (typeof d['name'] !== 'string' || !/^[a-z][a-z0-9-]*$/.test(d['name'])) {
    throw bad('name', `${JSON.stringify(d['name'])} does not match [a-z][a-z0-9-]*`);
  }
  if (d['apiVersion'] !== DRIVER_API_VERSION) {
    throw bad(
      'apiVersion',
      `${String(d['apiVersion'])}, but this core speaks ${DRIVER_API_VERSION}`,
    );
  }
  checkIdTable(d['idTable']);
  if (typeof d['probe'] !== 'function') throw bad('probe', 'a function is required');
  for (const op of ['remove', 'reset', 'emulate']) {
    if (d[op] !== undefined && typeof d[op] !== 'function') throw bad(op, 'not a function');
  }
}

/**
 * Check the shape of a driver module and freeze it. Call it once, at module scope. EINVAL names
 * the field that is wrong.
 */
export function defineDriver<Hardware, State>(
  driver: Driver<Hardware, State>,
): Driver<Hardware, State> {
  checkShape(driver);
  Object.freeze(driver.idTable);
  return Object.freeze(driver);
}
