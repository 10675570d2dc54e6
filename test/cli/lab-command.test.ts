// Goal: the command plays the cells that were asked for, in processes of their own, and its exit
// status says whether all of them are as promised.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { root, runSources } from '../support/root.js';

function lab(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const argv = [...runSources, join(root, 'lib/cli/main.ts'), 'lab', '--no-report', ...args];
  return spawnSync(process.execPath, argv, { cwd: root, encoding: 'utf8' });
}

const few = ['--no-live', '--schedules', '2', '--operation', 'truncate'];

test('cells are measured and printed as one object', (t) => {
  const which = ['--policy', 'none,forbid', '--driver', 'rdma-pinned', '--behaviour', 'ignores'];
  const { status, stdout, stderr } = lab('--json', ...few, ...which);
  t.is(status, 0, stderr);
  const { cells } = JSON.parse(stdout) as { cells: readonly { policy: string; verdict: string }[] };
  t.deepEqual(cells.map((c) => c.policy).sort(), ['forbid', 'none']);
  t.regex(cells.find((c) => c.policy === 'none')?.verdict ?? '', /stray/);
  t.regex(cells.find((c) => c.policy === 'forbid')?.verdict ?? '', /EOPNOTSUPP/);
});

test('an unknown policy is one line and exit status 2', (t) => {
  const { status, stderr } = lab('--policy', 'hope');
  t.is(status, 2);
  t.regex(stderr, /EINVAL.*hope/);
});
