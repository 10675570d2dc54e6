// Every schedule that differs in more than the order of independent steps: source-DPOR with sleep
// sets (Abdulla, Aronis, Jonsson and Sagonas, 2014, algorithm 1), without a bound.
//
// Guarantees: of every class of runs that order dependent steps alike at least one is completed, so
// every failure and every outcome is met, as long as footprints are complete. An exploration that
// stops at its first failure has found one; one that goes on must let failing runs go on too. Not
// sound together with a bound on preemptions, so it has none.
//
// After each new move f, held against each earlier e that it directly conflicts with: unless e is
// what woke f's task, some task that leads to f before e is to be tried where e was chosen. Where
// only one task could go on nothing else can be tried. In timers 'any' the clock is a task that is
// tried at every choice.

import { CLOCK_TASK_ID, type Step, type Task } from '../sched/index.js';
import { cut, NondeterminismError } from './failure.js';
import { conflicts, type Move, MoveLog } from './moves.js';
import { grouped, type RunRecord, type Search, stopped, type Stats } from './search.js';

/** A choice of the run under way. */
interface Node {
  /** Task ids in the order offered. */
  readonly enabled: readonly number[];
  /** Tasks to be tried here. */
  readonly backtrack: Set<number>;
  /** Tasks that need not be tried here, because what they lead to was or will be met elsewhere. */
  readonly sleep: Map<number, Move>;
  chosen: number;
  /** Which move of the run was chosen here. */
  move: number;
}

export class DPORSearch implements Search {
  readonly name = 'dpor';
  readonly wantsSteps = true;
  readonly bound = null;
  readonly samples = false;
  readonly #nodes: Node[] = [];
  #begun = false;
  #nrCut = 0;
  // The run under way:
  #depth = 0;
  #log = new MoveLog();
  /** The last move; its footprint may still grow by the tasks that it starts. */
  #open: Move | null = null;
  /** Move -> the node where it was chosen. */
  #nodeOf = new Map<Move, Node>();
  #sleep = new Map<number, Move>();
  #known = new Set<number>();
  /** Who could go on before the open move. */
  #enabled: readonly number[] = [];
  /** Moves before this one are those of the run before: their races are known. */
  #newFrom = 0;

  begin(): boolean {
    if (this.#begun && !this.#backtrack()) return false;
    this.#begun = true;
    this.#depth = 0;
    this.#log = new MoveLog();
    this.#open = null;
    this.#nodeOf = new Map();
    this.#sleep = new Map();
    this.#known = new Set();
    this.#enabled = [];
    return true;
  }

  choose(runnable: readonly Task[], _current: Task | null, canAdvance: boolean): number {
    const enabled = runnable.map((task) => task.id);
    if (canAdvance) enabled.push(CLOCK_TASK_ID);
    this.#close(enabled);
    const node = this.#nodes[this.#depth] ?? this.#newNode(enabled);
    if (!same(node.enabled, enabled)) throw this.#changed(runnable);
    this.#depth++;
    node.move = this.#log.moves.length;
    this.#sleep = new Map(node.sleep);
    return node.enabled.indexOf(node.chosen);
  }

  step({ taskId, reads, writes }: Step): void {
    if (this.#open !== null && taskId !== CLOCK_TASK_ID && !this.#known.has(taskId)) {
      this.#known.add(taskId); // begins inside the move of the task that made it
      this.#open.add(reads, writes);
      return;
    }
    this.#known.add(taskId);
    const index = this.#log.moves.length;
    const node = this.#nodes[this.#depth - 1];
    const wasChosen = node !== undefined && node.move === index;
    if (!wasChosen) {
      this.#close([taskId]);
      if (this.#sleep.has(taskId)) throw cut;
    }
    this.#open = this.#log.begin(taskId);
    this.#open.add(reads, writes);
    if (wasChosen) this.#nodeOf.set(this.#open, node);
  }

  end(record: RunRecord): void {
    this.#close([]);
    if (record.end === 'cut') this.#nrCut++;
    this.#nodes.length = this.#depth;
  }

  coverage(stats: Stats, whole: boolean): string {
    const cuts = this.#nrCut > 0 ? `; ${grouped(this.#nrCut)} more cut as covered elsewhere` : '';
    if (!whole) return stopped(stats, 'a search of all classes of schedules') + cuts;
    const classes = stats.schedules === 1 ? 'class' : 'classes';
    return `all schedules, no bound on preemptions: ${grouped(stats.schedules)} ${classes}${cuts}`;
  }

  /** The open move is whole, and these tasks can go on after it. */
  #close(enabled: readonly number[]): void {
    const move = this.#open;
    const before = this.#enabled;
    this.#enabled = enabled;
    if (move === null) return;
    this.#open = null;
    const races = this.#log.place(move);
    if (move.index >= this.#newFrom) {
      for (const earlier of races) this.#reverse(earlier, move);
    }
    for (const id of enabled) {
      if (id !== move.taskId && !before.includes(id)) this.#log.woke(id, move);
    }
    for (const [id, asleep] of this.#sleep) {
      if (id === move.taskId || conflicts(asleep, move)) this.#sleep.delete(id);
    }
  }

  /** See to it that `later` is also met before `earlier`. */
  #reverse(earlier: Move, later: Move): void {
    const node = this.#nodeOf.get(earlier);
    if (node === undefined) return;
    const leaders = this.#log.leaders(earlier, later).filter((id) => node.enabled.includes(id));
    if (leaders.length === 0 || leaders.some((id) => node.backtrack.has(id))) return;
    node.backtrack.add(leaders.includes(later.taskId) ? later.taskId : leaders[0]!);
  }

  #newNode(enabled: readonly number[]): Node {
    const chosen = enabled.find((id) => !this.#sleep.has(id));
    if (chosen === undefined) throw cut;
    const sleep = new Map(this.#sleep);
    const backtrack = new Set([chosen]);
    // A run may end with timers set: that the clock could have come first shows in no race.
    if (enabled.includes(CLOCK_TASK_ID)) backtrack.add(CLOCK_TASK_ID);
    const node = { enabled, backtrack, sleep, chosen, move: 0 };
    this.#nodes.push(node);
    return node;
  }

  /** The last choice where another task is still to be tried. */
  #backtrack(): boolean {
    for (let node = this.#nodes.pop(); node !== undefined; node = this.#nodes.pop()) {
      const { sleep, backtrack, chosen } = node;
      const tried = this.#log.moves[node.move];
      if (tried !== undefined) sleep.set(chosen, tried);
      const next = [...backtrack].find((id) => id !== chosen && !sleep.has(id));
      if (next === undefined) continue;
      node.chosen = next;
      this.#newFrom = node.move;
      this.#nodes.push(node);
      return true;
    }
    return false;
  }

  #changed(runnable: readonly Task[]): NondeterminismError {
    const names = runnable.map((task) => task.name).join(', ');
    return new NondeterminismError(
      `choice ${this.#depth} was made from other tasks when the same choices were taken before;` +
        ` now from ${names}: something besides the schedule decides`,
    );
  }
}

const same = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((id, i) => id === b[i]);
