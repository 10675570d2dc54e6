// Goal: what ended a run is told by kind, name and one line.

import test from 'ava';
import assert from 'node:assert/strict';
import { Errno } from '../../lib/errno.js';
import { checkFailure, runFailure, sameFailure } from '../../lib/explore/failure.js';
import { DeadlockError, StrayError } from '../../lib/sched/index.js';

test('errors of the scheduler and of tasks have their kinds', (t) => {
  const kind = (error: unknown, spun = false) => runFailure(error, 'app', spun).kind;
  t.is(kind(new DeadlockError('nobody can run')), 'deadlock');
  t.is(kind(new DeadlockError('200 points passed'), true), 'livelock');
  t.is(kind(new StrayError('a missing await')), 'stray');
  t.is(kind(new TypeError('x')), 'error');
  t.is(kind('a string'), 'error');
});

test('a refusal is named by its code, another error by its name', (t) => {
  t.is(runFailure(new Errno('EBUSY', 'pinned'), 'app', false).name, 'EBUSY');
  t.is(runFailure(new TypeError('x'), 'app', false).name, 'TypeError');
  t.is(runFailure(new TypeError('x'), 'app', false).message, 'app: x');
});

test('of an assertion the line that says something is told', (t) => {
  let error: unknown;
  try {
    assert.equal(1, 2);
  } catch (e) {
    error = e;
  }
  const { message } = checkFailure('leak', 'all is given back', error, '');
  t.is(message, 'all is given back: Expected values to be strictly equal: 1 !== 2');
});

test('failures of one kind and name are the same, whatever they say', (t) => {
  const a = checkFailure('invariant', 'x', new Error('pfn 1'), 'app');
  t.true(sameFailure(a, checkFailure('invariant', 'x', new Error('pfn 2'), 'admin')));
  t.false(sameFailure(a, checkFailure('leak', 'x', new Error('pfn 1'), 'app')));
});
