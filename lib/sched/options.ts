// How a scheduler is made: live, or simulated with a strategy and a policy for time.

import { constant } from '../constant.js';
import {
  checkFunction,
  checkInstance,
  checkObject,
  checkText,
  checkTime,
  checkWhole,
  checkWord,
} from '../arguments.js';
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
  checkOptions(opts);
  const given: SimulatedOptions = opts.mode === 'simulated' ? opts : { mode: 'simulated' };
  const { seed, timers = 'idle', horizonNs = seconds(3600) } = given;
  return constant({
    strategy: given.strategy ?? (seed === undefined ? firstStrategy() : seededStrategy(seed)),
    timers,
    horizonNs,
    autoLimitNs: timers === 'manual' ? -Infinity : horizonNs,
    maxPoints: given.maxPoints ?? Infinity,
  });
}

/** EINVAL names the option at fault. */
function checkOptions(opts: SchedulerOptions): void {
  checkObject('scheduler', 'options', opts);
  checkWord('scheduler', 'mode', opts.mode, ['live', 'simulated']);
  if (opts.mode === 'live') return;
  const { strategy, seed, timers, horizonNs, maxPoints } = opts;
  if (strategy !== undefined) {
    checkObject('scheduler', 'strategy', strategy);
    checkFunction('scheduler', 'strategy', strategy.choose);
  }
  const { MIN_SAFE_INTEGER, MAX_SAFE_INTEGER } = Number;
  if (seed !== undefined) checkWhole('scheduler', 'seed', seed, MIN_SAFE_INTEGER, MAX_SAFE_INTEGER);
  if (timers !== undefined) checkWord('scheduler', 'timers', timers, ['idle', 'any', 'manual']);
  if (horizonNs !== undefined) checkTime('scheduler', 'horizonNs', horizonNs);
  if (maxPoints !== undefined && maxPoints !== Infinity) {
    checkWhole('scheduler', 'maxPoints', maxPoints, 1, MAX_SAFE_INTEGER);
  }
}

/** What a task is made of. */
export function checkTask(call: string, name: unknown, fn: unknown, opts: unknown = {}): void {
  checkText(call, 'name', name);
  checkFunction(call, 'fn', fn);
  checkObject(call, 'options', opts);
}

/** What outside code lets time pass for. */
export function checkPass(promise: unknown, ns: unknown): void {
  if (promise !== null) checkInstance('runUntil', 'promise', promise, Promise);
  checkTime('runUntil', 'ns', ns);
}
