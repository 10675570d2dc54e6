// The searches by name, as the command line, the ava kit and explore() offer them.

import { Errno } from '../errno.js';
import { BoundedSearch } from './bounded-search.js';
import { DPORSearch } from './dpor-search.js';
import { PCTSearch, RandomSearch } from './sampled-search.js';
import type { Search } from './search.js';

/**
 * exhaustive: iterated bound on preemptions with the cache. depth-first: the same without it.
 * dpor: all classes, no bound. pct, random: samples.
 */
export type StrategyName = 'exhaustive' | 'depth-first' | 'dpor' | 'pct' | 'random';

export interface StrategyOptions {
  /** exhaustive and depth-first: the bound. 2 if not given. */
  readonly preemptions?: number;
  /** pct and random. 1 if not given. */
  readonly seed?: number;
  /** pct: the depth of the bugs looked for. 3 if not given. */
  readonly depth?: number;
  /** pct and random. 10,000 if not given. */
  readonly runs?: number;
}

const makers: Record<StrategyName, (o: Required<StrategyOptions>) => Search> = {
  exhaustive: ({ preemptions }) => new BoundedSearch({ preemptions, cache: true }),
  'depth-first': ({ preemptions }) => new BoundedSearch({ preemptions, cache: false }),
  dpor: () => new DPORSearch(),
  pct: ({ depth, seed, runs }) => new PCTSearch(depth, seed, runs),
  random: ({ seed, runs }) => new RandomSearch(seed, runs),
};

export const strategyNames = Object.keys(makers) as StrategyName[];

/** A search of this name. EINVAL names the option at fault. */
export function makeSearch(name: StrategyName, options: StrategyOptions = {}): Search {
  const { preemptions = 2, seed = 1, depth = 3, runs = 10_000 } = options;
  if (!(preemptions >= 0)) throw new Errno('EINVAL', `explore: preemptions: ${preemptions}`);
  if (!Number.isFinite(seed)) throw new Errno('EINVAL', `explore: seed: ${seed}`);
  if (!Number.isSafeInteger(depth) || depth < 1) {
    throw new Errno('EINVAL', `explore: depth: ${depth} is not a whole number from 1 on`);
  }
  if (!Object.hasOwn(makers, name)) throw new Errno('EINVAL', `explore: no strategy is ${name}`);
  return makers[name]({ preemptions, seed, depth, runs });
}
