// Goal: a token replays in a fresh process, and its trace opens in Perfetto.

import test from 'ava';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explore, scenarioNamed } from '../../lib/explore/index.js';
import { root, runSources } from '../support/root.js';

const main = `
import { Command } from 'commander';
import { addReplay } from '${root}/lib/cli/replay-command.ts';
const program = new Command('leasehold');
addReplay(program);
await program.parseAsync(process.argv);
`;

test('a token shows the same failure in a fresh process and writes a trace', async (t) => {
  const { failures } = await explore(scenarioNamed('two-truncates'));
  const folder = mkdtempSync(join(tmpdir(), 'replay-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const script = join(root, 'build', `replay-${process.pid}.mts`);
  writeFileSync(script, main);
  t.teardown(() => rmSync(script));
  const trace = join(folder, 'trace.json');
  const replay = (...args: string[]) =>
    spawnSync(process.execPath, [...runSources, script, 'replay', ...args], { cwd: root });
  const shown = replay(failures[0]!.token, '--trace', trace);
  t.is(shown.status, 1, String(shown.stderr));
  t.regex(String(shown.stdout), /invariant: no page is freed twice/);
  const document = JSON.parse(readFileSync(trace, 'utf8')) as { traceEvents: { name: string }[] };
  t.true(document.traceEvents.some(({ name }) => /truncate-1|step/.test(name)));
  const told = replay(failures[0]!.token, '--json');
  const json = JSON.parse(String(told.stdout)) as Record<string, unknown>;
  t.is(json['invariant'], failures[0]!.name);
});
