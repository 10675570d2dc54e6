// A transfer after the other, in a task of its own, until one fails or somebody says stop.

import { isErrno } from '../errno.js';
import { ProcessKilled } from '../machine.js';
import type { Scheduler, Task, TaskHandle } from '../sched/index.js';

export class Background {
  done = 0;
  failed = 0;
  #stopped = false;
  readonly #handle: TaskHandle<void>;

  /** once() moves bytes and answers whether they arrived; a refusal or a kill ends the loop. */
  constructor(sched: Scheduler, name: string, once: (task: Task) => Promise<boolean>) {
    const body = async (task: Task): Promise<void> => {
      while (!this.#stopped && (await this.#try(task, once)));
    };
    this.#handle = sched.spawn(name, body, { daemon: true });
  }

  async #try(task: Task, once: (task: Task) => Promise<boolean>): Promise<boolean> {
    try {
      if (await once(task)) {
        this.done++;
        return true;
      }
    } catch (e) {
      if (!isErrno(e) && !(e instanceof ProcessKilled)) throw e;
      if (this.#stopped) return false;
    }
    this.failed++;
    return false;
  }

  /** No further transfer begins. */
  stop(): void {
    this.#stopped = true;
  }

  /** Wait, in task, until the transfer under way is over. */
  async join(task: Task): Promise<void> {
    await this.#handle.join(task);
  }
}

/** What a holder does when it is over; that it was killed in between is no error. */
export async function quietly(calls: () => Promise<unknown>): Promise<void> {
  try {
    await calls();
  } catch (e) {
    if (!isErrno(e) && !(e instanceof ProcessKilled)) throw e;
  }
}
