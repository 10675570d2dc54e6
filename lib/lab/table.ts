// The verdict table for a terminal of 100 columns.

import Table from 'cli-table3';
import type { StrayDma } from '../referee/referee.js';
import { NS_PER_MS, NS_PER_SECOND } from '../units.js';
import type { CellVerdict } from './cell.js';

export function duration(ns: number): string {
  if (ns === 0) return 'at once';
  if (ns >= NS_PER_SECOND) return `${Number((ns / NS_PER_SECOND).toFixed(3))} s`;
  if (ns >= 1_000_000) return `${Number((ns / NS_PER_MS).toFixed(3))} ms`;
  return `${Number((ns / 1000).toFixed(1))} µs`;
}

/** Whose block was hit, which, and the first byte of it. */
function where(stray: StrayDma): string {
  const value = stray.value === null ? '' : ` = 0x${stray.value.toString(16)}`;
  return `${stray.file} block ${stray.pfn} byte ${stray.firstByte}${value}`;
}

function strayText(v: CellVerdict): string {
  if (v.stray[0] === undefined) return v.corruptedBytes > 0 ? `${v.corruptedBytes} bytes` : 'none';
  return where(v.stray[0]);
}

function blocksText({ free, orphanedPeak, leaked }: CellVerdict): string {
  const freed = free.afterTruncate - free.before;
  if (leaked > 0) return `${leaked} leaked`;
  return orphanedPeak > 0 ? `+${freed}, ${orphanedPeak} later` : `+${freed}`;
}

const row = (v: CellVerdict): string[] => [
  v.policy,
  v.driver,
  v.pin,
  v.truncate.end,
  duration(v.truncate.tookNs),
  v.holder,
  blocksText(v),
  strayText(v),
];

const head = ['policy', 'driver', 'pin', 'truncate', 'after', 'holder', 'freed', 'stray DMA'];

/** One line per cell; no borders, so that the longest row fits. */
export function verdictTable(verdicts: readonly CellVerdict[]): string {
  const table = new Table({
    head,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 1 },
    chars: {
      ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
      ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
      ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '' },
      middle: ' ',
    },
  });
  table.push(...verdicts.map(row));
  return table.toString().replace(/ +$/gm, '');
}
