// Measuring a cell: many schedules of its play, and the worst ending of them with its token.
//
// Exhaustively up to two preemptions where that can come to its end within its share of the budget;
// as soon as more runs are known to be left than that, PCT and random samples make up the rest: a
// search that is broken off saw only the neighbourhood of one schedule. A cell whose pins were
// refused has nothing that could race: one schedule tells it all.

import {
  BoundedSearch,
  encodeToken,
  NondeterminismError,
  PCTSearch,
  RandomSearch,
  ReplaySearch,
  type Scenario,
  type Search,
} from '../explore/index.js';
import { Stages } from '../explore/stage.js';
import type { LayoutPolicy } from '../lease/layout.js';
import type { Cell, Ending } from './cell.js';
import { cellScenario, type CellScenario } from './cell-world.js';
import { PictureMaker } from './picture.js';
import { pictureData, type PictureData } from './picture-data.js';
import type { Play } from './play.js';
import { breaches, mustStray, mustTear } from './judgement.js';
import { compareEndings, verdictOf } from './severity.js';

export interface SearchOptions {
  readonly device: string;
  /** Schedules of a cell that pins; fewer only where there are no more. */
  readonly schedules: number;
  /** No limit: until every schedule up to the bound was run. */
  readonly exhaustive: boolean;
}

export interface Found {
  readonly worst: Ending;
  readonly token: string;
  readonly choices: readonly number[];
  readonly strategy: string;
  readonly schedules: number;
  readonly complete: boolean;
  readonly seen: Readonly<Record<string, number>>;
  readonly broken: readonly string[];
  /** The worst schedule. */
  readonly picture: PictureData;
}

/** What the negative control is given at least, so that it is caught. */
const fewestToStray = 60;
const preemptions = 2;
const seed = 7;

/** What has to be found in the cell, if anything: the negative controls. */
function expectedVerdict(cell: Cell, policy: LayoutPolicy): string | null {
  if (mustStray(cell, policy)) return 'stray DMA';
  return mustTear(cell, policy) ? 'torn snapshot' : null;
}

class CellSearch {
  readonly #cell: Cell;
  readonly #policy: LayoutPolicy;
  readonly #scenario: CellScenario;
  readonly #stages: Stages;
  #onSet: ((play: Play) => void) | null = null;
  readonly #seen = new Map<string, number>();
  readonly #broken = new Set<string>();
  #schedules = 0;
  #worst: { readonly ending: Ending; choices: readonly number[]; keys: readonly number[] } | null =
    null;

  constructor(cell: Cell, policy: LayoutPolicy, device: string) {
    this.#cell = cell;
    this.#policy = policy;
    this.#scenario = cellScenario(cell, policy, { device, onSet: (play) => this.#onSet?.(play) });
    this.#stages = new Stages(this.#scenario as Scenario);
  }

  get schedules(): number {
    return this.#schedules;
  }

  get refused(): boolean {
    return this.#worst !== null && !this.#worst.ending.pin.includes('granted');
  }

  /** As many of all schedules as so many further runs can be; whether there are no others. */
  async runAll(search: BoundedSearch, runs: number): Promise<boolean> {
    for (let n = 0; n + search.nrPlanned <= runs; n++) {
      if (search.nrPlanned === 0) return true;
      await this.run(search, Infinity, 1);
    }
    return false;
  }

  /**
   * Up to that many schedules in all; whether the search came to its own end. runs: with those that
   * were cut short, since what follows was seen; they count for nothing, and cost as much.
   */
  async run(search: Search, upTo: number, runs = Infinity): Promise<boolean> {
    for (let n = 0; this.#schedules < upTo && n < runs; n++) {
      if (!search.begin()) return true;
      const record = await this.#stages.run(search);
      search.end(record);
      if (record.end === 'cut') continue;
      this.#schedules++;
      const ending = this.#scenario.ending();
      for (const { kind, message } of record.failures) {
        if (kind !== 'deadlock') this.#broken.add(`${kind}: ${message}`);
      }
      this.#keep(ending, record.choices, record.keys);
    }
    return false;
  }

  #keep(ending: Ending, choices: readonly number[], keys: readonly number[]): void {
    const verdict = verdictOf(ending);
    this.#seen.set(verdict, (this.#seen.get(verdict) ?? 0) + 1);
    for (const b of breaches(this.#cell, this.#policy, ending)) this.#broken.add(b);
    if (this.#worst === null || compareEndings(ending, this.#worst.ending) > 0) {
      this.#worst = { ending, choices: [...choices], keys: [...keys] };
    }
  }

  /** The worst schedule once more, watched. */
  async #draw(choices: readonly number[]): Promise<PictureData> {
    const maker = new PictureMaker();
    const search = new ReplaySearch(choices);
    search.begin();
    this.#onSet = (play) => maker.set(play);
    try {
      await this.#stages.run(search, {
        onScheduler: (sched) => {
          const { set } = this.#scenario;
          if (set?.scene.machine.sched === sched) maker.set(set); // a stage that was put back
        },
        onStep: () => maker.look(),
      });
      return pictureData(maker.picture());
    } finally {
      maker.stop();
      this.#onSet = null;
    }
  }

  async found(strategy: string, complete: boolean): Promise<Found> {
    const { ending, choices, keys } = this.#worst!;
    const broken = [...this.#broken];
    const expected = expectedVerdict(this.#cell, this.#policy);
    if (expected !== null && ending.pin === 'granted' && verdictOf(ending) !== expected) {
      broken.push(`no ${expected} was found where nothing prevents it`);
    }
    return {
      worst: ending,
      token: encodeToken(this.#scenario.name, choices, keys),
      choices,
      strategy,
      schedules: this.#schedules,
      complete,
      seen: Object.fromEntries(this.#seen),
      broken,
      picture: await this.#draw(choices),
    };
  }

  end(): Promise<void> {
    return this.#stages.end();
  }

  failed(message: string): void {
    this.#broken.add(message);
  }
}

/** Play the cell under as many schedules as the options say. */
export async function searchCell(
  cell: Cell,
  policy: LayoutPolicy,
  options: SearchOptions,
): Promise<Found> {
  const search = new CellSearch(cell, policy, options.device);
  try {
    return await searchWith(search, cell, policy, options);
  } finally {
    await search.end();
  }
}

async function searchWith(
  search: CellSearch,
  cell: Cell,
  policy: LayoutPolicy,
  options: SearchOptions,
): Promise<Found> {
  const { exhaustive } = options;
  const fewest = expectedVerdict(cell, policy) === null ? 1 : fewestToStray;
  const schedules = Math.max(options.schedules, fewest);
  const bounded = new BoundedSearch({ preemptions, cache: true });
  try {
    await search.run(bounded, 1);
    if (search.refused) return await search.found('one', true);
    const share = exhaustive ? Infinity : Math.ceil(schedules * 0.4);
    if (await search.runAll(bounded, share)) return await search.found('exhaustive', true);
    const half = Math.ceil(schedules * 0.6);
    await search.run(new PCTSearch(3, seed, half), half);
    await search.run(new RandomSearch(seed, schedules), schedules);
  } catch (e) {
    if (!(e instanceof NondeterminismError) || search.schedules === 0) throw e;
    search.failed(e.message);
  }
  return search.found('pct and random', false);
}
