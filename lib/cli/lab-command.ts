// leasehold lab: every policy, against every driver, under every kind of application; who was hurt?
//
// Exit status: 0 if every verdict is as the policy promises; 1 and a list if not.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { SingleBar } from 'cli-progress';
import { InvalidArgumentError, type Command } from 'commander';
import { Errno } from '../errno.js';
import { wrapHanging } from '../explore/index.js';
import {
  behaviourNames,
  cellName,
  driverNames,
  operationNames,
  type Cell,
  type CellVerdict,
} from '../lab/cell.js';
import { cellsOf } from '../lab/matrix.js';
import { withoutMeaning } from '../lab/measure.js';
import { measureAll, serveCells } from '../lab/pool.js';
import { fullTable, overview, strayText } from '../lab/table.js';
import { reportHtml } from '../lab/report.js';
import { traceCell } from '../lab/trace-cell.js';
import { isPath, policyOf } from '../lab/user-policy.js';
import { positive } from './numbers.js';
import { textColumns } from './terminal.js';

interface Options {
  readonly policy: readonly string[];
  readonly driver: readonly string[];
  readonly behaviour: readonly string[];
  readonly operation: readonly string[];
  readonly schedules?: number;
  readonly seconds?: number;
  readonly processes: number;
  readonly exhaustive?: boolean;
  readonly live: boolean;
  readonly all?: boolean;
  readonly device?: string;
  readonly json?: boolean;
  readonly report: string | false;
  readonly trace?: string;
}

/** Schedules of a cell that pins, if there is time; and the time there is. */
const usualSchedules = 200;
const usualSeconds = 265;

const commaList = (value: string, before: readonly string[] = []): string[] => [
  ...before,
  ...value.split(','),
];

/** A list of names of which each must be one of those. */
const listOf =
  (all: readonly string[]) =>
  (value: string, before: readonly string[] = []): string[] => {
    const names = commaList(value, before);
    for (const name of names) {
      if (!all.includes(name)) throw new InvalidArgumentError(`one of ${all.join(', ')}`);
    }
    return names;
  };

/** Where device files go: beside the one that was named, or in a folder of their own. */
function deviceFolder(options: Options): { readonly prefix: string; end(): void } {
  if (options.device !== undefined) return { prefix: options.device, end: () => {} };
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-lab-'));
  const end = (): void => rmSync(folder, { recursive: true, force: true });
  return { prefix: join(folder, 'pmem'), end };
}

/**
 * A fixed order without neighbours side by side, so that the first cells tell how long all take.
 */
function shuffled<T>(items: readonly T[]): T[] {
  const stride = 61;
  return Array.from({ length: stride }, (_, first) =>
    items.filter((_item, i) => i % stride === first),
  ).flat();
}

/** The cells that are to be measured, with their places; the others have their verdict at once. */
async function withMeaning(cells: readonly Cell[], verdicts: CellVerdict[]) {
  const measured: { readonly cell: Cell; readonly index: number }[] = [];
  for (const [index, cell] of cells.entries()) {
    const na = withoutMeaning(cell, await policyOf(cell.policy));
    if (na === null) measured.push({ cell, index });
    else verdicts[index] = na;
  }
  return shuffled(measured);
}

interface Measured {
  readonly verdicts: readonly CellVerdict[];
  /** PictureData of the worst schedule as JSON, by cellName. */
  readonly pictures: ReadonlyMap<string, string>;
  readonly schedules: number;
  readonly seconds: number;
}

const barFormat = '{bar} {value}/{total} {what}, {rate} schedules/s, {eta_formatted} left: {cell}';

async function measure(
  cells: readonly Cell[],
  options: Options,
  device: string,
): Promise<Measured> {
  const { stderr } = process;
  const bar = new SingleBar({
    ...{ format: barFormat, stream: stderr, clearOnComplete: true, etaBuffer: 200 },
  });
  const verdicts: CellVerdict[] = [];
  const pictures = new Map<string, string>();
  const measured = await withMeaning(cells, verdicts);
  const seen = new Set<number>();
  const sinceMs = performance.now();
  const elapsed = (): number => (performance.now() - sinceMs) / 1000;
  let schedules = 0;
  bar.start(measured.length, 0, { what: 'cells', cell: '', rate: '-' });
  try {
    const ended = await measureAll(
      measured.map(({ cell }) => cell),
      {
        ...howMuch(options),
        elapsed,
        device,
        processes: Math.min(options.processes, Math.max(1, measured.length)),
        script: process.argv[1]!,
        args: ['lab-process'],
        onVerdict(verdict, index, picture) {
          pictures.set(cellName(verdict), picture);
          schedules += verdict.schedules;
          const rate = Math.round(schedules / elapsed());
          bar.increment(seen.has(index) ? 0 : 1, { cell: cellName(verdict), rate });
          seen.add(index);
        },
        onLive(done, of) {
          bar.setTotal(of);
          bar.update(done, { what: 'live', cell: '' });
        },
      },
    );
    for (const [i, verdict] of ended.entries()) verdicts[measured[i]!.index] = verdict;
  } finally {
    bar.stop();
  }
  return { verdicts, pictures, schedules, seconds: elapsed() };
}

function howMuch({ schedules, seconds, exhaustive = false, live }: Options) {
  const limited = schedules === undefined && !exhaustive;
  return {
    ...{ exhaustive, live, schedules: schedules ?? usualSchedules },
    seconds: seconds ?? (limited ? usualSeconds : Infinity),
  };
}

