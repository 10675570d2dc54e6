// The thread that makes frames: vivid-kthread-cap.c and -out.c.
//
//   STOPPED --start()--> FIRST_DUE --tick 0--> RUNNING --stop()--> STOPPED
//
// Tick n falls at start + n intervals; one that comes late leaves a gap in the numbers. A tick
// runs under the device's lock. vivid's thread spins for that lock, so the first frame is made
// before the next request of the application gets it (recorded, v4l2/dqbuf-nonblock-empty):
// whoever enters waits for it in passFirst().

import { WaitQueue, type Mutex, type Scheduler, type Task } from '../../lib/driver/index.js';

export interface Tick {
  /** Ticks since the stream was started, with those that were missed. */
  readonly sequence: number;
  /** Ticks missed just before this one. */
  readonly missed: number;
  readonly nowNs: number;
}

export interface FrameClockEnv {
  readonly sched: Scheduler;
  readonly lock: Mutex;
  /** Start the thread; it lives as long as the device. */
  spawn(label: string, fn: (task: Task) => Promise<void>): unknown;
}

export class FrameClock {
  readonly #env: FrameClockEnv;
  readonly #tick: (task: Task, tick: Tick) => Promise<void>;
  readonly #changed: WaitQueue;
  readonly #firstDone: WaitQueue;
  #state: 'STOPPED' | 'FIRST_DUE' | 'RUNNING' = 'STOPPED';
  /** Counts starts, so that the thread knows that the stream it waited for is over. */
  #run = 0;
  #intervalNs = 0;
  /** When tick #base fell, or falls. */
  #epochNs = 0;
  #base = 0;
  /** The number of the next tick. */
  #next = 0;

  constructor(env: FrameClockEnv, label: string, tick: (task: Task, tick: Tick) => Promise<void>) {
    this.#env = env;
    this.#tick = tick;
    this.#changed = new WaitQueue(env.sched, `${label}: frame clock`);
    this.#firstDone = new WaitQueue(env.sched, `${label}: first frame`);
    env.spawn(label, (task) => this.#thread(task));
  }

  get running(): boolean {
    return this.#state !== 'STOPPED';
  }

  /** Tick 0 is due now. The caller holds the lock, or is alone. */
  start(intervalNs: number): void {
    this.#run++;
    this.#state = 'FIRST_DUE';
    this.#intervalNs = intervalNs;
    this.#epochNs = this.#env.sched.clock.nowNs;
    this.#base = 0;
    this.#next = 0;
    this.#changed.wakeAll();
  }

  /** No tick any more, and none is running: the caller holds the lock. */
  stop(): void {
    this.#state = 'STOPPED';
    this.#firstDone.wakeAll();
    this.#changed.wakeAll();
  }

  /** A new rate: the next tick falls one new interval from now (cap_seq_resync). */
  setRate(intervalNs: number): void {
    this.#intervalNs = intervalNs;
    if (this.#state !== 'RUNNING') return;
    this.#epochNs = this.#env.sched.clock.nowNs + intervalNs;
    this.#base = this.#next;
    this.#changed.wakeAll();
  }

  /** Tick 0 is due and was not made: passFirst() would wait. */
  get firstDue(): boolean {
    return this.#state === 'FIRST_DUE';
  }

  /** Wait until tick 0, if it is due, was made. The caller holds no lock. */
  async passFirst(task: Task): Promise<void> {
    await this.#firstDone.waitEvent(task, () => this.#state !== 'FIRST_DUE', {
      mode: 'uninterruptible',
      why: 'the first frame',
    });
  }

  get #dueNs(): number {
    return this.#epochNs + (this.#next - this.#base) * this.#intervalNs;
  }

  async #thread(task: Task): Promise<void> {
    for (;;) {
      await this.#changed.waitEvent(task, () => this.running, { why: 'a stream to start' });
      const run = this.#run;
      while (this.running && this.#run === run) await this.#step(task, run);
    }
  }

  /** Sleep until the next tick, or make it. */
  async #step(task: Task, run: number): Promise<void> {
    const { clock } = this.#env.sched;
    if (clock.nowNs < this.#dueNs) {
      await this.#changed.wait(task, { why: 'the next frame', untilNs: this.#dueNs });
      return;
    }
    await this.#env.lock.lock(task);
    try {
      if (this.#run === run && this.running) await this.#make(task, clock.nowNs);
    } finally {
      this.#env.lock.unlock(task);
    }
  }

  /** vivid_thread_vid_cap(): the tick nearest to now; those before it were missed. */
  async #make(task: Task, nowNs: number): Promise<void> {
    const elapsed = Math.round((nowNs - this.#epochNs) / this.#intervalNs);
    const sequence = Math.max(this.#base + elapsed, this.#next);
    const missed = sequence - this.#next;
    this.#next = sequence + 1;
    try {
      await this.#tick(task, { sequence, missed, nowNs });
    } finally {
      if (this.#state === 'FIRST_DUE') this.#state = 'RUNNING';
      this.#firstDone.wakeAll();
    }
  }
}
