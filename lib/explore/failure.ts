// What an exploration finds: one way in which a schedule went wrong.

import { DeadlockError, StrayError } from '../sched/index.js';

/**
 * invariant: a check threw. error: a task threw and nobody heard. deadlock: nobody can run and no
 * timer is left. livelock: too many points. leak: something was left over. stray: code went on
 * outside its turn, a mistake of the scenario or of the code under test.
 */
export type FailureKind = 'invariant' | 'error' | 'deadlock' | 'livelock' | 'leak' | 'stray';

export interface Failure {
  readonly kind: FailureKind;
  /** What was broken: the check's name, the error's code or the kind again. Shrinking keeps it. */
  readonly name: string;
  readonly message: string;
  /** Whose step it was, as far as it was anybody's. */
  readonly task: string;
  readonly error: unknown;
}

/** A scenario took other turns on a replay of the same choices: chance or time leaks into it. */
export class NondeterminismError extends Error {
  override readonly name = 'NondeterminismError';
}

/** Stops a run that leads nowhere new. Made once: it needs no stack. */
export class CutError extends Error {
  override readonly name = 'CutError';
}
export const cut = new CutError('this run leads nowhere new');

/** Thrown inside a run to stop it at a failure found by a check. */
export class BrokenError extends Error {
  override readonly name = 'BrokenError';
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The first line, and the next if it only announces that; the rest is a picture. */
function firstLine(text: string): string {
  const [first = '', second = ''] = text.split('\n').filter((line) => line.trim() !== '');
  return first.endsWith(':') ? `${first} ${second.trim()}` : first;
}

export function checkFailure(
  kind: 'invariant' | 'leak',
  name: string,
  error: unknown,
  task: string,
): Failure {
  return { kind, name, message: `${name}: ${firstLine(textOf(error))}`, task, error };
}

function errorName(error: unknown): string {
  if (!(error instanceof Error)) return 'error';
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : error.name;
}

/** What ended a run before its tasks had all ended. */
export function runFailure(error: unknown, task: string, spun: boolean): Failure {
  if (error instanceof BrokenError) return error.failure;
  const message = textOf(error);
  if (error instanceof DeadlockError) {
    const kind = spun ? 'livelock' : 'deadlock';
    return { kind, name: kind, message, task, error };
  }
  if (error instanceof StrayError) return { kind: 'stray', name: 'stray', message, task, error };
  const name = errorName(error);
  return {
    kind: 'error',
    name,
    message: `${task || 'a task'}: ${firstLine(message)}`,
    task,
    error,
  };
}

/** Failures that count as the same one. */
export const sameFailure = (a: Failure, b: Failure): boolean =>
  a.kind === b.kind && a.name === b.name;
