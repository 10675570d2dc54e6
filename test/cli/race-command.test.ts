// Goal: the race command answers in the shape that was promised, and its status says what happened.

import test from 'ava';
import { Command } from 'commander';
import { addRace } from '../../lib/cli/race-command.js';
import { plantedBugs, threadOnly } from '../../lib/explore/index.js';
import { printed, type Printed } from '../support/command-line.js';

const run = (...args: string[]): Promise<Printed> =>
  printed(() => {
    const program = new Command('leasehold').exitOverride();
    addRace(program);
    return program.parseAsync(['node', 'leasehold', 'race', ...args]);
  });

test.serial('--list names every bug and its twin', async (t) => {
  const { out } = await run('--list');
  for (const { name } of plantedBugs) {
    t.regex(out, new RegExp(`^${name} `, 'm'));
    t.regex(out, new RegExp(`^${name}-repaired `, 'm'));
  }
  const rows = JSON.parse((await run('--list', '--json')).out) as { name: string }[];
  t.is(rows.length, 2 * plantedBugs.length + threadOnly.length);
  for (const { name } of threadOnly) t.regex(out, new RegExp(`^${name} +threads `, 'm'));
});

test.serial('--json has scenario, strategy, bound, counts and failures', async (t) => {
  const { out, status } = await run('lost-charge', '--json');
  const told = JSON.parse(out) as Record<string, unknown>;
  t.is(status, 1);
  t.is(told['scenario'], 'lost-charge');
  t.is(told['strategy'], 'exhaustive');
  t.is(told['preemptions'], 2);
  t.is(told['complete'], false);
  for (const name of ['schedules', 'seconds', 'pointsPerSchedule']) {
    t.is(typeof told[name], 'number', name);
  }
  const [failure] = told['failures'] as Record<string, unknown>[];
  t.is(failure!['invariant'], 'nothing is charged');
  t.regex(String(failure!['token']), /^lost-charge\./);
  t.is(typeof failure!['steps'], 'number');
});

test.serial('a twin is complete, status 0; a budget that ends first is status 3', async (t) => {
  const twin = await run('lost-charge-repaired', '--strategy', 'dpor');
  t.is(twin.status, 0);
  t.regex(twin.out, /all schedules, no bound on preemptions/);
  const short = await run('swallowed-wakeup-repaired', '--schedules', '2');
  t.is(short.status, 3);
  t.regex(short.out, /not complete/);
});

test.serial('a failure is shown as a picture of at most 100 columns, with its token', async (t) => {
  const { out } = await run('lock-kept-while-waiting');
  t.regex(out, /circle: pinner -> truncater -> pinner/);
  t.regex(out, /npx leasehold replay lock-kept-while-waiting\./);
  t.true(out.split('\n').every((line) => line.length <= 140)); // 100, and colours
});

test.serial('--stress runs threads', async (t) => {
  const args = ['threads-gup-fast', '--stress', '--threads', '1', '--seconds', '1', '--json'];
  const { out, status } = await run(...args);
  t.is(status, 0);
  t.like(JSON.parse(out), { scenario: 'threads-gup-fast', threads: 1, failures: [] });
  await t.throwsAsync(run('lost-charge', '--stress'), { code: 'ENOENT' });
});

test.serial('an unknown name is ENOENT, none is EINVAL', async (t) => {
  await t.throwsAsync(run('no-such'), { code: 'ENOENT' });
  await t.throwsAsync(run(), { code: 'EINVAL' });
});
