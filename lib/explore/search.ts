// What every way of searching the schedules has in common: it plans a run, answers at every choice
// of it, may watch the footprints, and hears how the run ended.
//
//   begin() -> choose()* [step()*] -> end() -> begin() ... -> begin() answers false

import type { Failure } from './failure.js';
import type { Step, Task } from '../sched/index.js';

/** How one run went. */
export interface RunRecord {
  /** cut: the search threw `cut`. failed: stopped at a failure. */
  readonly end: 'complete' | 'cut' | 'failed';
  readonly failures: readonly Failure[];
  /** The answers of the search, from where the tasks started on, and what each was made from. */
  readonly choices: readonly number[];
  readonly keys: readonly number[];
  /** Choices that took the turn from a task that could go on, or let time pass. */
  readonly preemptions: number;
  readonly nrPoints: number;
  /** The most tasks that could go on at once, the clock included. */
  readonly width: number;
  readonly outcome: string | null;
}

export interface Stats {
  readonly schedules: number;
  readonly failures: number;
}

export interface Search {
  readonly name: string;
  /** Whether step() wants to hear; footprints are not recorded for nothing. */
  readonly wantsSteps: boolean;
  /** The most preemptions a run may have; null where none are counted. */
  readonly bound: number | null;
  /** It takes samples, so that its end proves nothing. */
  readonly samples: boolean;
  /** Plan the next run; false when there is none left. */
  begin(): boolean;
  /** As Strategy.choose of lib/sched; may throw `cut`. */
  choose(runnable: readonly Task[], current: Task | null, canAdvance: boolean): number;
  step(step: Step): void;
  end(record: RunRecord): void;
  /** One honest sentence; whole: the search ended by itself, not by a budget or a failure. */
  coverage(stats: Stats, whole: boolean): string;
}

export const noStep = (_step: Step): void => {};

/** 1234567 -> '1,234,567'. */
export const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

export const counted = (n: number, noun: string): string =>
  `${grouped(n)} ${noun}${n === 1 ? '' : 's'}`;

/** What a search that was stopped can say. */
export function stopped(stats: Stats, what: string): string {
  const why = stats.failures > 0 ? 'stopped at the first failure' : 'stopped by the budget';
  return `${counted(stats.schedules, 'schedule')} of ${what}; ${why}, not complete`;
}
