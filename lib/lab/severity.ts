// How bad an ending is, in a word and as a number, so that the worst of many schedules can be kept.

import type { Ending } from './cell.js';

/** From best to worst. */
export const ranks = [
  'refused',
  'safe',
  'failed',
  'holder hurt',
  'leaked',
  'hung',
  'lost data',
  'torn snapshot',
  'stray DMA',
] as const;
export type Rank = (typeof ranks)[number];

export function rankOf(e: Ending): Rank {
  if (e.stray.length > 0 || e.corruptedBytes > 0) return 'stray DMA';
  if (e.tornPages > 0) return 'torn snapshot';
  if (e.lostPages > 0) return 'lost data';
  if (e.outcome.end === 'hung' || e.holderStuck.length > 0) return 'hung';
  if (e.leaked > 0) return 'leaked';
  if (e.pin !== 'granted' && !e.pin.includes('granted')) return 'refused';
  if (/SIG|lost/.test(e.holder)) return 'holder hurt';
  return e.outcome.end === 'ok' ? 'safe' : 'failed';
}

/** The verdict as it is printed: `stray DMA`, `hung`, `refused: EPERM`, `EBUSY`, `safe`. */
export function verdictOf(e: Ending): string {
  const rank = rankOf(e);
  switch (rank) {
    case 'refused':
      return `refused: ${e.pin}`;
    case 'failed':
      return `refused: ${e.outcome.end}`;
    case 'holder hurt':
      return 'safe';
    case 'hung':
      return e.outcome.end === 'hung' ? 'hung' : `hung: ${e.holderStuck.join(', ')}`;
    default:
      return rank;
  }
}

const longest = ({ reader, writer, stat }: Ending['stuck']): number =>
  Math.max(reader ?? Infinity, writer ?? Infinity, stat ?? Infinity);

/** Positive if a is worse than b: by rank, then by how long everybody had to wait. */
export function compareEndings(a: Ending, b: Ending): number {
  const byRank = ranks.indexOf(rankOf(a)) - ranks.indexOf(rankOf(b));
  if (byRank !== 0) return byRank;
  const byTime = a.outcome.tookNs - b.outcome.tookNs;
  if (byTime !== 0) return byTime;
  const stuck = longest(a.stuck) - longest(b.stuck);
  if (stuck !== 0 && !Number.isNaN(stuck)) return stuck;
  const orphaned = a.orphanedPeak - b.orphanedPeak;
  return orphaned !== 0 ? orphaned : a.transfers.failed - b.transfers.failed;
}
