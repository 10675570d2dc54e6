// Every schedule with at most so many preemptions, those with fewer first (CHESS: Musuvathi and
// Qadeer, 2007). A schedule is a list of answers; from each run the answers not taken are put
// aside, with this bound if they are free, with the next if they preempt. So none is run twice,
// and the first failure found has the fewest preemptions that any failure has.
//
// Guarantees: complete up to the bound; complete altogether when nothing was put aside beyond it.
// With the cache a run is cut where its history and the task on turn were seen before, at a choice
// or after any step since it left its plan: what was seen earlier had at least as much of the bound
// left, so every continuation is tried from there, or was where nothing was left to choose.
// That loses no failure and no outcome as long as footprints are complete. Cut runs are counted
// apart. Advancing the clock while a task can run counts as a preemption.

import { choiceKey, type Step, type Task } from '../sched/index.js';
import { cut, NondeterminismError } from './failure.js';
import { HistoryHash } from './history-hash.js';
import {
  counted,
  grouped,
  noStep,
  type RunRecord,
  type Search,
  stopped,
  type Stats,
} from './search.js';

/** A run to be made: the first `len` answers of an earlier one, then `choice`, then zeros. */
interface Planned {
  readonly base: Answers;
  readonly len: number;
  readonly choice: number;
}

interface Answers {
  readonly choices: number[];
  readonly keys: number[];
}

export interface BoundedOptions {
  /** Infinity: plain depth-first, no answers put aside. */
  readonly preemptions: number;
  readonly cache: boolean;
}

export class BoundedSearch implements Search {
  readonly name: string;
  readonly wantsSteps: boolean;
  readonly samples = false;
  readonly bound: number;
  readonly #history: HistoryHash | null;
  readonly #seen = new Set<number>();
  /** The same after steps, with the task that made them. */
  readonly #seenSteps = new Set<number>();
  /** This run has gone its own way: nothing it does now was planned by another. */
  #leftPlan = false;
  readonly #step: (step: Step) => void;
  #now: Planned[] = [{ base: { choices: [], keys: [] }, len: 0, choice: 0 }];
  #later: Planned[] = [];
  #preemptions = 0;
  #dropped = false;
  #nrCut = 0;
  #planned!: Planned;
  #answers: Answers = { choices: [], keys: [] };

  constructor(options: BoundedOptions) {
    this.bound = options.preemptions;
    this.name = options.cache ? 'exhaustive' : 'depth-first';
    this.#history = options.cache ? new HistoryHash() : null;
    this.wantsSteps = options.cache;
    const history = this.#history;
    this.#step = history === null ? noStep : (step) => this.#stepped(history, step);
  }

  begin(): boolean {
    if (this.#now.length === 0) {
      if (this.#later.length === 0) return false;
      this.#now = this.#later;
      this.#later = [];
      this.#preemptions++;
    }
    this.#planned = this.#now.pop()!;
    this.#answers = { choices: [], keys: [] };
    this.#leftPlan = this.#planned.len === 0 && this.#planned.choice === 0;
    this.#history?.reset();
    return true;
  }

  step(step: Step): void {
    this.#step(step);
  }

  choose(runnable: readonly Task[], current: Task | null, canAdvance: boolean): number {
    const { base, len, choice: last } = this.#planned;
    const { choices, keys } = this.#answers;
    const depth = choices.length;
    const key = choiceKey(runnable, canAdvance);
    let choice = 0;
    if (depth < len) {
      if (base.keys[depth] !== key) throw this.#changed(depth, runnable);
      choice = base.choices[depth]!;
    } else if (depth === len && last > 0) {
      if (base.keys[depth] !== key) throw this.#changed(depth, runnable);
      choice = last;
      this.#leftPlan = true;
    } else {
      this.#cutIfSeen(current);
      this.#putAside(runnable.length, current !== null, canAdvance, depth);
    }
    choices.push(choice);
    keys.push(key);
    return choice;
  }

  end(record: RunRecord): void {
    if (record.end === 'cut') this.#nrCut++;
  }

  /** Runs that are known to be left: the search does not come to its end in fewer. */
  get nrPlanned(): number {
    return this.#now.length + this.#later.length;
  }

  coverage(stats: Stats, whole: boolean): string {
    const cuts = this.#nrCut > 0 ? `; ${grouped(this.#nrCut)} more cut as seen before` : '';
    if (!whole) return stopped(stats, `a search up to ${counted(this.bound, 'preemption')}`) + cuts;
    const all = `all ${counted(stats.schedules, 'schedule')}`;
    if (!this.#dropped) return `${all}: there are no others${cuts}`;
    return `${all} with at most ${counted(this.bound, 'preemption')}${cuts}`;
  }

  #cutIfSeen(current: Task | null): void {
    if (this.#history === null) return;
    const key = this.#history.key(current === null ? null : current.id);
    if (this.#seen.has(key)) throw cut;
    this.#seen.add(key);
  }

  #stepped(history: HistoryHash, step: Step): void {
    history.step(step);
    if (!this.#leftPlan) return;
    const key = history.key(step.taskId);
    if (this.#seenSteps.has(key)) throw cut;
    this.#seenSteps.add(key);
  }

  #putAside(nrRunnable: number, hasTurn: boolean, canAdvance: boolean, len: number): void {
    const nrOptions = nrRunnable + (canAdvance ? 1 : 0);
    const base = this.#answers;
    for (let choice = nrOptions - 1; choice > 0; choice--) {
      if (!hasTurn && choice < nrRunnable) this.#now.push({ base, len, choice });
      else if (this.bound === Infinity) this.#now.push({ base, len, choice });
      else if (this.#preemptions < this.bound) this.#later.push({ base, len, choice });
      else this.#dropped = true;
    }
  }

  #changed(depth: number, runnable: readonly Task[]): NondeterminismError {
    const names = runnable.map((task) => task.name).join(', ');
    return new NondeterminismError(
      `choice ${depth} was made from other tasks when the same choices were taken before; now` +
        ` from ${names}: something besides the schedule decides`,
    );
  }
}
