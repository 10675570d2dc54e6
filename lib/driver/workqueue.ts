// Deferred work: functions that run once, later, each as a task of its own.
//
//   PENDING -> RUNNING -> DONE
//      `-----> CANCELLED
//
// cancel() after the work has begun does not stop it; flush() waits for what is running.

import type { Scheduler } from '../sched/scheduler.js';
import type { Task } from '../sched/task.js';
import { WaitQueue } from '../sched/wait-queue.js';

/** Stops work that has not begun; returns whether it did. Calling it twice is harmless. */
export type Cancel = () => boolean;

export interface WorkItem {
  readonly label: string;
  readonly state: 'PENDING' | 'RUNNING' | 'DONE' | 'CANCELLED';
}

class Item implements WorkItem {
  readonly label: string;
  state: WorkItem['state'] = 'PENDING';

  constructor(label: string) {
    this.label = label;
  }
}

export class WorkQueue {
  readonly #sched: Scheduler;
  readonly #label: string;
  readonly #items = new Map<Item, Cancel>();
  readonly #idle: WaitQueue;

  constructor(sched: Scheduler, label: string) {
    this.#sched = sched;
    this.#label = label;
    this.#idle = new WaitQueue(sched, `work of ${label}`);
  }

  /** Work that is pending or running. */
  get items(): readonly WorkItem[] {
    return [...this.#items.keys()];
  }

  /** Run work delayNs from now. An error it throws ends its task, and is reported there. */
  queue(delayNs: number, label: string, work: (task: Task) => Promise<void> | void): Cancel {
    const item = new Item(label);
    const run = async (task: Task): Promise<void> => {
      try {
        await work(task);
      } finally {
        this.#finish(item, 'DONE');
      }
    };
    const clock = this.#sched.clock;
    const cancelTimer = clock.timer(clock.nowNs + delayNs, () => {
      item.state = 'RUNNING';
      this.#sched.spawn(`${this.#label}: ${label}`, run);
    });
    const cancel = (): boolean => {
      if (item.state !== 'PENDING') return false;
      cancelTimer();
      this.#finish(item, 'CANCELLED');
      return true;
    };
    this.#items.set(item, cancel);
    return cancel;
  }

  /** Cancel what has not begun. */
  cancelAll(): void {
    for (const cancel of [...this.#items.values()]) cancel();
  }

  /** Wait until nothing runs; pending work is cancelled first. */
  async drain(task: Task): Promise<void> {
    this.cancelAll();
    await this.#idle.waitEvent(task, () => this.#items.size === 0, {
      mode: 'uninterruptible',
      why: `work of ${this.#label} to end`,
    });
  }

  #finish(item: Item, state: 'DONE' | 'CANCELLED'): void {
    item.state = state;
    this.#items.delete(item);
    this.#idle.wakeAll();
  }
}
