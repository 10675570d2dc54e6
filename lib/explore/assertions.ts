// Assertions for code that runs once per schedule: ava's words, thrown errors.
//
// A runner's own assertions count and print; thousands of schedules must not. These throw, so that
// a task that fails is a finding, with a token; what is told to the runner is the finding.

import assert from 'node:assert/strict';

type Thrower = (() => Promise<unknown>) | Promise<unknown>;

export interface Expectation {
  readonly code?: string;
  readonly name?: string;
  readonly message?: string | RegExp;
}

export interface RaceAssertions {
  assert(value: unknown, message?: string): void;
  deepEqual(actual: unknown, expected: unknown, message?: string): void;
  fail(message?: string): never;
  false(value: unknown, message?: string): void;
  is(actual: unknown, expected: unknown, message?: string): void;
  not(actual: unknown, expected: unknown, message?: string): void;
  notDeepEqual(actual: unknown, expected: unknown, message?: string): void;
  notThrowsAsync(thrower: Thrower, message?: string): Promise<void>;
  regex(text: string, pattern: RegExp, message?: string): void;
  throws(fn: () => unknown, expected?: Expectation, message?: string): unknown;
  /** Only of promises that lib/sched and the machine give: a task awaits nothing else. */
  throwsAsync(thrower: Thrower, expected?: Expectation, message?: string): Promise<unknown>;
  true(value: unknown, message?: string): void;
}

function checkError(error: unknown, expected: Expectation, message?: string): unknown {
  const { code, name, message: text } = expected;
  const thrown = error as { readonly code?: unknown; readonly name?: unknown; message?: unknown };
  if (code !== undefined) assert.equal(thrown.code, code, message);
  if (name !== undefined) assert.equal(thrown.name, name, message);
  if (typeof text === 'string') assert.equal(thrown.message, text, message);
  else if (text !== undefined) assert.match(String(thrown.message), text, message);
  return error;
}

const started = (thrower: Thrower): Promise<unknown> =>
  typeof thrower === 'function' ? thrower() : thrower;

/** Keep sorted. */
export const raceAssertions: RaceAssertions = {
  assert: (value, message) => assert(value, message),
  deepEqual: (actual, expected, message) => assert.deepEqual(actual, expected, message),
  fail: (message) => assert.fail(message ?? 'failed'),
  false: (value, message) => assert.equal(value, false, message),
  is: (actual, expected, message) =>
    assert(Object.is(actual, expected), message ?? `${String(actual)} is not ${String(expected)}`),
  not: (actual, expected, message) =>
    assert(!Object.is(actual, expected), message ?? `is ${String(expected)}`),
  notDeepEqual: (actual, expected, message) => assert.notDeepEqual(actual, expected, message),
  async notThrowsAsync(thrower, message) {
    try {
      await started(thrower);
    } catch (error) {
      throw new assert.AssertionError({ message: message ?? `threw ${String(error)}` });
    }
  },
  regex: (text, pattern, message) => assert.match(text, pattern, message),
  throws(fn, expected = {}, message) {
    try {
      fn();
    } catch (error) {
      return checkError(error, expected, message);
    }
    return assert.fail(message ?? 'did not throw');
  },
  async throwsAsync(thrower, expected = {}, message) {
    try {
      await started(thrower);
    } catch (error) {
      return checkError(error, expected, message);
    }
    return assert.fail(message ?? 'did not throw');
  },
  true: (value, message) => assert.equal(value, true, message),
};
