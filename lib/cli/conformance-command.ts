// leasehold conformance: replays recorded cases of real kernels and reports every difference.

import { fileURLToPath } from 'node:url';
import { Option, type Command } from 'commander';
import { loadCases } from '../conformance/case.js';
import { replayAll, reportOf, reportText, selectCases } from '../conformance/report.js';
import { Errno } from '../errno.js';
import { kernelNames, type KernelName } from '../kernel-rules.js';

/** The cases that ship with the project. */
const shipped = fileURLToPath(new URL('../../test/conformance/cases', import.meta.url));

interface Options {
  readonly kernel: KernelName;
  readonly area: readonly string[];
  readonly case: readonly string[];
  readonly json?: boolean;
}

const commaList = (value: string, before: readonly string[]) => [...before, ...value.split(',')];

async function run(files: readonly string[], options: Options): Promise<void> {
  const all = loadCases(files.length > 0 ? files : [shipped]);
  const selected = selectCases(all, { areas: options.area, ids: options.case });
  if (selected.length === 0) throw new Errno('ENOENT', 'conformance: no case is selected');
  const live = process.stderr.isTTY && !options.json;
  let done = 0;
  const results = await replayAll(selected, options.kernel, () => {
    done++;
    if (live) process.stderr.write(`\r${done}/${selected.length} cases`);
  });
  if (live) process.stderr.write('\r\u001b[K');
  const report = reportOf(options.kernel, results);
  process.stdout.write(
    `${options.json ? JSON.stringify(report) : reportText(options.kernel, results)}\n`,
  );
  process.exitCode = report.agree === report.cases ? 0 : 1;
}

export function addConformance(program: Command): void {
  program
    .command('conformance')
    .description('replay recorded cases of real kernels and compare every step')
    .argument('[files...]', 'case files or folders; without them the cases that ship here')
    .addOption(
      new Option('--kernel <name>', 'the kernel to answer as').choices(kernelNames).default('6.12'),
    )
    .option('--area <a,b>', 'only these areas', commaList, [])
    .option('--case <id>', 'only this case; may be repeated', commaList, [])
    .option('--json', 'print one object')
    .action(run);
}
