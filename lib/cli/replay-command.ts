// leasehold replay: shows the schedule of a token again, in a fresh process.
//
// Exit status: 0 the schedule shows no failure any more; 1 it fails, as it did.

import type { Command } from 'commander';
import { writeFile } from 'node:fs/promises';
import pc from 'picocolors';
import { decodeToken, replayToken, scenarioNamed, traceView } from '../explore/index.js';
import { isLabScenario, withLabScenario } from '../lab/replay-cell.js';
import { perfettoDocument } from '../trace/index.js';

/** Perfetto shows steps of the same virtual instant one after the other, so far apart. */
const STRETCH_NS = 1_000;

interface ReplayOptions {
  readonly trace?: string;
  readonly json?: boolean;
  readonly policy: readonly string[];
}

async function replay(token: string, options: ReplayOptions): Promise<void> {
  const name = decodeToken(token).scenario;
  const replayed = isLabScenario(name)
    ? await withLabScenario(name, (scenario) => replayToken(scenario, token), options.policy)
    : await replayToken(scenarioNamed(name), token);
  const { failure, steps, scenario } = replayed;
  if (options.trace !== undefined) {
    const document = perfettoDocument(replayed.events, {
      title: scenario.name,
      stretchNs: STRETCH_NS,
    });
    await writeFile(options.trace, JSON.stringify(document));
  }
  if (options.json === true) {
    const invariant = failure?.name ?? null;
    const told = { scenario: scenario.name, token, steps: steps.length, invariant };
    const more = { kind: failure?.kind ?? null, message: failure?.message ?? null };
    process.stdout.write(`${JSON.stringify({ ...told, ...more })}\n`);
  } else {
    process.stdout.write(`${scenario.name}: ${scenario.title}\n`);
    for (const line of traceView(replayed, {
      columns: Math.min(100, process.stdout.columns ?? 100),
    })) {
      process.stdout.write(`${line.startsWith('!') ? pc.red(line) : line}\n`);
    }
  }
  process.exitCode = failure === null ? 0 : 1;
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value];

export function addReplay(program: Command): void {
  program
    .command('replay')
    .description('run the schedule of a token again and show it, step by step')
    .argument('<token>', 'what a failing exploration printed')
    .option('--policy <file>', 'the policy of your own that the lab was given', collect, [])
    .option('--trace <file>', 'also write it for ui.perfetto.dev')
    .option('--json', 'print one object')
    .action(replay);
}
