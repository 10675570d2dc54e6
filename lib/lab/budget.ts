// How many schedules each cell gets, so that all of them are over in time.
//
// A cell costs what its stage costs, once, and what its schedules cost. Both are learnt as the lab
// goes, in seconds of a processor, by driver: a camera's schedules are longer than an adapter's.
// So is how many cells use what they are given: where the pin is refused one schedule says it all.
// Cells that pin get what they were promised or an equal share of the time that is left; those in
// which nothing is pinned have nothing to lose, and get a tenth of that. The live plays have their
// part set aside.

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
/** A second search that cannot have all is worth its time with so many times the schedules. */
const worthMore = 1.5;

/** What earlier cells said counts for so much of what the last one says, cell by cell. */
const memory = 0.99;

/** seconds = perCell + schedules * perSchedule, by least squares over the cells so far. */
class Cost {
  #nrCells = 0;
  #cells = 0;
  #schedules = 0;
  #seconds = 0;
  #squares = 0;
  #products = 0;
  #offered = 0;
  #used = 0;

  /** given: schedules that the cell could have had. */
  add(given: number, schedules: number, seconds: number): void {
    this.#nrCells++;
    this.#cells = this.#cells * memory + 1;
    this.#schedules = this.#schedules * memory + schedules;
    this.#seconds = this.#seconds * memory + seconds;
    this.#squares = this.#squares * memory + schedules * schedules;
    this.#products = this.#products * memory + schedules * seconds;
    this.#offered += given;
    this.#used += Math.min(given, schedules);
  }

  get isKnown(): boolean {
    return this.#nrCells >= warmUp && this.#schedules > this.#cells;
  }

  /** Never less than a third of the mean, so that cells all alike give an answer too. */
  get perSchedule(): number {
    if (this.#schedules === 0) return 0;
    const mean = this.#seconds / this.#schedules;
    const spread = this.#cells * this.#squares - this.#schedules ** 2;
    if (spread < 0.01 * this.#cells * this.#squares) return 0.8 * mean;
    const slope = (this.#cells * this.#products - this.#schedules * this.#seconds) / spread;
    return Math.min(mean, Math.max(mean / 3, slope));
  }

  get perCell(): number {
    if (this.#cells === 0) return 0;
    return Math.max(0, this.#seconds - this.#schedules * this.perSchedule) / this.#cells;
  }

  /**
   * Of the schedules that cells are given, how many those to come are thought to use: half way
   * between what was seen and all. Refusals come in long runs; the last cells may all be let in.
   */
  get use(): number {
    return this.#offered === 0 ? 1 : (1 + this.#used / this.#offered) / 2;
  }
}

export class Budget {
  readonly #cells: readonly Cell[];
  readonly #options: BudgetOptions;
  readonly #costs = new Map<DriverName, Cost>();
  /** Cells whose schedules are still to be given, by driver, as shares. */
  readonly #left = new Map<DriverName, { cells: number; shares: number }>();
  /** What cells have been given, by their places. */
  readonly #given = new Map<number, number>();
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
    const share = this.#share(cell);
    const schedules = this.#schedulesOf(cell, share);
    if (!this.#given.has(index)) {
      const left = this.#leftOf(cell.driver);
      left.cells--;
      left.shares -= share;
    }
    this.#given.set(index, schedules);
    return schedules;
  }

  #schedulesOf({ driver }: Cell, share: number): number {
    const { schedules, seconds } = this.#options;
    const wanted = Math.ceil(schedules * share);
    if (seconds === Infinity) return wanted;
    if (!this.#costOf(driver).isKnown) return Math.min(wanted, atFirst);
    return Math.max(fewest, Math.min(wanted, Math.floor(this.#perShare() * share)));
  }

  /** Schedules that each share of what is left can have; what is not known costs the average. */
  #perShare(): number {
    const known = [...this.#costs.values()].filter((cost) => cost.isKnown);
    const average = (of: (cost: Cost) => number): number =>
      known.reduce((sum, cost) => sum + of(cost), 0) / Math.max(1, known.length);
    let once = 0;
    let each = 0;
    for (const [driver, { cells, shares }] of this.#left) {
      const cost = this.#costOf(driver);
      const own = (of: (cost: Cost) => number): number => (cost.isKnown ? of(cost) : average(of));
      once += cells * own((c) => c.perCell);
      each += shares * own((c) => c.perSchedule) * own((c) => c.use);
    }
    return each <= 0 ? this.#options.schedules : (this.#secondsLeft() - once) / each;
  }

  /** The cell at that place has had its schedules, in so many seconds of a processor. */
  spent(index: number, { schedules }: CellVerdict, seconds: number): void {
    this.#seconds += seconds;
    const given = this.#given.get(index) ?? schedules;
    this.#costOf(this.#cells[index]!.driver).add(given, schedules, seconds);
  }

  /** Whether there is time to search a cell again, with all the schedules that it was to have. */
  isWorthMore(index: number, { complete, schedules: had }: CellVerdict): boolean {
    const cell = this.#cells[index]!;
    const { schedules, seconds } = this.#options;
    if (seconds === Infinity || complete) return false;
    const wanted = Math.ceil(schedules * this.#share(cell));
    const { perCell, perSchedule } = this.#costOf(cell.driver);
    const can = Math.min(wanted, (this.#secondsLeft() - perCell) / Math.max(perSchedule, 1e-9));
    return can >= wanted ? had < wanted : can >= had * worthMore;
  }
}
