// Goal: every shared thing has a number and a label, and a footprint holds each once.

import test from 'ava';
import { pageObject, type Step } from '../../lib/sched/index.js';
import { ObjectTable, StepRecorder } from '../../lib/sched/objects.js';

test('objects get numbers of their own, pages theirs', (t) => {
  const table = new ObjectTable(true);
  const inode = table.newObject('inode 12');
  const lock = table.newObject('i_rwsem of inode 12');
  t.not(inode, lock);
  t.deepEqual(
    [inode, lock, pageObject(0), pageObject(2 ** 31)].map((id) => table.label(id)),
    ['inode 12', 'i_rwsem of inode 12', 'pfn 0', `pfn ${2 ** 31}`],
  );
});

test('a table that keeps no labels still numbers', (t) => {
  const table = new ObjectTable(false);
  const id = table.newObject('inode 12');
  t.is(table.label(id), `object ${id}`);
  t.not(table.newObject('x'), id);
});

test('a step holds what was touched since the one before, each object once', (t) => {
  const steps: Step[] = [];
  const recorder = new StepRecorder((e) => t.fail(e.message));
  t.false(recorder.on);
  recorder.onStep = (step) => steps.push(step);
  t.true(recorder.on);
  for (const object of [1, 2, 1]) recorder.touch(object, 'read');
  recorder.touch(1, 'write');
  recorder.end(5, 'five');
  recorder.end(6, 'six');
  t.deepEqual(steps, [
    { index: 0, taskId: 5, taskName: 'five', reads: [1, 2], writes: [1] },
    { index: 1, taskId: 6, taskName: 'six', reads: [], writes: [] },
  ]);
});

test('what a listener throws is a failure of the run', (t) => {
  const failures: string[] = [];
  const recorder = new StepRecorder((e) => failures.push(e.message));
  recorder.onStep = () => {
    throw new Error('stray');
  };
  recorder.end(1, 'x');
  t.deepEqual(failures, ['stray']);
});
