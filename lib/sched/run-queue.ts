// The run queue: tasks that can go on, and the strategy that picks one of them.
//
// The task that holds the turn is first; the others follow in the order in which they became
// runnable. A new task is run to its first point before the next choice is made, so that a
// choice never falls on a task of which nothing is known; that costs no preemption.

import assert from 'node:assert/strict';
import { type Strategy, choiceKey } from './strategy.js';
import type { Task } from './task.js';

export class RunQueue {
  readonly choices: number[] = [];
  readonly choiceKeys: number[] = [];
  readonly #strategy: Strategy;
  readonly #canAdvance: () => boolean;
  readonly #advance: () => void;
  readonly #runnable: Task[] = [];
  readonly #fresh: Task[] = [];
  /** While new tasks are run to their first points: whose turn it was before. */
  #beginning: { readonly heir: Task | null } | null = null;

  /** canAdvance: whether turning the clock is among the choices now; advance turns it. */
  constructor(strategy: Strategy, canAdvance: () => boolean, advance: () => void) {
    this.#strategy = strategy;
    this.#canAdvance = canAdvance;
    this.#advance = advance;
  }

  get isEmpty(): boolean {
    return this.#runnable.length === 0 && this.#fresh.length === 0;
  }

  /** Nobody but the holder of the turn can run. */
  get isAlone(): boolean {
    return this.#runnable.length === 1 && this.#fresh.length === 0 && this.#beginning === null;
  }

  addFresh(task: Task): void {
    this.#fresh.push(task);
  }

  add(task: Task): void {
    this.#runnable.push(task);
  }

  /** The holder of the turn blocked or ended. */
  removeFirst(task: Task): void {
    if (this.#runnable.shift() !== task) assert.fail(`task ${task.name} does not hold the turn`);
  }

  /** Who goes on, me being the holder of the turn if it can. First in the queue afterwards. */
  pick(me: Task | null): Task | null {
    const runnable = this.#runnable;
    const fresh = this.#fresh.shift();
    if (fresh !== undefined) {
      this.#beginning ??= { heir: me };
      if (me !== null) runnable.push(runnable.shift()!);
      runnable.unshift(fresh);
      return fresh;
    }
    const current = this.#beginning === null ? me : this.#endBeginning(me, this.#beginning.heir);
    const canAdvance = this.#canAdvance();
    if (runnable.length === 0) return null;
    if (runnable.length === 1 && !canAdvance) return runnable[0]!;
    const choice = this.#strategy.choose(runnable, current, canAdvance);
    const chosen = runnable[choice];
    if (chosen === undefined && !(canAdvance && choice === runnable.length)) {
      assert.fail(`strategy ${this.#strategy.name} chose ${choice} of ${runnable.length}`);
    }
    this.choices.push(choice);
    this.choiceKeys.push(choiceKey(runnable, canAdvance));
    if (chosen === undefined) {
      this.#advance();
      return this.pick(current);
    }
    if (choice > 0) this.#moveToFront(choice, current !== null);
    return chosen;
  }

  /** Task number `index` becomes the first; a first one that was preempted becomes the last. */
  #moveToFront(index: number, preempts: boolean): void {
    const runnable = this.#runnable;
    const chosen = runnable[index]!;
    const last = runnable.length - 1;
    if (preempts) {
      const preempted = runnable[0]!;
      for (let i = index; i < last; i++) runnable[i] = runnable[i + 1]!;
      runnable[last] = preempted;
    } else {
      for (let i = index; i > 0; i--) runnable[i] = runnable[i - 1]!;
    }
    runnable[0] = chosen;
  }

  /** All new tasks stand at their first points: put back the one whose turn it was before. */
  #endBeginning(me: Task | null, heir: Task | null): Task | null {
    const runnable = this.#runnable;
    this.#beginning = null;
    if (me !== null) runnable.push(runnable.shift()!);
    if (heir !== null) {
      runnable.splice(runnable.indexOf(heir), 1);
      runnable.unshift(heir);
    }
    return heir;
  }
}
