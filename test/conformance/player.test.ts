// Goal: arguments and handles of a step are read as the recorder meant them.

import test from 'ava';
import { int, names, NoHandle, Player, Run, runs, text } from '../../lib/conformance/player.js';
import { bootForCases } from '../../lib/conformance/replay.js';
import { assertMachineBalanced } from '../support/balance.js';

const step = { op: 'x', n: 5, s: 'word', list: ['a', 1] };

test('an argument is taken if it is of its kind, else its default', (t) => {
  t.is(int(step, 'n'), 5);
  t.is(int(step, 'm', 7), 7);
  t.is(text(step, 's'), 'word');
  t.is(text(step, 'n', 'other'), 'other');
  t.deepEqual(names(step, 'list', []), ['a', 1]);
  t.deepEqual(names(step, 'none', ['b']), ['b']);
});

test('a missing argument without a default is EINVAL naming the operation and the argument', (t) => {
  t.throws(() => int(step, 'm'), { code: 'EINVAL', message: /x lacks m/ });
  t.throws(() => text(step, 'm'), { code: 'EINVAL', message: /x lacks m/ });
});

const written: readonly (readonly [bytes: readonly number[], runs: string])[] = [
  [[], 'empty'],
  [[0x5a], '5a*1'],
  [[0, 0, 0xff, 0xff, 0xff], '00*2,ff*3'],
  [[1, 2, 3, 4, 5, 6, 7, 8, 9], '01*1,02*1,03*1,04*1,05*1,06*1,07*1,08*1,09*1,...'],
  [[1, 2, 3, 4, 5, 6, 7, 8], '01*1,02*1,03*1,04*1,05*1,06*1,07*1,08*1'],
];

for (const [bytes, expected] of written) {
  test(`bytes ${bytes.join(' ') || 'none'} are written ${expected}`, (t) => {
    t.is(runs(Uint8Array.from(bytes)), expected);
  });
}

test('a handle belongs to the process whose step made it', async (t) => {
  const machine = await bootForCases('6.12');
  const run = new Run(machine);
  const a = await run.player('A');
  const b = await run.player('B');
  a.keep({ op: 'pd', as: 'pd' }, 42);
  t.is(a.get<number>('pd'), 42);
  t.throws(() => b.get('pd'), { instanceOf: NoHandle });
  t.throws(() => a.get(undefined), { instanceOf: NoHandle });
  a.drop('pd');
  t.throws(() => a.get('pd'), { instanceOf: NoHandle });
  t.is(await run.player('A'), a);
  t.true(a instanceof Player);
  await assertMachineBalanced(t, machine);
});
