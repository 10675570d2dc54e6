// Goal: the table fits a terminal and says what was measured.

import test from 'ava';
import type { CellVerdict } from '../../lib/lab/cell.js';
import { duration, verdictTable } from '../../lib/lab/table.js';

const verdict = (over: Partial<CellVerdict>): CellVerdict => ({
  policy: 'wait-uninterruptible',
  driver: 'direct-io',
  pin: 'EOPNOTSUPP',
  truncate: { end: 'EDEADLOCK', tookNs: 59_000_000_000 },
  holder: 'lost pins',
  transfers: { done: 1, failed: 0 },
  stray: [],
  corruptedBytes: 0,
  free: { before: 0, afterTruncate: 6, atEnd: 64 },
  orphanedPeak: 58,
  leaked: 0,
  ...over,
});

const times: readonly [number, string][] = [
  [0, 'at once'],
  [700, '0.7 µs'],
  [2_500_000, '2.5 ms'],
  [45_000_000_000, '45 s'],
  [45_002_600_000, '45.003 s'],
];

for (const [ns, text] of times) {
  test(`${ns} ns is printed as ${text}`, (t) => t.is(duration(ns), text));
}

test('the longest rows fit 100 columns', (t) => {
  const text = verdictTable([verdict({}), verdict({ leaked: 1234 })]);
  t.deepEqual(
    text.split('\n').filter((line) => line.length > 100),
    [],
  );
  t.true(text.includes('+6, 58 later'));
  t.true(text.includes('1234 leaked'));
});

test('a stray byte is given by file, block and place', (t) => {
  const stray = {
    atNs: 0,
    device: 'rdma0',
    access: 'write' as const,
    file: '/other',
    meant: '/data',
    pfn: 17608,
    pgoff: 37,
    firstByte: 8,
    value: 0xdd,
    len: 4088,
  };
  t.regex(verdictTable([verdict({ stray: [stray] })]), /\/other block 17608 byte 8 = 0xdd/);
});
