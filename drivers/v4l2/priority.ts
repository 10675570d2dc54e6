// Priorities of the files that have a node open: v4l2_prio_*.
//
// A request that changes what others see is EBUSY while somebody of a higher priority has the
// node open (v4l2-dev.c:v4l2_prio_check, v4l2-ioctl.c: INFO_FL_PRIO).

import { Errno } from '../../lib/driver/index.js';

export const priorities = ['UNSET', 'BACKGROUND', 'INTERACTIVE', 'RECORD'] as const;
export type Priority = (typeof priorities)[number];

export const defaultPriority: Priority = 'INTERACTIVE';

const rank = (priority: Priority): number => priorities.indexOf(priority);

/** Requests that are refused to a file of lower priority. */
export const guardedRequests: ReadonlySet<string> = new Set([
  'CREATE_BUFS',
  'REMOVE_BUFS',
  'REQBUFS',
  'S_CTRL',
  'S_EXT_CTRLS',
  'S_FMT',
  'S_INPUT',
  'S_OUTPUT',
  'S_PARM',
  'STREAMOFF',
  'STREAMON',
]);

export class PriorityState {
  readonly #files = new Map<object, Priority>();

  open(file: object): void {
    this.#files.set(file, defaultPriority);
  }

  close(file: object): void {
    this.#files.delete(file);
  }

  /** The highest among the files that are open. */
  get highest(): Priority {
    let highest: Priority = 'UNSET';
    for (const p of this.#files.values()) if (rank(p) > rank(highest)) highest = p;
    return highest;
  }

  /** EINVAL: no such priority. */
  set(file: object, priority: Priority): void {
    if (rank(priority) <= 0) throw new Errno('EINVAL', `priority ${priority}`);
    this.#files.set(file, priority);
  }

  /** EBUSY if another file has a higher priority and the request is guarded. */
  check(file: object, request: string): void {
    if (!guardedRequests.has(request)) return;
    const own = this.#files.get(file) ?? 'UNSET';
    if (rank(own) < rank(this.highest)) {
      throw new Errno('EBUSY', `${request}: a file of priority ${this.highest} has the node open`);
    }
  }
}
