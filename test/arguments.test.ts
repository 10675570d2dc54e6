// Goal: what cannot be an argument is refused by the errno of the nearest thing C could pass, and
// named. Method: one good value and the bad ones around it for each check.

import test from 'ava';
import type { ErrnoCode } from '../lib/errno.js';
import {
  checkBoolean,
  checkBytes,
  checkBytesOf,
  checkExactNumber,
  checkFunction,
  checkId,
  checkInstance,
  checkList,
  checkMode,
  checkObject,
  checkPath,
  checkShared,
  checkStruct,
  checkText,
  checkTime,
  checkWhole,
  checkWord,
  shown,
} from '../lib/arguments.js';

const shared = new SharedArrayBuffer(16);

/** A value as a title shows it. */
const textOf = (v: unknown): string =>
  (typeof v === 'bigint' ? `${v}n` : JSON.stringify(v)) ?? shown(v);

type Row = readonly [
  name: string,
  check: (v: unknown) => unknown,
  good: readonly unknown[],
  bad: readonly unknown[],
  code: ErrnoCode,
];

const rows: readonly Row[] = [
  ['path', (v) => checkPath('call', v), ['/a', '', 'a/b'], [undefined, null, 7, {}], 'EFAULT'],
  ['path', (v) => checkPath('call', v), ['/a'], ['a\0b'], 'EINVAL'],
  ['mode', (v) => checkMode('call', v), [0, 0o7777], [-1, 1.5, NaN, '7', 2 ** 20], 'EINVAL'],
  [
    'uid',
    (v) => checkId('call', 'uid', v),
    [0, 2 ** 32 - 2],
    [-1, 2 ** 32 - 1, '0', NaN],
    'EINVAL',
  ],
  ['gid', (v) => checkId('call', 'gid', v, true), [0, -1], [-2, 1.5, null], 'EINVAL'],
  ['data', (v) => checkBytes('call', v), [new Uint8Array(1)], ['a', [1], null], 'EFAULT'],
  ['flags', (v) => checkList('call', 'flags', v), [[], ['x']], ['x', 1, null], 'EINVAL'],
  ['arg', (v) => checkStruct('call', 'arg', v), [{}, []], [null, undefined, 1], 'EFAULT'],
  ['on', (v) => checkBoolean('call', 'on', v), [true, false], [0, 'true', null], 'EINVAL'],
  ['how', (v) => checkWord('call', 'how', v, ['a', 'b']), ['a'], ['c', 1, Symbol('a')], 'EINVAL'],
  ['record', (v) => checkBytesOf('call', 'record', v), [new Uint8Array(1)], ['a', [1]], 'EINVAL'],
  ['label', (v) => checkText('call', 'label', v), ['', 'x'], [undefined, null, 7], 'EINVAL'],
  ['n', (v) => checkWhole('call', 'n', v, 1, 3), [1, 3], [0, 4, 1.5, NaN, '1', 1n], 'EINVAL'],
  ['value', (v) => checkExactNumber('call', 'value', v), [-1, 2 ** 52], [2 ** 53, 0.5], 'EINVAL'],
  ['timeoutMs', (v) => checkTime('call', 'timeoutMs', v), [0, Infinity], [-1, NaN, '1'], 'EINVAL'],
  ['work', (v) => checkFunction('call', 'work', v), [() => {}], [null, 'x', {}], 'EINVAL'],
  ['spec', (v) => checkObject('call', 'spec', v), [{}, []], [null, undefined, 1], 'EINVAL'],
  ['map', (v) => checkInstance('call', 'map', v, Map), [new Map()], [null, {}, Map], 'EINVAL'],
  [
    'buffer',
    (v) => checkShared('call', v, 0, 8, 4),
    [shared],
    [null, new ArrayBuffer(8)],
    'EINVAL',
  ],
  ['pos', (v) => checkShared('call', shared, v, 8, 4), [0, 8], [2, 12, -4, '0', NaN], 'EINVAL'],
];

for (const [name, check, good, bad, code] of rows) {
  test(`a bad ${name} is ${code}, and named: ${bad.map((v) => textOf(v)).join(', ')}`, (t) => {
    for (const value of good) t.notThrows(() => check(value));
    const message = new RegExp(`call: ${name}`);
    for (const value of bad) t.throws(() => check(value), { code, message });
  });
}
