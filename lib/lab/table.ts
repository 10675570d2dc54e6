// The verdicts in a terminal of 100 columns: an overview of policies by drivers, and a line per
// cell.

import type { StrayDma } from '../referee/referee.js';
import { NS_PER_MS, NS_PER_SECOND } from '../units.js';
import { driverNames, type CellVerdict, type DriverName } from './cell.js';

export function duration(ns: number | null): string {
  if (ns === null) return 'for ever';
  if (ns === 0) return 'at once';
  if (ns >= NS_PER_SECOND) return `${Number((ns / NS_PER_SECOND).toFixed(3))} s`;
  if (ns >= NS_PER_MS) return `${Number((ns / NS_PER_MS).toFixed(3))} ms`;
  return `${Number((ns / 1000).toFixed(1))} µs`;
}

/** Whose block was hit, which, and the first byte of it. */
export function strayText(stray: StrayDma): string {
  const value = stray.value === null ? '' : ` = 0x${stray.value.toString(16)}`;
  return `${stray.file} block ${stray.pfn} byte ${stray.firstByte}${value}`;
}

/**
 * The longest wait beside the operation; null: for ever. Who waited for one that hung until the
 * horizon, where its holders are killed, would have waited on.
 */
export function longestStuck({
  outcome,
  stuck: { reader, writer, stat },
}: Pick<CellVerdict, 'outcome' | 'stuck'>): number | null {
  if (reader === null || writer === null || stat === null) return null;
  const longest = Math.max(reader, writer, stat);
  const cameAtNs = NS_PER_MS; // after the operation: bystanders.ts
  return outcome.end === 'hung' && longest >= outcome.tookNs - cameAtNs ? null : longest;
}

/** Heads of the overview's columns. */
export const shortDrivers: Readonly<Record<DriverName, string>> = {
  'rdma-pinned': 'pinned',
  'rdma-on-demand': 'odp',
  'rdma-lease': 'lease',
  'rdma-revocable': 'revoc',
  'rdma-block-device': 'blkdev',
  'v4l2-userptr': 'uptr',
  'v4l2-dmabuf': 'dmabuf',
  'direct-io': 'direct',
  vfio: 'vfio',
  pnfs: 'pnfs',
  'device-dax': 'devdax',
};

/** From best to worst; a verdict's word in the overview, and whom it means. */
const words: readonly (readonly [string, RegExp])[] = [
  ['n/a', /^n\/a/],
  ['denied', /^refused: (EPERM|EOPNOTSUPP|EFAULT)$/],
  ['safe', /^safe/],
  ['EBUSY', /EBUSY/],
  ['TXTBSY', /ETXTBSY/],
  ['EPERM', /^op: EPERM/],
  ['taken', /^holder: lost pins/],
  ['killed', /^holder: SIG/],
  ['leaked', /^leaked/],
  ['hung', /^hung/],
  ['lost', /^lost/],
  ['torn', /^torn/],
  ['STRAY', /^stray/],
];

/** What befell the holder though no byte went astray; the file's end meets a copy by the CPU. */
function holderHurt({ driver, holder, verdict }: CellVerdict): string | undefined {
  if (verdict !== 'safe' || driver === 'v4l2-dmabuf') return undefined;
  return /SIG[A-Z]+/.exec(holder)?.[0] ?? /lost pins/.exec(holder)?.[0];
}

/** The place of a verdict in that order, and its word. */
export function wordOf(v: CellVerdict): { readonly rank: number; readonly word: string } {
  const failed = v.pin === 'granted' && v.verdict.startsWith('refused: ');
  const hurt = holderHurt(v);
  const told = hurt === undefined ? v.verdict : `holder: ${hurt}`;
  const text = failed ? `op: ${v.outcome.end}` : told;
  const rank = words.findIndex(([, says]) => says.test(text));
  return rank < 0 ? { rank: 2, word: text.slice(0, 6) } : { rank, word: words[rank]![0] };
}

function onDax(cells: readonly CellVerdict[]): readonly CellVerdict[] {
  const dax = cells.filter((v) => v.operation !== 'fsync' && v.operation !== 'reclaim');
  return dax.some((v) => v.na === null) ? dax : cells;
}

/**
 * The worst of some cells, as one word; `n/a` if none was measured. What happens to the page cache
 * counts only where nothing else was asked for: its pins are those of another kernel.
 */
export const worstOf = (cells: readonly CellVerdict[]): string =>
  onDax(cells)
    .map(wordOf)
    .reduce((a, b) => (b.rank > a.rank ? b : a), { rank: 0, word: 'n/a' }).word;

/** Rows policies, columns drivers: the worst of all behaviours and operations. */
export function overview(verdicts: readonly CellVerdict[]): string {
  const drivers = driverNames.filter((d) => verdicts.some((v) => v.driver === d));
  const policies = [...new Set(verdicts.map((v) => v.policy))];
  const line = (first: string, rest: readonly string[]): string =>
    `${first.slice(-20).padEnd(20)} ${rest.map((w) => w.padEnd(6)).join(' ')}`.trimEnd();
  const head = line(
    'policy',
    drivers.map((d) => shortDrivers[d]),
  );
  const rows = policies.map((policy) =>
    line(
      policy,
      drivers.map((d) => worstOf(verdicts.filter((v) => v.policy === policy && v.driver === d))),
    ),
  );
  return [head, ...rows].join('\n');
}

type Column = readonly [head: string, width: number, text: (v: CellVerdict) => string];

/** Together with the blanks between them, 100 columns. */
const columns: readonly Column[] = [
  ['policy', 20, (v) => v.policy.slice(-20)],
  ['driver', 14, (v) => v.driver],
  ['behaviour', 18, (v) => v.behaviour],
  ['on', 8, (v) => v.operation],
  ['verdict', 19, (v) => v.verdict],
  ['after', 8, (v) => (v.na === null ? duration(v.outcome.tookNs) : '')],
  ['runs', 6, (v) => (v.na === null ? String(v.schedules) : '')],
];

/** A line for each cell that was measured. */
export function fullTable(verdicts: readonly CellVerdict[]): string {
  const line = (text: (c: Column) => string): string =>
    columns
      .map((c) => text(c).slice(0, c[1]).padEnd(c[1]))
      .join(' ')
      .trimEnd();
  const measured = verdicts.filter((v) => v.na === null);
  return [line(([head]) => head), ...measured.map((v) => line(([, , text]) => text(v)))].join('\n');
}
