// Goal: the number of a history is the same for runs that differ in the order of independent steps
// only, and another one when dependent steps change places.

import test from 'ava';
import { HistoryHash } from '../../lib/explore/history-hash.js';
import type { Step } from '../../lib/sched/index.js';

type Brief = readonly [task: number, reads: readonly number[], writes: readonly number[]];

function keyOf(steps: readonly Brief[], current: number | null = null, hash = new HistoryHash()) {
  hash.reset();
  // Both tasks begin before anything is chosen.
  const began: Brief[] = [1, 2].map((id) => [id, [], []]);
  [...began, ...steps].forEach(([taskId, reads, writes], index) => {
    const step: Step = { index, taskId, taskName: `t${taskId}`, reads, writes };
    hash.step(step);
  });
  return hash.key(current);
}

test('independent steps may change places', (t) => {
  const a: Brief = [1, [], [7]];
  const b: Brief = [2, [], [8]];
  t.is(keyOf([a, b]), keyOf([b, a]));
  t.is(
    keyOf([
      [1, [7], []],
      [2, [7], []],
    ]),
    keyOf([
      [2, [7], []],
      [1, [7], []],
    ]),
  );
});

test('a write and what reads or writes the same may not', (t) => {
  for (const [reads, writes] of [
    [[7], []],
    [[], [7]],
  ] as const) {
    const a: Brief = [1, [], [7]];
    const b: Brief = [2, reads, writes];
    t.not(keyOf([a, b]), keyOf([b, a]));
  }
});

test('whose turn it is makes another state, and so does a turn of the clock', (t) => {
  const steps: readonly Brief[] = [
    [1, [], [7]],
    [2, [], [8]],
  ];
  t.is(new Set([keyOf(steps), keyOf(steps, 1), keyOf(steps, 2)]).size, 3);
  const clock: Brief = [0, [], []];
  t.not(keyOf([...steps, clock]), keyOf(steps));
  t.not(keyOf([steps[0]!, clock, steps[1]!]), keyOf([...steps, clock]));
});

test('numbers of objects do not matter, and a used hash starts afresh', (t) => {
  const hash = new HistoryHash();
  const first = keyOf(
    [
      [1, [], [7]],
      [2, [7], []],
    ],
    null,
    hash,
  );
  t.is(
    keyOf(
      [
        [1, [], [99]],
        [2, [99], []],
      ],
      null,
      hash,
    ),
    first,
  );
});
