// Goal: the command prints the rows that were asked for, as text or as one object.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { root, runSources } from '../support/root.js';

function bench(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const main = join(root, 'lib/cli/main.ts');
  const argv = [...runSources, main, 'bench', '--quick', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
    cwd: root,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

interface Report {
  readonly rows: readonly { name: string; unit: string; value: number; bound?: number }[];
  readonly missed: readonly string[];
}

test('a suite is run alone; the exit status says whether a bound was missed', (t) => {
  const { status, stdout } = bench('--only', 'native', '--json');
  const { rows, missed } = JSON.parse(stdout) as Report;
  t.true(rows.some((row) => row.name.startsWith('native pin+unpin') && row.bound !== undefined));
  t.false(rows.some((row) => row.name.startsWith('pinUserPages')));
  t.is(status, missed.length === 0 ? 0 : 1);
});

test('rows are picked by their text, and printed with their unit', (t) => {
  const { stdout } = bench('--only', 'core:off the LRU: lost');
  t.regex(stdout, /^pin tracking, taken off the LRU: lost to reclaim +\d+ pages\n$/);
});

test('text that is in no row is an error', (t) => {
  const { status, stderr } = bench('--only', 'no such row');
  t.is(status, 2);
  t.regex(stderr, /no suite or row is called 'no such row'/);
});
