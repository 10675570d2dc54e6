// leasehold conformance: replays recorded cases of real kernels and reports every difference.

import { fileURLToPath } from 'node:url';
import { Option, type Command } from 'commander';
import { loadCases } from '../conformance/case.js';
import { replayAll, reportOf, reportText, selectCases } from '../conformance/report.js';
import { Errno } from '../errno.js';
import type { KernelName } from '../kernel-rules.js';

/** The cases that ship with the project. */
const shipped = fileURLToPath(new URL('../../test/conformance/cases', import.meta.url));

/** The kernels whose answers were recorded. */
const recorded: readonly KernelName[] = ['6.1', '6.12', '7.2'];

export interface ConformanceOptions {
  readonly kernel: KernelName;
  readonly area: readonly string[];
  readonly case: readonly string[];
  readonly json?: boolean;
}

/** Where a command writes: lines for the reader, and progress if somebody watches. */
export interface ConformanceOutput {
  line(text: string): void;
  progress(text: string): void;
}

const terminal: ConformanceOutput = {
  line: (text) => void process.stdout.write(`${text}\n`),
  progress: (text) => void (process.stderr.isTTY && process.stderr.write(`\r\u001b[K${text}`)),
};

const commaList = (value: string, before: readonly string[]) => [...before, ...value.split(',')];

/**
 * Replay and report; the exit status: 0 only if every step of every case agrees. EINVAL names file,
 * case and step of a malformed file; ENOENT: no such file, or nothing is selected.
 */
export async function runConformance(
  files: readonly string[],
  options: ConformanceOptions,
  out: ConformanceOutput = terminal,
): Promise<number> {
  const all = loadCases(files.length > 0 ? files : [shipped]);
  const selected = selectCases(all, { areas: options.area, ids: options.case });
  if (selected.length === 0) {
    const asked = [...options.area, ...options.case].join(', ');
    throw new Errno('ENOENT', `conformance: no case is selected by ${asked || 'these files'}`);
  }
  let done = 0;
  const results = await replayAll(selected, options.kernel, () => {
    done++;
    if (options.json !== true) out.progress(`${done}/${selected.length} cases`);
  });
  out.progress('');
  const report = reportOf(options.kernel, results);
  out.line(options.json === true ? JSON.stringify(report) : reportText(options.kernel, results));
  return report.agree === report.cases ? 0 : 1;
}

export function addConformance(program: Command): void {
  program
    .command('conformance')
    .description('replay recorded cases of real kernels and compare every step')
    .argument('[files...]', 'case files or folders; without them the cases that ship here')
    .addOption(
      new Option('--kernel <name>', 'the kernel to answer as').choices(recorded).default('6.12'),
    )
    .option('--area <a,b>', 'only these areas', commaList, [])
    .option('--case <id>', 'only this case; may be repeated', commaList, [])
    .option('--json', 'print one object')
    .action(async (files: string[], options: ConformanceOptions) => {
      process.exitCode = await runConformance(files, options);
    });
}
