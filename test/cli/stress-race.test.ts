// Goal: race --stress answers in the shape that was promised, and its status says what happened.

import test from 'ava';
import { stressRaces, type StressRaceOptions } from '../../lib/cli/stress-race.js';
import { threadScenarios } from '../../lib/explore/index.js';
import { printed, type Printed } from '../support/command-line.js';

const run = (name: string | undefined, options: StressRaceOptions): Promise<Printed> =>
  printed(() => stressRaces(name, options));

test.serial('one scenario is one object, with a status of 1 if it failed', async (t) => {
  const { out, status } = await run('threads-missing-recheck', {
    json: true,
    threads: 2,
    seconds: 30,
  });
  const told = JSON.parse(out) as Record<string, unknown>;
  const numbers = ['threads', 'processes', 'seconds', 'rounds', 'pins', 'truncates', 'waits'];
  for (const name of numbers) t.is(typeof told[name], 'number', name);
  t.is(told['scenario'], 'threads-missing-recheck');
  const failures = told['failures'] as Record<string, unknown>[];
  t.is(status, failures.length > 0 ? 1 : 0);
  t.true(failures.length > 0);
  t.deepEqual(Object.keys(failures[0]!).sort(), ['detail', 'invariant', 'round']);
});

test.serial('no name is all of them, in an array', async (t) => {
  const { out } = await run(undefined, { json: true, threads: 1, seconds: 0.1, seed: 3 });
  const told = JSON.parse(out) as { scenario: string }[];
  t.deepEqual(
    told.map(({ scenario }) => scenario),
    threadScenarios.map(({ name }) => name),
  );
});

test.serial(
  'in words it says who raced, what was done and that a sample proves nothing',
  async (t) => {
    const { out, status } = await run('threads-gup-fast', {
      threads: 1,
      processes: 1,
      seconds: 0.1,
    });
    t.is(status, 0);
    t.regex(out, /1 process of 1 thread and a truncater/);
    t.regex(out, /a sample and no proof/);
    t.true(out.split('\n').every((line) => line.length <= 160));
    const bad = await run('threads-missing-recheck', { threads: 2, seconds: 30 });
    t.regex(bad.out, /round \d+: (DMA lands|no page)/);
  },
);
