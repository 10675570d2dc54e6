// A scenario: what is run again and again, a schedule at a time.
//
//   world -> body (one task, not explored) -> the declared tasks, every schedule -> finish
//
// The body sets the stage and declares tasks; they start together when it has returned. Nothing in
// it may depend on anything but the schedule: no clock, chance or state of its own outside.

import type { Access, ObjectId, Scheduler, SimulatedOptions, Task } from '../sched/index.js';

export type RaceTimers = 'idle' | 'any';

/** Judged after every step that writes, or that writes one of `over`; a throw is a finding. */
export interface InvariantOptions {
  /**
   * What the check reads. Two steps that write any of these are never swapped by a reduction, as
   * the judge sees them in order. If not given: every step that writes anything.
   */
  readonly over?: readonly ObjectId[];
}

/** What the body is given: one run of the scenario. */
export interface Race {
  readonly sched: Scheduler;
  /** Declare a task. All start when the body has returned, in the order declared. */
  task(name: string, fn: (task: Task) => Promise<void>): void;
  invariant(name: string, check: () => void, opts?: InvariantOptions): void;
  /** When every task has ended: what is left over is a leak. Tasks may be used, unexplored. */
  finish(name: string, check: (task: Task) => void | Promise<void>): void;
  /** How this run ended, as far as anybody can tell; explorations collect the set of these. */
  outcome(value: () => string): void;
  /** Words for the trace, at the step under way. */
  note(text: string): void;
  /** Name a thing of the scenario's own, for footprints. */
  object(label: string): ObjectId;
  /** With reset 'restore': objects besides the world that the tasks change. */
  keep(...objects: object[]): void;
  /** A scheduling point of the scenario's own code. Await it. */
  at(object: ObjectId, access?: Access): Promise<void> | undefined;
}

/** What a run stands on: its scheduler, and all that is built over it. */
export interface Ground<W> {
  readonly sched: Scheduler;
  readonly world: W;
  /** Declares what must hold in every run of this world, before the body. */
  judge?(race: Race): void;
  /** The run is over, its tasks are forgotten where they stand: give back what is real. */
  end(): void | Promise<void>;
}

/** Makes the ground of each run. */
export interface WorldMaker<W> {
  make(options: SimulatedOptions): Ground<W> | Promise<Ground<W>>;
  /** No run will follow. */
  close?(): void | Promise<void>;
}

export interface Scenario<W = unknown> {
  /** Stands in tokens: letters, digits and dashes. */
  readonly name: string;
  /** What is true of the system if no schedule fails. */
  readonly title: string;
  /** 'idle' if not given. */
  readonly timers?: RaceTimers;
  /** Points a run may pass before it counts as a livelock. 10,000 if not given. */
  readonly maxPoints?: number;
  /** A bare scheduler if not given. */
  readonly world?: WorldMaker<W>;
  /**
   * How each run gets a fresh stage. 'rebuild', if not given: the world is made and the body is run
   * for every schedule. 'restore': once, and then both are put back to where they stood; a hundred
   * times as fast. Then whatever the tasks change must be reachable by fields from the world or
   * from what the body keep()s, never only by the variables of a function; pages must be stored to
   * through the machine, never through its device file; and no task but daemons may be left when
   * the body returns: a daemon that is woken begins anew. Frozen objects stay as they are, as do
   * the fields that the machine's own classes declare readonly.
   */
  readonly reset?: 'rebuild' | 'restore';
  body(race: Race, world: W): void | Promise<void>;
}

/** A scenario on a bare scheduler. */
export const scenario = (
  name: string,
  title: string,
  body: (race: Race) => void | Promise<void>,
  opts: { readonly timers?: RaceTimers; readonly maxPoints?: number } = {},
): Scenario => ({ name, title, body, ...opts });
