// A watched range over the memory room's interval notifiers: see range-watch.ts for the contract.

import assert from 'node:assert/strict';
import { Errno } from '../errno.js';
import { faultRange } from '../mm/hmm.js';
import type { MM } from '../mm/mm.js';
import type { IntervalNotifier } from '../mm/mmu-notifier.js';
import type { Task } from '../sched/index.js';
import { alignDown, alignUp, checkRange } from '../units.js';
import type { FaultRange } from './device.js';
import type { FaultedPages, RangeWatch, WatchRequest } from './range-watch.js';

export class WatchedRange implements RangeWatch {
  readonly mm: MM;
  readonly start: number;
  readonly end: number;
  readonly #interval: IntervalNotifier;
  readonly #onClose: () => void;
  #open = true;

  constructor(device: string, mm: MM, request: WatchRequest, onClose: () => void) {
    checkRange('watched range', request.addr, request.len);
    if (request.len === 0) throw new Errno('EINVAL', 'watched range: length 0');
    this.mm = mm;
    this.start = alignDown(request.addr);
    this.end = alignUp(request.addr + request.len);
    this.#onClose = onClose;
    this.#interval = mm.notifiers.insert({
      start: this.start,
      end: this.end,
      label: `${device} ${this.start}-${this.end}`,
      invalidate: (task, range) =>
        request.invalidate(task, Math.max(range.start, this.start), Math.min(range.end, this.end)),
    });
  }

  readBegin(task: Task): Promise<number> {
    return this.#interval.readBegin(task);
  }

  readRetry(seq: number): boolean {
    return this.#interval.readRetry(seq);
  }

  async close(task: Task): Promise<void> {
    assert(this.#open, 'a watch was closed twice');
    this.#open = false;
    await this.mm.notifiers.remove(task, this.#interval);
    this.#onClose();
  }

  async fault(task: Task, range: FaultRange): Promise<FaultedPages> {
    assert(this.#open, 'faultRange on a closed watch');
    assert(range.start >= this.start && range.end <= this.end, 'faultRange outside its watch');
    const pages = await faultRange(task, this.mm, range);
    return { watch: this, start: range.start, pages };
  }
}
