// One cell measured: not applicable with a reason, or a verdict.

import type { LayoutPolicy } from '../lease/layout.js';
import { notApplicable } from './applicable.js';
import type { Cell, CellVerdict, Ending, LiveEnding } from './cell.js';
import { infeasible, playLive } from './live.js';
import type { PictureData } from './picture-data.js';
import { searchCell, type SearchOptions } from './search-cell.js';
import { verdictOf } from './severity.js';

export interface MeasureOptions extends SearchOptions {
  /** Play it live as well. */
  readonly live: boolean;
}

/** What stands in the fields of a cell that is not measured. */
const nothing: Ending = {
  pin: '',
  outcome: { end: '', tookNs: 0, steps: 0 },
  holder: '',
  holderStuck: [],
  transfers: { done: 0, failed: 0 },
  stray: [],
  corruptedBytes: 0,
  unpinnedNs: null,
  free: { before: 0, after: null, held: null, end: null },
  tornPages: 0,
  latePages: 0,
  lostPages: 0,
  reclaim: null,
  orphanedPeak: 0,
  leaked: 0,
  stuck: { reader: null, writer: null, stat: null },
  first: null,
};

/** The verdict on a cell that makes no sense; null if it makes sense. */
export function withoutMeaning(cell: Cell, policy: LayoutPolicy): CellVerdict | null {
  const na = notApplicable(cell, policy);
  if (na === null) return null;
  const unmeasured = { strategy: 'none', schedules: 0, complete: true, token: '', seen: {} };
  return {
    ...cell,
    ...nothing,
    na,
    verdict: 'n/a',
    ...unmeasured,
    live: null,
    notLive: null,
    broken: [],
  };
}

export interface Measured {
  readonly verdict: CellVerdict;
  /** Of the worst schedule; null: nothing was measured. */
  readonly picture: PictureData | null;
}

/** The cell's schedules; it is not played live yet. */
export async function measureSchedules(
  cell: Cell,
  policy: LayoutPolicy,
  options: SearchOptions,
): Promise<Measured> {
  const na = withoutMeaning(cell, policy);
  if (na !== null) return { verdict: na, picture: null };
  const { worst, choices: _, picture, ...found } = await searchCell(cell, policy, options);
  const pinned = worst.pin.includes('granted');
  const notLive = pinned ? (infeasible(worst) ?? 'not yet') : 'nothing was pinned';
  const verdict = { na: null, verdict: verdictOf(worst), ...found, live: null, notLive };
  return { verdict: { ...cell, ...worst, ...verdict }, picture };
}

/** Whether a cell with that verdict is to be played live. */
export const isToBePlayed = ({ notLive }: CellVerdict): boolean => notLive === 'not yet';

/** The verdict with that of the live play. */
export function withLive(verdict: CellVerdict, live: LiveEnding): CellVerdict {
  const broken = [...verdict.broken, ...live.broken.map((b) => `live: ${b}`)];
  return { ...verdict, live, notLive: null, broken };
}

/** The verdict of a cell that nobody wants played live. */
export const withoutLive = (verdict: CellVerdict): CellVerdict =>
  isToBePlayed(verdict) ? { ...verdict, notLive: 'not asked for' } : verdict;

/** Schedules and live play, one after the other. */
export async function measureCell(
  cell: Cell,
  policy: LayoutPolicy,
  options: MeasureOptions,
): Promise<CellVerdict> {
  const { verdict } = await measureSchedules(cell, policy, options);
  if (!options.live || !isToBePlayed(verdict)) return withoutLive(verdict);
  return withLive(verdict, await playLive(cell, policy, `${options.device}.live`));
}
