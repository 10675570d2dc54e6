// How many schedules each cell gets, so that all of them are over in time.
//
// A cell costs what its stage costs, once, and what its schedules cost. Both are measured as the
// lab goes, in seconds of a processor, by driver: a camera's schedules are longer than an
// adapter's. Cells that pin get what they were promised or an equal share of the time that is
// left; those in which nothing is pinned have nothing to lose, and get a tenth of that. The live
// plays have their part set aside.

import { actOf } from './acts.js';
import type { Cell, CellVerdict, DriverName } from './cell.js';

export interface BudgetOptions {
  readonly schedules: number;
  readonly live: boolean;
  readonly seconds: number;
  readonly elapsed: () => number;
  readonly processes: number;
}

/** Schedules of a cell that pins, however late it is; and before any cost is known. */
const fewest = 2;
const atFirst = 20;
/** Cells of a driver that tell its cost. */
const warmUp = 4;
/** What a cell in which nothing is pinned gets of the schedules of others. */
const unpinnedShare = 0.1;
/** Seconds of a processor that a live play takes. */
const liveSeconds = 0.03;
/** And of the time that is left at most so much, however slow it all is. */
const liveShare = 0.3;
/** A second search has to find at least so many times the schedules to be worth its time. */
const worthMore = 1.5;

class Cost {
  #cells = 0;
  #schedules = 0;
  #seconds = 0;
  #perCell = 0;

  add(schedules: number, seconds: number): void {
    // The first schedule carries the stage: cells of one schedule tell what a stage costs.
    if (schedules <= 1) {
      this.#perCell = this.#perCell === 0 ? seconds : (this.#perCell * 3 + seconds) / 4;
      return;
    }
    this.#cells++;
    this.#schedules += schedules;
    this.#seconds += seconds;
  }

  get isKnown(): boolean {
    return this.#cells >= warmUp;
  }

  /** Of a schedule, its part of the stage aside; never nothing. */
  get perSchedule(): number {
    const schedules = this.#seconds - this.#cells * this.#perCell;
    return Math.max(schedules, this.#seconds / 4) / Math.max(1, this.#schedules);
  }

  get perCell(): number {
    return this.#perCell;
  }
}

export class Budget {
  readonly #cells: readonly Cell[];
  readonly #options: BudgetOptions;
  readonly #costs = new Map<DriverName, Cost>();
  /** Cells whose schedules are still to be given, by driver, as shares. */
  readonly #left = new Map<DriverName, { cells: number; shares: number }>();
  /** Places of cells that have been given theirs. */
  readonly #given = new Set<number>();
  /** How much less than it took on the clock all processes together computed. */
  #seconds = 0;

  constructor(cells: readonly Cell[], options: BudgetOptions) {
    this.#cells = cells;
    this.#options = options;
    for (const cell of cells) {
      const left = this.#leftOf(cell.driver);
      left.cells++;
      left.shares += this.#share(cell);
    }
  }

  #leftOf(driver: DriverName): { cells: number; shares: number } {
    let left = this.#left.get(driver);
    if (left === undefined) this.#left.set(driver, (left = { cells: 0, shares: 0 }));
    return left;
  }

  #costOf(driver: DriverName): Cost {
    let cost = this.#costs.get(driver);
    if (cost === undefined) this.#costs.set(driver, (cost = new Cost()));
    return cost;
  }

  #share({ driver }: Cell): number {
    const pins = actOf(driver).pins !== 'none' && driver !== 'device-dax';
    return pins ? 1 : unpinnedShare;
  }

  /** Seconds of a processor that are left, at the rate at which they were had so far. */
  #secondsLeft(): number {
    const { seconds, elapsed, processes, live } = this.#options;
    const had = elapsed() < 1 ? 1 : Math.min(1, this.#seconds / (elapsed() * processes));
    const left = (seconds - elapsed()) * processes * had;
    return left - (live ? Math.min(liveSeconds * this.#cells.length, left * liveShare) : 0);
  }

  /** Schedules of the cell at that place. */
  schedulesFor(index: number): number {
    const cell = this.#cells[index]!;
    const { schedules, seconds } = this.#options;
    const share = this.#share(cell);
    const wanted = Math.ceil(schedules * share);
    const rest = this.#perShare();
    if (!this.#given.has(index)) {
      this.#given.add(index);
      const left = this.#leftOf(cell.driver);
      left.cells--;
      left.shares -= share;
    }
    if (seconds === Infinity) return wanted;
    if (!this.#costOf(cell.driver).isKnown) return Math.min(wanted, atFirst);
    return Math.max(fewest, Math.min(wanted, Math.floor(rest * share)));
  }

  /** Schedules that each share of what is left can have. */
  #perShare(): number {
    let once = 0;
    let each = 0;
    for (const [driver, { cells, shares }] of this.#left) {
      const { perCell, perSchedule } = this.#costOf(driver);
      once += cells * perCell;
      each += shares * perSchedule;
    }
    return each <= 0 ? this.#options.schedules : (this.#secondsLeft() - once) / each;
  }

  /** The cell at that place has had its schedules, in so many seconds of a processor. */
  spent(index: number, { schedules }: CellVerdict, seconds: number): void {
    this.#seconds += seconds;
    this.#costOf(this.#cells[index]!.driver).add(schedules, seconds);
  }

  /** Whether there is time to search a cell again, with all the schedules that it was to have. */
  isWorthMore(index: number, { pin, complete, schedules: had }: CellVerdict): boolean {
    const cell = this.#cells[index]!;
    const { schedules, seconds } = this.#options;
    if (seconds === Infinity || complete || !pin.includes('granted')) return false;
    const wanted = Math.ceil(schedules * this.#share(cell));
    const { perCell, perSchedule } = this.#costOf(cell.driver);
    const can = Math.min(wanted, (this.#secondsLeft() - perCell) / Math.max(perSchedule, 1e-9));
    return can >= had * worthMore;
  }
}