/** How many cells had each verdict, the most frequent first. */
function counts(verdicts: readonly CellVerdict[]): string {
  const byVerdict = new Map<string, number>();
  for (const { verdict } of verdicts) byVerdict.set(verdict, (byVerdict.get(verdict) ?? 0) + 1);
  return [...byVerdict]
    .sort(([, a], [, b]) => b - a)
    .map(([verdict, n]) => `${n} ${verdict}`)
    .join(', ');
}

/** How many schedules those cells had in which somebody pins, and which were played live. */
function depth(verdicts: readonly CellVerdict[]): string {
  const pinned = verdicts.filter((v) => v.na === null && v.pin.includes('granted'));
  const each = pinned.map((v) => v.schedules).sort((a, b) => a - b);
  const [least = 0] = each;
  const median = each[each.length >> 1] ?? 0;
  const complete = pinned.filter((v) => v.complete).length;
  const live = pinned.filter((v) => v.live !== null).length;
  return (
    `${pinned.length} cells whose holder got its DMA: ${least} schedules or more, ${median} at ` +
    `the median, ${complete} searched to the end; ${live} played live`
  );
}

function printPage({ verdicts, schedules, seconds }: Measured, options: Options): void {
  const print = (line: string): boolean => process.stdout.write(`${line}\n`);
  const tell = (text: string): void => wrapHanging(text, textColumns()).forEach(print);
  print(options.all === true ? fullTable(verdicts) : overview(verdicts));
  print('');
  tell(`${verdicts.length} cells: ${counts(verdicts)}`);
  tell(`${schedules} schedules in ${seconds.toFixed(0)} s; time in the verdicts is virtual`);
  tell(depth(verdicts));
  const strays = verdicts.filter((v) => v.stray.length > 0);
  for (const v of strays.slice(0, 5)) {
    tell(`stray DMA: ${cellName(v)}: ${strayText(v.stray[0]!)}`);
    print(`  ${replayOf(v)}`);
  }
  if (strays.length > 5) print(`stray DMA in ${strays.length - 5} more cells: see --all`);
}

const replayOf = ({ token, policy }: CellVerdict): string =>
  `leasehold replay ${token}${isPath(policy) ? ` --policy ${policy}` : ''}`;

function printBroken(verdicts: readonly CellVerdict[]): void {
  for (const v of verdicts) {
    for (const broken of v.broken) process.stderr.write(`${cellName(v)}: ${broken}\n`);
  }
}

function selected(options: Options): Cell[] {
  const { policy: policies, driver: drivers, behaviour: behaviours, operation } = options;
  return cellsOf({ policies, drivers, behaviours, operations: operation });
}

async function trace(cells: readonly Cell[], file: string, device: string): Promise<void> {
  const [cell] = cells;
  if (cell === undefined || cells.length !== 1) {
    throw new Errno('EINVAL', 'lab: --trace takes one cell: name all four of its parts');
  }
  await traceCell(cell, await policyOf(cell.policy), { device: `${device}.img`, file });
}

/** Write the page. */
function report({ verdicts, pictures, seconds }: Measured, file: string, device: string): void {
  writeFileSync(file, reportHtml({ verdicts, pictures, seconds, device: `${device}*.img` }));
  process.stderr.write(`report: ${resolve(file)}\n`);
}

async function run(options: Options): Promise<void> {
  const cells = selected(options);
  for (const policy of options.policy) await policyOf(policy);
  const device = deviceFolder(options);
  try {
    if (options.trace !== undefined) await trace(cells, options.trace, device.prefix);
    process.stderr.write(`device files: ${device.prefix}*.img\n`);
    const measured = await measure(cells, options, device.prefix);
    const { verdicts } = measured;
    if (options.json === true) {
      process.stdout.write(`${JSON.stringify({ cells: verdicts }, null, 1)}\n`);
    } else {
      printPage(measured, options);
    }
    if (options.report !== false) report(measured, options.report, device.prefix);
    printBroken(verdicts);
    process.exitCode = verdicts.every((v) => v.broken.length === 0) ? 0 : 1;
  } finally {
    device.end();
  }
}

export function addLab(program: Command): void {
  program
    .command('lab')
    .description('DMA meets truncate: every policy, driver and kind of application, every verdict')
    .option('--policy <a,b>', 'only these policies; ./mine.ts is one of your own', commaList, [])
    .option('--driver <a,b>', 'only these drivers', listOf(driverNames), [])
    .option('--behaviour <a,b>', 'only these applications', listOf(behaviourNames), [])
    .option('--operation <a,b>', 'only these operations', listOf(operationNames), [])
    .option('--schedules <n>', 'of each cell that pins, however long it takes', positive)
    .option('--seconds <n>', 'for all: up to 200 schedules a cell, fewer if late (265)', positive)
    .option('--exhaustive', 'every schedule up to two preemptions, however many there are')
    .option('--no-live', 'do not play the cells on the real clock as well')
    .option('--processes <n>', 'that measure at once', positive, availableParallelism())
    .option('--device <path>', 'where device files begin; in the temporary folder if not given')
    .option('--all', 'print a line for each cell')
    .option('--json', 'print one object')
    .option('--report <file>', 'where the report goes', 'leasehold-report.html')
    .option('--no-report', 'write none')
    .option('--trace <file>', 'write the worst schedule of one cell for Perfetto')
    .action(run);
  program.command('lab-process', { hidden: true }).action(serveCells);
}
