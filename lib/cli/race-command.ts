// leasehold race: explores the schedules of a scenario, says what was covered and what was found.
//
// Exit status: 0 nothing found and the search was complete (or a sample); 1 a failure was found;
// 3 the budget ended the search. With --stress it runs threads instead: stress-race.ts.

import { Option, type Command } from 'commander';
import pc from 'picocolors';
import {
  explore,
  type Exploration,
  plantedBugs,
  replayToken,
  scenarioNamed,
  strategyNames,
  type StrategyName,
  threadOnly,
  threadScenarios,
  traceView,
  twinOf,
  wrap,
  wrapHanging,
} from '../explore/index.js';
import { Errno } from '../errno.js';
import { stressRaces } from './stress-race.js';
import { wholeNumber } from './numbers.js';
import { textColumns } from './terminal.js';

interface RaceOptions {
  readonly list?: boolean;
  readonly json?: boolean;
  readonly strategy: StrategyName;
  readonly preemptions: number;
  readonly seed: number;
  readonly depth: number;
  readonly runs: number;
  readonly seconds?: number;
  readonly schedules?: number;
  readonly all?: boolean;
  readonly stress?: boolean;
  readonly threads?: number;
  readonly processes?: number;
}

/** A schedule as it goes into JSON: {scenario, strategy, preemptions, schedules, ...}. */
export function explorationJSON(found: Exploration): object {
  const { failures, outcomes, ...rest } = found;
  return {
    ...rest,
    outcomes: outcomes.length,
    failures: failures.map(({ token, kind, name, message, nrPoints, preemptions, task }) => ({
      token,
      invariant: name,
      kind,
      message,
      task,
      steps: nrPoints,
      preemptions,
    })),
  };
}

const aboutThreads = (name: string): string | null =>
  threadScenarios.find((scenario) => scenario.name === name)?.defect ?? null;

function list(json: boolean): void {
  const rows = plantedBugs.flatMap((bug) => [
    { name: bug.name, ground: bug.ground, about: bug.defect, finds: bug.finds },
    { name: twinOf(bug.name), ground: bug.ground, about: bug.make(false).title, finds: null },
  ]);
  for (const { name, title } of threadOnly) {
    rows.push({ name, ground: 'threads', about: aboutThreads(name) ?? title, finds: null });
  }
  if (json) process.stdout.write(`${JSON.stringify(rows)}\n`);
  else {
    const width = Math.max(...rows.map(({ name }) => name.length));
    for (const { name, ground, about } of rows) {
      const head = `${name.padEnd(width)}  ${ground.padEnd(7)}  `;
      const told = wrap(about, Math.max(40, textColumns() - head.length));
      process.stdout.write(`${head}${told.join(`\n${' '.repeat(head.length)}`)}\n`);
    }
  }
}

async function tell(found: Exploration, columns: number): Promise<void> {
  const write = (line: string): boolean => process.stdout.write(`${line}\n`);
  wrapHanging(`${found.scenario}: ${found.coverage}`, textColumns()).forEach(write);
  write(
    `  ${found.seconds.toFixed(2)} s, ${Math.round(found.schedulesPerSecond)} schedules/s,` +
      ` ${found.pointsPerSchedule.toFixed(1)} points a schedule, ${found.depth} choices deep`,
  );
  for (const failure of found.failures) {
    write('');
    write(pc.red(`${failure.kind}: ${failure.name}`));
    const replayed = await replayToken(scenarioNamed(found.scenario), failure.token);
    for (const line of traceView(replayed, { columns })) {
      write(line.startsWith('!') ? pc.red(line) : line);
    }
    write(`  replay: npx leasehold replay ${failure.token}`);
  }
}

async function race(name: string | undefined, options: RaceOptions): Promise<void> {
  const { json = false, seconds, schedules } = options;
  if (options.list === true) return list(json);
  if (options.stress === true) return stressRaces(name, options);
  if (name === undefined) throw new Errno('EINVAL', 'race: name a scenario, or --list');
  const budget = {
    ...(seconds !== undefined && { seconds }),
    ...(schedules !== undefined && { schedules }),
  };
  const found = await explore(scenarioNamed(name), {
    strategy: options.strategy,
    preemptions: options.preemptions,
    seed: options.seed,
    depth: options.depth,
    runs: options.runs,
    budget,
    keepGoing: options.all === true,
  });
  if (json) process.stdout.write(`${JSON.stringify(explorationJSON(found))}\n`);
  else await tell(found, Math.min(100, process.stdout.columns ?? 100));
  const sampled = options.strategy === 'pct' || options.strategy === 'random';
  if (found.failures.length > 0) process.exitCode = 1;
  else process.exitCode = found.complete || sampled ? 0 : 3;
}

export function addRace(program: Command): void {
  program
    .command('race')
    .description('run a scenario under every schedule up to a bound, and show what fails')
    .argument('[scenario]', 'its name')
    .option('--list', 'name every scenario: planted bugs and their repaired twins')
    .option('--json', 'print one object')
    .addOption(
      new Option('--strategy <name>', 'how schedules are chosen')
        .choices(strategyNames)
        .default('exhaustive'),
    )
    .option('--preemptions <n>', 'bound of an exhaustive search', wholeNumber, 2)
    .option('--seed <n>', 'of pct and random', wholeNumber, 1)
    .option('--depth <n>', 'of the bugs that pct looks for', wholeNumber, 3)
    .option('--runs <n>', 'of pct and random', wholeNumber, 10_000)
    .option('--seconds <n>', 'stop after so long', wholeNumber)
    .option('--schedules <n>', 'stop after so many', wholeNumber)
    .option('--all', 'go on after the first failure')
    .option('--stress', 'run real threads over shared memory: the scenario named, or all of them')
    .option('--threads <n>', 'with --stress: threads that pin, in each process (2)', wholeNumber)
    .option('--processes <n>', 'with --stress: processes that map one device (0)', wholeNumber)
    .action(race);
}
