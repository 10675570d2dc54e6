// A planted bug: one known defect with a switch, and what must be found when it is on.
//
// The same scenario without the defect is its repaired twin, and must be clean in every schedule.

import type { FailureKind } from '../failure.js';
import type { Scenario } from '../scenario.js';

export interface Planted {
  readonly name: string;
  /** What is wrong, in one sentence. */
  readonly defect: string;
  /** What breaks when it is on. */
  readonly finds: FailureKind;
  /** Preemptions within which it is found. */
  readonly preemptions: number;
  /**
   * What it runs on: a whole machine, the real rooms below it, a model on tasks and locks; threads:
   * the steps that real threads take too, under leasehold race --stress.
   */
  readonly ground: 'machine' | 'rooms' | 'model' | 'threads';
  /** The scenario, with the defect or without it. */
  make(broken: boolean): Scenario;
}

/** The name of the repaired twin. */
export const twinOf = (name: string): string => `${name}-repaired`;
