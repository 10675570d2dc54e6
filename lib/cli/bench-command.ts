// leasehold bench: measures, prints every row with its unit, and fails if a bound is missed.

import type { Command } from 'commander';
import { allRows, keeps, type Row, rowText, suites } from '../bench/index.js';
import { Errno } from '../errno.js';

interface Options {
  readonly only?: string;
  readonly json?: boolean;
  readonly quick?: boolean;
}

/** What --quick measures of each row, in parts of the whole. */
const quickEffort = 0.1;

async function run({ only = '', json = false, quick = false }: Options): Promise<void> {
  const [, suite = '', text = ''] = /^([^:]*):?(.*)$/.exec(only) ?? []; // a row's name may have one
  const picked = suites.filter(({ name }) => suite === '' || name === suite);
  const rows: Row[] = [];
  for await (const row of allRows(picked, quick ? quickEffort : 1)) {
    if (!row.name.includes(text)) continue;
    rows.push(row);
    if (!json) process.stdout.write(`${rowText(row)}\n`);
  }
  if (rows.length === 0) throw new Errno('ENOENT', `bench: no suite or row is called '${only}'`);
  const missed = rows.filter((row) => !keeps(row)).map((row) => row.name);
  if (json) process.stdout.write(`${JSON.stringify({ rows, missed }, null, 2)}\n`);
  process.exitCode = missed.length === 0 ? 0 : 1;
}

export function addBench(program: Command): void {
  program
    .command('bench')
    .description('measure pins, scans, DMA and lease breaks; exit status 1 if a bound is missed')
    .option('--quick', 'a tenth of the time, and noisier')
    .option('--json', 'print one object')
    .option(
      '--only <suite[:text]>',
      `one suite (${suites.map((s) => s.name).join(', ')}), or its rows with this text`,
    )
    .action(run);
}
