// leasehold race --stress: real threads, or processes, that pin without a lock under truncate.
//
// Prints an object for the scenario named, else an array of all of them. Exit status: 1 if a
// scenario failed, 0 if none did.

import pc from 'picocolors';
import {
  stress,
  type StressResult,
  type StressScenario,
  threadScenarioNamed,
  threadScenarios,
} from '../explore/index.js';

export interface StressRaceOptions {
  readonly json?: boolean;
  readonly threads?: number;
  readonly processes?: number;
  readonly seconds?: number;
  readonly seed?: number;
  readonly all?: boolean;
}

const write = (line: string): boolean => process.stdout.write(`${line}\n`);

const grouped = (n: number): string => n.toLocaleString('en-US');

const counted = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;

function whoOf({ threads, processes }: StressResult): string {
  const each = counted(threads, 'thread', 'threads');
  return processes === 0 ? each : `${counted(processes, 'process', 'processes')} of ${each}`;
}

function tell(result: StressResult, { title, defect }: StressScenario): void {
  const { scenario, seconds, rounds, pins, truncates, waits } = result;
  write(`${scenario}: ${defect ?? title}`);
  const judged = `${seconds.toFixed(1)} s, judged ${grouped(rounds)} times`;
  const work = [`${grouped(pins)} pages pinned`, `${grouped(truncates)} truncated`];
  write(`  ${whoOf(result)} and a truncater, ${judged}`);
  write(`  ${work.join(', ')}, ${grouped(waits)} waited for`);
  for (const { invariant, detail, round } of result.failures) {
    write(pc.red(`  round ${round}: ${invariant}`));
    write(`    ${detail}`);
  }
  if (result.failures.length === 0) write('  nothing failed, which is a sample and no proof');
}

/** Race one scenario, or all of them one after the other. */
export async function stressRaces(
  name: string | undefined,
  options: StressRaceOptions,
): Promise<void> {
  const { json = false, threads, processes, seconds, seed, all } = options;
  const chosen = name === undefined ? threadScenarios : [threadScenarioNamed(name)];
  const results: StressResult[] = [];
  for (const scenario of chosen) {
    const result = await stress(scenario, {
      ...(threads !== undefined && { threads }),
      ...(processes !== undefined && { processes }),
      ...(seconds !== undefined && { seconds }),
      ...(seed !== undefined && { seed }),
      keepGoing: all === true,
    });
    results.push(result);
    if (!json) tell(result, scenario);
  }
  if (json) write(JSON.stringify(name === undefined ? results : results[0]));
  process.exitCode = results.some(({ failures }) => failures.length > 0) ? 1 : 0;
}
