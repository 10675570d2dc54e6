// Bad arguments for calls made directly on a class of the emulator, past the system calls.
//
// A row is one argument of one public call and the values that are none. Each must be refused by
// an Errno of the row's codes whose message names the argument, and leave the digest of whatever
// stands behind the call as it was. A mistake of a driver (`bug`) is an assertion instead, which
// names what was done. The rows of a class are held against its prototype: a public call that has
// neither a row nor an entry in `none` fails the test.

import type { ExecutionContext } from 'ava';
import { isErrno, type ErrnoCode } from '../../lib/errno.js';

export interface DirectRow {
  /** As the class names it. */
  readonly call: string;
  /** What the message says of the argument. */
  readonly arg: string;
  readonly values: readonly unknown[];
  readonly make: (bad: never) => unknown;
  /** EINVAL if not given. */
  readonly codes?: readonly ErrnoCode[];
  /** A mistake that only a driver can make: an AssertionError. */
  readonly bug?: true;
}

/** Values that are no whole number from 0 to 2^53 - 1. */
export const noCounts: readonly unknown[] = [
  -1,
  1.5,
  NaN,
  Infinity,
  2 ** 53,
  '1',
  null,
  {},
  1n,
  Symbol('bad'),
];
export const noBytes: readonly unknown[] = [undefined, null, 7, 'abc', [1], {}, new ArrayBuffer(8)];
export const noStrings: readonly unknown[] = [undefined, null, 7, {}, Symbol('bad')];
export const noObjects: readonly unknown[] = [undefined, null, 7, 'x'];
export const noFunctions: readonly unknown[] = [undefined, null, 7, 'x', {}];

/** Private methods, where a build has made properties of them, are $name. */
const isPublic = (name: string): boolean => name !== 'constructor' && !name.startsWith('$');

/** The public methods of a class: those of its prototype, accessors and symbols apart. */
export function methodsOf(prototype: object): string[] {
  return Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([name, { value }]) => isPublic(name) && typeof value === 'function')
    .map(([name]) => name)
    .sort();
}

/** The static methods of a class. */
export const staticsOf = (owner: object): string[] =>
  Object.getOwnPropertyNames(owner)
    .filter(
      (name) => isPublic(name) && typeof (owner as Record<string, unknown>)[name] === 'function',
    )
    .sort();

/** Fail t unless every call has a row or is in none, not both, and there is every call named. */
export function assertEveryCall(
  t: ExecutionContext,
  calls: readonly string[],
  rows: readonly DirectRow[],
  none: readonly string[],
): void {
  const named = [...new Set(rows.map((row) => row.call)), ...none];
  t.deepEqual(
    calls.filter((call) => !named.includes(call)),
    [],
    'public calls without a row',
  );
  t.deepEqual(
    rows.filter((row) => !calls.includes(row.call)).map(({ call }) => call),
    [],
    'rows of calls that there are not',
  );
  t.deepEqual(
    none.filter((call) => !calls.includes(call) || rows.some((row) => row.call === call)),
    [],
    'calls said to take nothing that there are not, or that have a row',
  );
}

const show = (v: unknown): string =>
  JSON.stringify(v, (_k, x: unknown) => (typeof x === 'bigint' ? `${x}n` : x));

const named = (v: unknown): string => (typeof v === 'object' ? show(v) : String(v));

async function answerTo(row: DirectRow, bad: unknown): Promise<string | null> {
  const codes = row.codes ?? ['EINVAL'];
  try {
    await row.make(bad as never);
  } catch (e) {
    const { name, message } = e as Error;
    if (row.bug === true) {
      if (name !== 'AssertionError') return `${name}: ${message}, no assertion`;
    } else if (!isErrno(e)) return `threw ${(e as Error).stack?.split('\n').slice(0, 3).join(' ')}`;
    else if (!codes.includes(e.code)) return `${e.message}, not ${codes.join('|')}`;
    const says = row.bug === true ? message : message.slice(message.indexOf(':') + 1);
    return says.includes(row.arg) ? null : `'${message}' does not name ${row.arg}`;
  }
  return 'was taken';
}

/** Every bad value of every row; what is wrong with the answers, and how many were asked for. */
export async function badDirectCalls(
  rows: readonly DirectRow[],
  digest: () => unknown,
): Promise<{ readonly problems: string[]; readonly inputs: number }> {
  const problems: string[] = [];
  let inputs = 0;
  for (const row of rows) {
    for (const bad of row.values) {
      const what = `${row.call} ${row.arg} ${named(bad)}`;
      const before = show(digest());
      const problem = await answerTo(row, bad);
      inputs++;
      if (problem !== null) problems.push(`${what}: ${problem}`);
      const after = show(digest());
      if (before !== after) problems.push(`${what}: changed ${before} to ${after}`);
    }
  }
  return { problems, inputs };
}
