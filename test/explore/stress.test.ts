// Goal: real threads and processes find a re-read and a fence that are missing, the second of which
// the explorer cannot find, and nothing where they are not missing.
//
// How long a test may race is a budget: it ends with what it looks for, or after so many rounds.

import { availableParallelism } from 'node:os';
import test from 'ava';
import {
  explore,
  scenarioNamed,
  stress,
  stressInvariants,
  type StressOptions,
  type StressResult,
  threadScenarioNamed,
} from '../../lib/explore/index.js';
import { dying, nameless, own } from './own-stress.js';

/** On one core a store is seen by whoever runs next: there is nothing to find. */
const onCores = availableParallelism() > 1 ? test.serial : test.serial.skip;

const raced = (name: string, options: StressOptions): Promise<StressResult> =>
  stress(threadScenarioNamed(name), options);

/** Threads of this process, and two processes. */
const ways = [{ threads: 2 }, { threads: 1, processes: 2 }];

for (const way of ways) {
  const who = way.processes === undefined ? 'threads' : 'processes';

  for (const name of ['threads-missing-recheck', 'threads-missing-fence']) {
    onCores(`${name} is found by ${who}`, async (t) => {
      const found = await raced(name, { ...way, seconds: 30 });
      t.log(`${found.rounds} rounds, ${found.pins} pins, ${found.truncates} truncates`);
      t.is(found.threads, way.threads);
      t.is(found.processes, way.processes ?? 0);
      const [first] = found.failures;
      if (first === undefined) return t.fail('nothing was found');
      t.is(first.round, found.rounds, 'it ends with the round that failed');
      const { landing, bytes, freed } = stressInvariants;
      t.true(([landing, bytes, freed] as string[]).includes(first.invariant), first.invariant);
    });
  }

  for (const name of [
    'threads-gup-fast',
    'threads-missing-recheck-repaired',
    'threads-missing-fence-repaired',
  ]) {
    test.serial(`${name}: ${who} break nothing`, async (t) => {
      const { failures, rounds, pins, transfers, truncates, waits } = await raced(name, {
        ...way,
        seconds: 1.5,
      });
      t.log(`${rounds} rounds, ${pins} pins, ${truncates} truncates, ${waits} of them waited`);
      t.deepEqual(failures, []);
      t.true(rounds >= 3, `${rounds} rounds`);
      t.true(pins > 0 && transfers >= pins && truncates > 0);
    });
  }
}

test('the explorer finds the missing re-read in the very same steps', async (t) => {
  const { failures } = await explore(scenarioNamed('threads-missing-recheck'));
  t.is(failures.length, 1);
  t.is(failures[0]!.name, stressInvariants.freed);
});

test('the explorer finds no missing fence in any schedule there is', async (t) => {
  for (const name of ['threads-missing-fence', 'threads-missing-fence-repaired']) {
    const { failures, complete, coverage } = await explore(scenarioNamed(name), {
      strategy: 'dpor',
    });
    t.log(coverage);
    t.deepEqual(failures, []);
    t.true(complete);
  }
});

test.serial('a scenario of a user\u2019s own module races by its URL', async (t) => {
  const { scenario, failures, pins } = await stress(own, { threads: 1, seconds: 0.2, seed: 7 });
  t.is(scenario, 'own');
  t.deepEqual(failures, []);
  t.true(pins > 0);
});

test.serial('a thread or a process that dies is an error, and no finding', async (t) => {
  await t.throwsAsync(stress(dying, { threads: 1 }), { message: /thread 0 is not well/ });
  await t.throwsAsync(stress(nameless(), { threads: 1 }), { message: /ENOENT.*nowhere/ });
  const inProcess = stress(dying, { threads: 1, processes: 1 });
  await t.throwsAsync(inProcess, { message: /process 0 ended with 1/ });
});

test('an option that means nothing is EINVAL and named', async (t) => {
  const wrong: [StressOptions, RegExp][] = [
    [{ threads: 0 }, /threads: 0/],
    [{ threads: 17 }, /threads: 17/],
    [{ threads: 8, processes: 3 }, /threads of all processes: 24/],
    [{ processes: -1 }, /processes: -1/],
    [{ seconds: 0 }, /seconds: 0/],
    [{ seconds: Infinity }, /seconds: Infinity/],
    [{ seed: 0.5 }, /seed: 0.5/],
  ];
  for (const [options, message] of wrong) {
    await t.throwsAsync(raced('threads-gup-fast', options), { code: 'EINVAL', message });
  }
  t.throws(() => threadScenarioNamed('no-such'), { code: 'ENOENT' });
});
