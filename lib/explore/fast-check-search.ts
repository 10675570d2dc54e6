// Lets a fast-check scheduler decide: the scenario of explore() becomes one run of a property.
//
//   fc.assert(fc.asyncProperty(fc.scheduler(), async (s) => {
//     const { failures } = await explore(scenario, { strategy: new FastCheckSearch(s) });
//     assert.deepEqual(failures, []);
//   }))
//
// Every task that can go on is a task scheduled on s, and stays so until s picks it. Guarantees
// what fast-check does: chosen by its seed, repeated by its path, nothing about what is missed.

import assert from 'node:assert/strict';
import { CLOCK_TASK_ID, type Task } from '../sched/index.js';
import { noStep, type RunRecord, type Search } from './search.js';

/** What is used of fc.scheduler(). */
export interface FastCheckScheduler {
  schedule<T>(
    task: Promise<T>,
    label?: string,
    metadata?: unknown,
    customAct?: (f: () => Promise<void>) => Promise<unknown>,
  ): Promise<T>;
  waitOne(): Promise<void>;
}

const nothing = Promise.resolve();

export class FastCheckSearch implements Search {
  readonly name = 'fast-check';
  readonly wantsSteps = false;
  readonly bound = null;
  readonly samples = true;
  readonly step = noStep;
  readonly #scheduler: FastCheckScheduler;
  readonly #waiting = new Set<number>();
  #picked: number | null = null;
  #begun = false;

  constructor(scheduler: FastCheckScheduler) {
    this.#scheduler = scheduler;
  }

  begin(): boolean {
    const first = !this.#begun;
    this.#begun = true;
    return first;
  }

  choose(runnable: readonly Task[], _current: Task | null, canAdvance: boolean): number {
    for (const { id, name } of runnable) this.#offer(id, name);
    if (canAdvance) this.#offer(CLOCK_TASK_ID, 'clock');
    for (;;) {
      this.#picked = null;
      // Up to its first await waitOne() is synchronous, and that is where it picks.
      void this.#scheduler.waitOne();
      const picked = this.#picked as number | null;
      assert(picked !== null, 'the fast-check scheduler picked nothing');
      this.#waiting.delete(picked);
      if (picked === CLOCK_TASK_ID && canAdvance) return runnable.length;
      const index = runnable.findIndex((task) => task.id === picked);
      if (index >= 0) return index;
    }
  }

  end(_record: RunRecord): void {}

  coverage(): string {
    return 'one schedule, as the fast-check scheduler chose it';
  }

  #offer(id: number, name: string): void {
    if (this.#waiting.has(id)) return;
    this.#waiting.add(id);
    void this.#scheduler.schedule(nothing, name, undefined, (act) => {
      this.#picked = id;
      return act();
    });
  }
}
