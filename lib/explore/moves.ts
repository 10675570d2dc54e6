// The moves of one run and what happens before what: vector clocks over footprints.
//
// A move is what one choice sets going: a step of a task, with the first steps of the tasks that it
// starts. A move comes after the one before it of its task, after the one that woke its task, and
// after every earlier move whose footprint conflicts. The clock conflicts with everything.

import { CLOCK_TASK_ID, type ObjectId } from '../sched/index.js';

export class Move {
  readonly index: number;
  readonly taskId: number;
  readonly reads: ObjectId[] = [];
  readonly writes: ObjectId[] = [];
  /** Task -> number of its moves that come before this one or are it. */
  readonly clock = new Map<number, number>();

  constructor(index: number, taskId: number) {
    this.index = index;
    this.taskId = taskId;
  }

  add(reads: readonly ObjectId[], writes: readonly ObjectId[]): void {
    for (const id of reads) if (!this.reads.includes(id)) this.reads.push(id);
    for (const id of writes) if (!this.writes.includes(id)) this.writes.push(id);
  }

  /** Which of its task's moves this is, from 1. */
  get turn(): number {
    return this.clock.get(this.taskId)!;
  }

  isBefore(later: Move): boolean {
    return (later.clock.get(this.taskId) ?? 0) >= this.turn;
  }
}

const meet = (a: readonly ObjectId[], b: readonly ObjectId[]): boolean =>
  a.some((id) => b.includes(id));

/** Whether the order of two moves of different tasks matters. */
export function conflicts(a: Move, b: Move): boolean {
  if (a.taskId === CLOCK_TASK_ID || b.taskId === CLOCK_TASK_ID) return true;
  return meet(a.writes, b.writes) || meet(a.writes, b.reads) || meet(a.reads, b.writes);
}

interface ObjectUse {
  write: Move | null;
  /** Since that write. */
  reads: Move[];
}

export class MoveLog {
  readonly moves: Move[] = [];
  readonly #objects = new Map<ObjectId, ObjectUse>();
  readonly #lastOf = new Map<number, Move>();
  readonly #wakers = new Map<number, Move>();

  begin(taskId: number): Move {
    const move = new Move(this.moves.length, taskId);
    this.moves.push(move);
    return move;
  }

  /** Nobody could take a move of this task before that one. */
  woke(taskId: number, waker: Move): void {
    this.#wakers.set(taskId, waker);
  }

  /**
   * The last move's footprint is whole: place it. Returns the moves it races with: those it
   * conflicts with directly and could come before.
   */
  place(move: Move): Move[] {
    const { clock, taskId } = move;
    merge(clock, this.#lastOf.get(taskId));
    merge(clock, this.#wakers.get(taskId));
    this.#wakers.delete(taskId);
    const turn = (clock.get(taskId) ?? 0) + 1;
    const races: Move[] = [];
    for (const earlier of this.#conflicting(move)) {
      if ((clock.get(earlier.taskId) ?? 0) >= earlier.turn) continue;
      races.push(earlier);
      merge(clock, earlier);
    }
    clock.set(taskId, turn);
    this.#lastOf.set(taskId, move);
    this.#note(move);
    return races;
  }

  /**
   * Tasks of which one must be tried before `earlier` so that `later` comes first: those that
   * begin a run of all moves since then that do not come after `earlier`, and `later` at last.
   */
  leaders(earlier: Move, later: Move): number[] {
    const free = this.moves
      .slice(earlier.index + 1, later.index)
      .filter((move) => !earlier.isBefore(move));
    free.push(later);
    return free
      .filter((move, i) => !free.slice(0, i).some((before) => before.isBefore(move)))
      .map((move) => move.taskId);
  }

  /** Latest first, so that what comes before a direct conflict is already merged. */
  #conflicting(move: Move): Move[] {
    if (move.taskId === CLOCK_TASK_ID) {
      return [...this.#lastOf.values()].sort((a, b) => b.index - a.index);
    }
    const found = new Set<Move>();
    const clock = this.#lastOf.get(CLOCK_TASK_ID);
    if (clock !== undefined) found.add(clock);
    for (const id of move.reads) {
      const write = this.#objects.get(id)?.write;
      if (write !== undefined && write !== null) found.add(write);
    }
    for (const id of move.writes) {
      const use = this.#objects.get(id);
      if (use === undefined) continue;
      if (use.write !== null) found.add(use.write);
      for (const read of use.reads) found.add(read);
    }
    return [...found].sort((a, b) => b.index - a.index);
  }

  #note(move: Move): void {
    for (const id of move.reads) this.#use(id).reads.push(move);
    for (const id of move.writes) {
      const use = this.#use(id);
      use.write = move;
      use.reads = [];
    }
  }

  #use(id: ObjectId): ObjectUse {
    let use = this.#objects.get(id);
    if (use === undefined) {
      use = { write: null, reads: [] };
      this.#objects.set(id, use);
    }
    return use;
  }
}

function merge(clock: Map<number, number>, from: Move | undefined): void {
  if (from === undefined) return;
  for (const [task, turn] of from.clock) if ((clock.get(task) ?? 0) < turn) clock.set(task, turn);
}
