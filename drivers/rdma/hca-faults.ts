// How an adapter can be made to misbehave, from a test or a scenario that holds the hardware.
//
//   delay        every step of a transfer takes so long
//   stall        steps stop where they are, inside their regions, until it ends or a reset
//   drop         so many completions are never written
//   ignore       fences are answered at once, though steps are still under way
//   die          stall for ever: not even a reset helps

import { type Scheduler, type Task, WaitQueue } from '../../lib/driver/index.js';

export class HcaFaults {
  /** Nanoseconds before each step. */
  delayNs = 0;
  /** The fence lies. */
  ignoreFence = false;
  #stalled = false;
  #dead = false;
  #drops = 0;
  #stalls: WaitQueue | null = null;

  /** Called when the adapter gets its clock. */
  attach(sched: Scheduler): void {
    this.#stalls = new WaitQueue(sched, 'a stalled adapter');
  }

  get dead(): boolean {
    return this.#dead;
  }

  get stalled(): boolean {
    return this.#stalled || this.#dead;
  }

  set stalled(stalled: boolean) {
    this.#stalled = stalled;
    this.#stalls?.wakeAll();
  }

  die(): void {
    this.#dead = true;
  }

  /** The next n completions are lost. */
  dropCompletions(n: number): void {
    this.#drops = n;
  }

  /** Whether this completion is one of those. */
  takeDrop(): boolean {
    if (this.#drops === 0) return false;
    this.#drops--;
    return true;
  }

  /** Whether steps are held up at all. */
  get active(): boolean {
    return this.delayNs > 0 || this.stalled;
  }

  /** Hold the step up; ends early when stop() says so, after wake(). */
  async hold(task: Task, stop: () => boolean): Promise<void> {
    if (this.delayNs > 0) await task.sched.clock.sleep(task, this.delayNs);
    await this.#stalls!.waitEvent(task, () => !this.stalled || (stop() && !this.#dead), {
      mode: 'killable',
      why: 'the adapter to go on',
    });
  }

  /** Look at stop() again. */
  wake(): void {
    this.#stalls?.wakeAll();
  }
}
