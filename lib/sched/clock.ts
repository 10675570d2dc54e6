// Clocks: the only place that knows what time it is.
//
//   RealClock      the host's monotonic clock; timers fire from the event loop
//   VirtualClock   stands still until the scheduler or a test moves it; 45 s pass at once
//
// A timer's function is interrupt context: it may wake tasks and start them, never wait.

import { performance } from 'node:perf_hooks';
import assert from 'node:assert/strict';
import { checkFunction, checkTime, shown } from '../arguments.js';
import { Errno } from '../errno.js';
import { NS_PER_MS } from '../units.js';
import type { Task } from './task.js';

export type CancelTimer = () => void;

export interface SleepOptions {
  /** A signal ends the sleep with EINTR; otherwise nothing does. */
  readonly interruptible?: boolean;
}

export interface Clock {
  /** Nanoseconds since the clock was made. */
  readonly nowNs: number;
  /** Run fn once at atNs, or as soon as possible if that is past. Cancelling twice is harmless. */
  timer(atNs: number, fn: () => void): CancelTimer;
  /** Block task for ns. EINTR if interruptible and signalled. */
  sleep(task: Task, ns: number, opts?: SleepOptions): Promise<void>;
}

async function sleepOn(clock: Clock, task: Task, ns: number, opts: SleepOptions): Promise<void> {
  checkTime('sleep', 'ns', ns);
  const mode = opts.interruptible === true ? 'interruptible' : 'uninterruptible';
  const end = await task.park({ why: `sleep of ${ns} ns`, mode, untilNs: clock.nowNs + ns });
  if (end === 'interrupted') throw new Errno('EINTR', 'sleep: interrupted');
}

function checkTimer(atNs: unknown, fn: unknown): void {
  if (typeof atNs !== 'number' || Number.isNaN(atNs)) {
    throw new Errno('EINVAL', `timer: atNs: ${shown(atNs)} is no time`);
  }
  checkFunction('timer', 'fn', fn);
}

/** Node's timers count milliseconds in 31 bits; a longer wait is made of several. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export class RealClock implements Clock {
  readonly #originMs = performance.now();

  get nowNs(): number {
    return Math.round((performance.now() - this.#originMs) * NS_PER_MS);
  }

  timer(atNs: number, fn: () => void): CancelTimer {
    checkTimer(atNs, fn);
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const leftMs = Math.max(0, Math.ceil((atNs - this.nowNs) / NS_PER_MS));
      handle = setTimeout(
        () => (this.nowNs >= atNs ? fn() : arm()),
        Math.min(leftMs, MAX_TIMEOUT_MS),
      );
    };
    arm();
    return () => clearTimeout(handle);
  }

  sleep(task: Task, ns: number, opts: SleepOptions = {}): Promise<void> {
    return sleepOn(this, task, ns, opts);
  }
}

interface Timer {
  readonly atNs: number;
  readonly fn: () => void;
}

export class VirtualClock implements Clock {
  #nowNs = 0;
  /** By time, then by the order in which they were set. */
  readonly #timers: Timer[] = [];
  /** Set by the scheduler: runs a timer's function in interrupt context. */
  readonly #interrupt: (fn: () => void) => void;

  constructor(interrupt: (fn: () => void) => void = (fn) => fn()) {
    this.#interrupt = interrupt;
  }

  get nowNs(): number {
    return this.#nowNs;
  }

  /** When the next timer is due; Infinity without one. */
  get nextNs(): number {
    return this.#timers[0]?.atNs ?? Infinity;
  }

  get nrTimers(): number {
    return this.#timers.length;
  }

  timer(atNs: number, fn: () => void): CancelTimer {
    checkTimer(atNs, fn);
    const timer = { atNs: Math.max(atNs, this.#nowNs), fn };
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#timers[middle]!.atNs <= timer.atNs) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return () => {
      const index = this.#timers.indexOf(timer);
      if (index >= 0) this.#timers.splice(index, 1);
    };
  }

  sleep(task: Task, ns: number, opts: SleepOptions = {}): Promise<void> {
    return sleepOn(this, task, ns, opts);
  }

  /**
   * Move to atNs and fire what falls due on the way, each timer at its own time. Woken tasks run
   * only when the scheduler is next asked to, so they all see atNs.
   */
  advanceTo(atNs: number): void {
    checkTime('advanceTo', 'atNs', atNs);
    if (!(atNs >= this.#nowNs))
      assert.fail(`advanceTo: ${atNs} ns is before now, ${this.#nowNs} ns`);
    while (this.nextNs <= atNs) this.fireNext();
    this.#nowNs = atNs;
  }

  /** Move to the next timer and fire all that are due at that instant, in the order set. */
  fireNext(): void {
    const atNs = this.nextNs;
    assert(atNs < Infinity, 'fireNext: no timer is set');
    this.#nowNs = atNs;
    let left = this.#timers.length;
    while (left-- > 0 && this.nextNs <= atNs) this.#interrupt(this.#timers.shift()!.fn);
  }
}

/** Wait in real time until atNs, or until the promise settles; whether it did. */
export function passLive(
  clock: Clock,
  atNs: number,
  until: Promise<unknown> | null,
): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.timer(atNs, () => resolve(false));
    const settled = (): void => {
      cancel();
      resolve(true);
    };
    until?.then(settled, settled);
  });
}
