// MMU notifiers: who mirrors a range of an mm elsewhere is told before its pages move
// (include/linux/mmu_notifier.h: mmu_interval_notifier).
//
// Each interval has a sequence number, odd while an invalidation is under way:
//
//   reader    seq = readBegin(); collect pages; take own lock; if readRetry(seq) start again
//   mover     invalidateStart: seq odd, invalidate() of each interval it meets, completed; clear
//             entries; invalidateEnd: seq even, readers that wait go on
//
// invalidate() gets the sequence number that readers will see (mmu_interval_set_seq) and must,
// before it completes, have stopped all access of its hardware to the range. It may take its
// driver's lock, which no fault is waited for under.

import { type Task, WaitQueue } from '../sched/index.js';
import { tracepoints } from '../trace/events.js';
import type { MM } from './mm.js';

export type InvalidateEvent = 'unmap' | 'protect' | 'migrate' | 'release' | 'dontneed' | 'cow';

export interface InvalidateRange {
  readonly start: number;
  readonly end: number;
  readonly event: InvalidateEvent;
}

export interface IntervalNotifierSpec {
  /** Byte addresses, end excluded. */
  readonly start: number;
  readonly end: number;
  readonly label: string;
  invalidate(task: Task, range: InvalidateRange, seq: number): Promise<void> | void;
}

export class IntervalNotifier {
  readonly mm: MM;
  readonly spec: IntervalNotifierSpec;
  /** Odd while an invalidation that meets the interval is under way. */
  seq = 0;
  /** Invalidations under way. */
  active = 0;
  readonly settled: WaitQueue;

  constructor(mm: MM, spec: IntervalNotifierSpec) {
    this.mm = mm;
    this.spec = spec;
    this.settled = new WaitQueue(mm.env.sched, `notifier ${spec.label}`);
  }

  meets(start: number, end: number): boolean {
    return this.spec.start < end && start < this.spec.end;
  }

  /** Wait until no invalidation is under way; the number to hand to readRetry(). */
  async readBegin(task: Task): Promise<number> {
    await this.settled.waitEvent(task, () => this.active === 0, {
      mode: 'uninterruptible',
      why: `invalidation of ${this.spec.label}`,
    });
    return this.seq;
  }

  /**
   * Whether what was read since readBegin() may be stale. Ask under the lock that invalidate takes.
   */
  readRetry(seq: number): boolean {
    return this.active > 0 || this.seq !== seq;
  }
}

/** One invalidation under way, and whom it holds off. */
export interface Invalidation {
  readonly start: number;
  readonly end: number;
  readonly intervals: IntervalNotifier[];
}

export class NotifierSet {
  readonly mm: MM;
  readonly #intervals = new Set<IntervalNotifier>();
  readonly #running: Invalidation[] = [];

  constructor(mm: MM) {
    this.mm = mm;
  }

  get empty(): boolean {
    return this.#intervals.size === 0;
  }

  get size(): number {
    return this.#intervals.size;
  }

  /**
   * mmu_interval_notifier_insert. An invalidation under way holds off the newcomer's readers too.
   */
  insert(spec: IntervalNotifierSpec): IntervalNotifier {
    const interval = new IntervalNotifier(this.mm, spec);
    this.#intervals.add(interval);
    for (const running of this.#running) {
      if (!interval.meets(running.start, running.end)) continue;
      hold(interval);
      running.intervals.push(interval);
    }
    return interval;
  }

  /** mmu_interval_notifier_remove: no callback runs when it returns. */
  async remove(task: Task, interval: IntervalNotifier): Promise<void> {
    this.#intervals.delete(interval);
    await interval.readBegin(task);
  }

  /**
   * Before entries of [start, end) change: every interval that meets it is told, and has answered
   * when this returns. Hand the result to invalidateEnd() once the entries are changed.
   */
  async invalidateStart(
    task: Task,
    start: number,
    end: number,
    event: InvalidateEvent,
  ): Promise<Invalidation> {
    const invalidation = this.#begin(start, end);
    if (invalidation.intervals.length > 0) await this.#tell(task, invalidation, event);
    return invalidation;
  }

  #begin(start: number, end: number): Invalidation {
    const meets = (interval: IntervalNotifier): boolean => interval.meets(start, end);
    const intervals = this.empty ? [] : [...this.#intervals].filter(meets);
    const invalidation: Invalidation = { start, end, intervals };
    this.#running.push(invalidation);
    for (const interval of intervals) hold(interval);
    return invalidation;
  }

  async #tell(task: Task, invalidation: Invalidation, event: InvalidateEvent): Promise<void> {
    const { start, end } = invalidation;
    for (const interval of [...invalidation.intervals]) {
      const { label } = interval.spec;
      if (tracepoints.mmu_notifier_invalidate.on) {
        const args = { label, start, end, event };
        tracepoints.mmu_notifier_invalidate.emit(this.mm.env.sched, args);
      }
      await interval.spec.invalidate(task, { start, end, event }, interval.seq);
    }
  }

  invalidateEnd(invalidation: Invalidation): void {
    const at = this.#running.indexOf(invalidation);
    if (at >= 0) this.#running.splice(at, 1);
    for (const interval of invalidation.intervals) {
      interval.active--;
      if (interval.active > 0) continue;
      interval.seq++;
      interval.settled.wakeAll();
    }
  }

  /** Run change() between the start and the end of an invalidation. */
  async around(
    task: Task,
    start: number,
    end: number,
    event: InvalidateEvent,
    change: () => Promise<void> | void,
  ): Promise<void> {
    const invalidation = this.#begin(start, end);
    if (invalidation.intervals.length > 0) await this.#tell(task, invalidation, event);
    try {
      await change();
    } finally {
      this.invalidateEnd(invalidation);
    }
  }

  /** mmu_notifier_release: the mm ends; every interval is told, before anything is unmapped. */
  async release(task: Task): Promise<void> {
    this.invalidateEnd(await this.invalidateStart(task, 0, Infinity, 'release'));
  }
}

function hold(interval: IntervalNotifier): void {
  interval.active++;
  if (interval.active === 1) interval.seq++;
}
