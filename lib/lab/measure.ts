// One cell measured: not applicable with a reason, or a verdict.

import type { LayoutPolicy } from '../lease/layout.js';
import { notApplicable } from './applicable.js';
import type { Cell, CellVerdict, Ending, LiveEnding } from './cell.js';
import { isFeasible, playLive } from './live.js';
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

async function live(cell: Cell, policy: LayoutPolicy, device: string): Promise<LiveEnding> {
  return playLive(cell, policy, `${device}.live`);
}

/** The verdict on a cell that makes no sense; null if it makes sense. */
export function withoutMeaning(cell: Cell, policy: LayoutPolicy): CellVerdict | null {
  const na = notApplicable(cell, policy);
  if (na === null) return null;
  const unmeasured = { strategy: 'none', schedules: 0, complete: true, token: '', seen: {} };
  return { ...cell, ...nothing, na, verdict: 'n/a', ...unmeasured, live: null, broken: [] };
}

export async function measureCell(
  cell: Cell,
  policy: LayoutPolicy,
  options: MeasureOptions,
): Promise<CellVerdict> {
  const na = withoutMeaning(cell, policy);
  if (na !== null) return na;
  const { worst, choices: _, ...found } = await searchCell(cell, policy, options);
  const pinned = worst.pin.includes('granted');
  const alive =
    options.live && pinned && isFeasible(worst) ? await live(cell, policy, options.device) : null;
  const broken = [...found.broken, ...(alive?.broken ?? []).map((b) => `live: ${b}`)];
  return { ...cell, ...worst, na: null, verdict: verdictOf(worst), ...found, live: alive, broken };
}
