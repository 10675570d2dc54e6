// Strategies: who runs next, whenever the simulated scheduler has more than one answer.
//
// runnable lists the tasks that can go on, the one holding the turn first, the others in the
// order in which they became runnable. So 0 always means "no preemption", and a list of zeros
// is the simplest schedule. The answer runnable.length, allowed if canAdvance, turns the clock
// to the next timer instead. choose() is not called when there is only one answer.

import { ReplayError } from './errors.js';
import { Prng } from './prng.js';
import type { Task } from './task.js';

export interface Strategy {
  readonly name: string;
  /**
   * current is the task whose turn it is, if it can go on: choosing another one preempts it.
   * null: it blocked or ended, so choosing anybody is free.
   */
  choose(runnable: readonly Task[], current: Task | null, canAdvance: boolean): number;
}

/** Never preempts; a blocked task is followed by the one that has waited longest. */
export function firstStrategy(): Strategy {
  return { name: 'first', choose: () => 0 };
}

/** Every runnable task is equally likely; the clock advances at one choice in sixteen. */
export function seededStrategy(seed: number): Strategy {
  const prng = new Prng(seed);
  return {
    name: `seed ${seed}`,
    choose(runnable, _current, canAdvance) {
      if (canAdvance && prng.chance(1 / 16)) return runnable.length;
      return prng.below(runnable.length);
    },
  };
}

/** What a choice was made from, in one number; recorded beside each choice. */
export function choiceKey(runnable: readonly Task[], canAdvance: boolean): number {
  let key = canAdvance ? 1 : 0;
  for (let i = 0; i < runnable.length; i++) key = (Math.imul(key, 31) + runnable[i]!.id) | 0;
  return key;
}

/**
 * Repeats recorded choices, and goes on with the first task after the last of them. With the
 * recorded keys it throws ReplayError at the first choice offered from a different set.
 */
export function replayStrategy(choices: readonly number[], keys?: readonly number[]): Strategy {
  let step = 0;
  return {
    name: 'replay',
    choose(runnable, _current, canAdvance) {
      const choice = choices[step] ?? 0;
      const offered = runnable.length + (canAdvance ? 1 : 0);
      const key = keys?.[step];
      if (choice >= offered || (key !== undefined && key !== choiceKey(runnable, canAdvance))) {
        const names = runnable.map((task) => task.name).join(', ');
        throw new ReplayError(`choice ${step} (${choice}) was recorded from other tasks: ${names}`);
      }
      step++;
      return choice;
    },
  };
}
