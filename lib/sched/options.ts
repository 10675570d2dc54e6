// How a scheduler is made: live, or simulated with a strategy and a policy for time.

import { seconds } from '../units.js';
import { firstStrategy, seededStrategy, type Strategy } from './strategy.js';

/**
 * When virtual time moves. 'idle': to the next timer whenever no task can run and one that is no
 * daemon waits. 'any': also at any point, if the strategy says so. 'manual': only by runFor(),
 * runUntil() and the clock's advanceTo().
 */
export type TimerMode = 'idle' | 'any' | 'manual';

export interface SimulatedOptions {
  readonly mode: 'simulated';
  /** If not given: seededStrategy(seed), or firstStrategy() without a seed. */
  readonly strategy?: Strategy | undefined;
  readonly seed?: number | undefined;
  /** 'idle' if not given. */
  readonly timers?: TimerMode | undefined;
  /** Time never passes this by itself; what waits longer is hung. One hour if not given. */
  readonly horizonNs?: number | undefined;
  /** A run with more points than this fails: somebody spins. No limit if not given. */
  readonly maxPoints?: number | undefined;
}

export type SchedulerOptions = { readonly mode: 'live' } | SimulatedOptions;

export interface SpawnOptions {
  /** A task that serves others for ever: it keeps neither time nor a run() going. */
  readonly daemon?: boolean;
}

/** The options with everything filled in. A live machine never looks at it. */
export interface Plan {
  readonly strategy: Strategy;
  readonly timers: TimerMode;
  readonly horizonNs: number;
  /** How far time passes by itself when outside code waits. */
  readonly autoLimitNs: number;
  readonly maxPoints: number;
}

export function planOf(opts: SchedulerOptions): Plan {
  const given: SimulatedOptions = opts.mode === 'simulated' ? opts : { mode: 'simulated' };
  const { seed, timers = 'idle', horizonNs = seconds(3600) } = given;
  return {
    strategy: given.strategy ?? (seed === undefined ? firstStrategy() : seededStrategy(seed)),
    timers,
    horizonNs,
    autoLimitNs: timers === 'manual' ? -Infinity : horizonNs,
    maxPoints: given.maxPoints ?? Infinity,
  };
}
