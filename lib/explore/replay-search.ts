// One run with given answers, and the first task after the last of them. Guarantees the same run
// in every process; with the recorded keys it throws NondeterminismError where it is not the same.
// Without keys (shrinking) answers that no longer fit are taken as 0.

import { choiceKey, type Task } from '../sched/index.js';
import { NondeterminismError } from './failure.js';
import { noStep, type RunRecord, type Search } from './search.js';

export class ReplaySearch implements Search {
  readonly name = 'replay';
  readonly wantsSteps = false;
  readonly bound = null;
  readonly samples = true;
  readonly step = noStep;
  readonly #choices: readonly number[];
  readonly #check: ((hash: number, depth: number, names: () => string) => void) | null;
  #begun = false;
  #depth = 0;

  /** check is told of every choice met, up to the last recorded one. */
  constructor(choices: readonly number[], keys: readonly number[] | null = null) {
    this.#choices = choices;
    this.#check =
      keys === null
        ? null
        : (key, depth, names) => {
            if (depth >= keys.length || keys[depth] === key) return;
            throw new NondeterminismError(
              `choice ${depth} was recorded from other tasks; now from ${names()}:` +
                ' something besides the schedule decides',
            );
          };
  }

  begin(): boolean {
    this.#depth = 0;
    const first = !this.#begun;
    this.#begun = true;
    return first;
  }

  choose(runnable: readonly Task[], _current: Task | null, canAdvance: boolean): number {
    const depth = this.#depth++;
    const choice = this.#choices[depth] ?? 0;
    const names = (): string => runnable.map((task) => task.name).join(', ');
    this.#check?.(choiceKey(runnable, canAdvance), depth, names);
    return choice < runnable.length + (canAdvance ? 1 : 0) ? choice : 0;
  }

  end(_record: RunRecord): void {}

  coverage(): string {
    return `one schedule of ${this.#choices.length} choices, replayed`;
  }
}
