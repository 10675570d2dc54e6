// Goal: what happens before what, which moves race, and who must go first to turn a race round.

import test from 'ava';
import { conflicts, type Move, MoveLog } from '../../lib/explore/moves.js';

function log(...moves: readonly (readonly [task: number, reads: number[], writes: number[]])[]) {
  const made = new MoveLog();
  const races: number[][] = [];
  for (const [task, reads, writes] of moves) {
    const move = made.begin(task);
    move.add(reads, writes);
    races.push(made.place(move).map(({ index }) => index));
  }
  return { log: made, moves: made.moves as readonly Move[], races };
}

test('moves conflict when one writes what the other touches; the clock conflicts with all', (t) => {
  const { moves } = log([1, [5], []], [2, [5], []], [3, [], [5]], [4, [], [6]], [0, [], []]);
  const [read, alsoRead, write, other, clock] = moves as [Move, Move, Move, Move, Move];
  t.false(conflicts(read, alsoRead));
  t.true(conflicts(read, write));
  t.false(conflicts(write, other));
  t.true(conflicts(clock, other));
});

test('a race is a direct conflict: not one that another move stands between', (t) => {
  t.deepEqual(log([1, [], [5]], [2, [], [5]], [3, [], [5]]).races, [[], [0], [1]]);
  t.deepEqual(log([1, [], [5]], [2, [5], [6]], [3, [], [5, 6]]).races, [[], [0], [1]]);
  t.deepEqual(log([1, [5], []], [2, [5], []], [3, [], [5]]).races, [[], [], [1, 0]]);
});

test('a task does not race with the move that woke it', (t) => {
  const made = new MoveLog();
  const wake = made.begin(1);
  wake.add([], [5]);
  made.place(wake);
  made.woke(2, wake);
  const woken = made.begin(2);
  woken.add([], [5]);
  t.deepEqual(made.place(woken), []);
  t.true(wake.isBefore(woken));
});

test('who leads to a later move without the earlier one', (t) => {
  // Task 2 writes 6 before task 3 reads it and writes 5, which task 1 wrote first.
  const { log: made, moves } = log([1, [], [5]], [2, [], [6]], [3, [6], [5]]);
  t.deepEqual(made.leaders(moves[0]!, moves[2]!), [2]);
  const direct = log([1, [], [5]], [2, [], [9]], [3, [], [5]]);
  t.deepEqual(direct.log.leaders(direct.moves[0]!, direct.moves[2]!), [2, 3]);
});
