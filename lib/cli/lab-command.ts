// leasehold lab: the story, for every policy against every driver, with a table at the end.

import { SingleBar } from 'cli-progress';
import { InvalidArgumentError, type Command } from 'commander';
import { Errno } from '../errno.js';
import { actOf } from '../lab/acts.js';
import { driverNames, type Cell, type CellVerdict, type DriverName } from '../lab/cell.js';
import { breaches } from '../lab/judgement.js';
import { playCell, type StoryOptions } from '../lab/story.js';
import { verdictTable } from '../lab/table.js';
import { policyNamed } from '../policy/index.js';
import { TraceRecorder } from '../trace/index.js';

/** The answers of the first story, in the order in which they were proposed. */
const storyPolicies = [
  'linux',
  'forbid',
  'wait',
  'ebusy',
  'lease-break',
  'revoke',
  'orphan',
  'none',
];

interface Options {
  readonly policy: readonly string[];
  readonly driver: readonly DriverName[];
  readonly device?: string;
  readonly json?: boolean;
  readonly trace?: string;
}

interface Judged extends CellVerdict {
  /** Promises that the cell broke. */
  readonly broken: readonly string[];
}

const commaList = (value: string, before: readonly string[] = []) => [
  ...before,
  ...value.split(','),
];

function driverList(value: string, before: readonly DriverName[] = []): DriverName[] {
  return [
    ...before,
    ...value.split(',').map((name) => {
      const driver = driverNames.find((d) => d === name);
      if (!driver) throw new InvalidArgumentError(`one of ${driverNames.join(', ')}`);
      return driver;
    }),
  ];
}

/** Record the cell's tracepoints, and write them for Perfetto when it is over. */
function tracing(file: string): StoryOptions {
  let recorder: TraceRecorder | null = null;
  return {
    onBoot: (machine) => (recorder = new TraceRecorder(machine.sched)),
    onEnd: () => {
      recorder?.writePerfetto(file);
      recorder?.stop();
    },
  };
}

function judge(verdict: CellVerdict): Judged {
  const { promises } = policyNamed(verdict.policy);
  return { ...verdict, broken: breaches(verdict, promises, actOf(verdict.driver).longterm) };
}

async function play(cells: readonly Cell[], options: Options): Promise<Judged[]> {
  const story: StoryOptions = {
    ...(options.device === undefined ? {} : { device: options.device }),
    ...(options.trace === undefined ? {} : tracing(options.trace)),
  };
  const bar = new SingleBar({
    format: '{bar} {value}/{total} cells, {eta_formatted} left: {cell}',
    stream: process.stderr,
    clearOnComplete: true,
    noTTYOutput: false,
  });
  bar.start(cells.length, 0, { cell: '' });
  const judged: Judged[] = [];
  try {
    for (const cell of cells) {
      bar.update(judged.length, { cell: `${cell.policy} against ${cell.driver}` });
      judged.push(judge(await playCell(cell, story)));
    }
  } finally {
    bar.stop();
  }
  return judged;
}

function printPage(judged: readonly Judged[]): void {
  const out = [verdictTable(judged), ''];
  const strays = judged.filter((v) => v.stray.length > 0).map((v) => `${v.policy}/${v.driver}`);
  out.push(
    'A mapped file is truncated under DMA at 1 s; the holder gives its pins back at 60 s.',
    'Time is virtual; bytes are real: they moved in the device file.',
    strays.length === 0
      ? 'No byte of DMA landed in another file.'
      : `DMA landed in another file: ${strays.join(', ')}.`,
  );
  for (const v of judged) for (const b of v.broken) out.push(`${v.policy}/${v.driver}: ${b}`);
  process.stdout.write(`${out.join('\n')}\n`);
}

async function run(options: Options): Promise<void> {
  const policies = options.policy.length > 0 ? options.policy : storyPolicies;
  const drivers = options.driver.length > 0 ? options.driver : driverNames;
  for (const policy of policies) policyNamed(policy);
  const cells = policies.flatMap((policy) => drivers.map((driver) => ({ policy, driver })));
  if (options.trace !== undefined && cells.length !== 1) {
    throw new Errno('EINVAL', 'lab: --trace takes one cell: give one --policy and one --driver');
  }
  const judged = await play(cells, options);
  if (options.json) process.stdout.write(`${JSON.stringify({ cells: judged }, null, 2)}\n`);
  else printPage(judged);
  process.exitCode = judged.every((v) => v.broken.length === 0) ? 0 : 1;
}

export function addLab(program: Command): void {
  program
    .command('lab')
    .description('truncate a file under DMA: every policy against every driver')
    .option('--policy <a,b>', 'only these policies', commaList, [])
    .option('--driver <a,b>', `only these drivers: ${driverNames.join(', ')}`, driverList, [])
    .option('--device <path>', 'the device file; a temporary one if not given')
    .option('--json', 'print one object')
    .option('--trace <file>', 'write one cell as a trace for Perfetto')
    .action(run);
}
