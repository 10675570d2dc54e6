// The pump: where the simulated kernel meets the event loop.
//
//   idle --schedule()--> scheduled --event loop--> turns are handed out --all blocked--> time
//    ^                                                                                     |
//    +---------------- nothing can run, no time may pass, nobody waits for it <------------+
//
// Turns pass by microtasks, so when the pump comes round nobody holds one: a holder found here
// awaits something foreign. Time passes only here, so outside code that reacts goes first.

import assert from 'node:assert/strict';
import type { VirtualClock } from './clock.js';

/** What the pump asks of the scheduler. */
export interface PumpHost {
  readonly clock: VirtualClock;
  /** Failed, or closed to the outside: the pump stays still. */
  isStopped(): boolean;
  isTurnHeld(): boolean;
  isRunnable(): boolean;
  /** Whether a task that is no daemon is not done yet. */
  isAlive(): boolean;
  /** Fire the next timer. */
  advance(): void;
  dispatch(): void;
  /** A turn is still held. */
  foreignAwait(): void;
  /** Tasks wait, and no timer is left that could end that. */
  stalled(): void;
}

/** Somebody outside who waits for time to pass. */
interface Drive {
  readonly targetNs: number;
  readonly resolve: (settled: boolean) => void;
  readonly reject: (error: Error) => void;
}

export class Pump {
  readonly #host: PumpHost;
  readonly #autoLimitNs: number;
  readonly #drives = new Set<Drive>();
  #scheduled = false;

  /** autoLimitNs: how far time passes without anybody driving it. */
  constructor(host: PumpHost, autoLimitNs: number) {
    this.#host = host;
    this.#autoLimitNs = autoLimitNs;
  }

  get isDriven(): boolean {
    return this.#drives.size > 0;
  }

  schedule(): void {
    if (this.#scheduled || this.#host.isStopped()) return;
    this.#scheduled = true;
    setImmediate(this.#come);
  }

  /** How far time may go now: what drives it decides, else the horizon while somebody waits. */
  limitNs(): number {
    let limitNs = Infinity;
    for (const { targetNs } of this.#drives) limitNs = Math.min(limitNs, targetNs);
    if (limitNs < Infinity) return limitNs;
    return this.#host.isAlive() ? this.#autoLimitNs : -Infinity;
  }

  /** Let time pass to targetNs, or until the promise settles; whether it did. */
  drive(targetNs: number, until: Promise<unknown> | null): Promise<boolean> {
    return new Promise<boolean>((resolve, reject) => {
      const drive: Drive = { targetNs, resolve, reject };
      this.#drives.add(drive);
      const settled = (): void => {
        if (this.#drives.delete(drive)) resolve(true);
      };
      until?.then(settled, settled);
      this.schedule();
    });
  }

  fail(error: Error): void {
    for (const drive of this.#drives) drive.reject(error);
    this.#drives.clear();
  }

  readonly #come = (): void => {
    const host = this.#host;
    this.#scheduled = false;
    if (host.isStopped()) return;
    if (host.isTurnHeld()) {
      host.foreignAwait();
    } else if (host.isRunnable() || this.#letTimePass()) {
      this.schedule(); // comes round again when the turns are over
      host.dispatch();
    }
  };

  /** Nobody can run. Returns whether anything came of it. */
  #letTimePass(): boolean {
    const { clock } = this.#host;
    const limitNs = Math.max(this.limitNs(), clock.nowNs);
    if (clock.nextNs <= limitNs) {
      this.#host.advance();
      return true;
    }
    if (!this.isDriven) {
      if (this.#host.isAlive() && clock.nextNs > this.#autoLimitNs) this.#host.stalled();
      return false;
    }
    assert(limitNs < Infinity, 'somebody drives time to no end');
    clock.advanceTo(limitNs);
    for (const drive of this.#drives) {
      if (drive.targetNs <= limitNs && this.#drives.delete(drive)) drive.resolve(false);
    }
    return true;
  }
}
