// Goal: the tables fit a terminal and say what was measured.

import test from 'ava';
import type { CellVerdict } from '../../lib/lab/cell.js';
import { driverNames } from '../../lib/lab/cell.js';
import {
  duration,
  fullTable,
  longestStuck,
  overview,
  strayText,
  worstOf,
} from '../../lib/lab/table.js';
import { verdict } from './verdict-fixture.js';

const times: readonly [number | null, string][] = [
  [null, 'for ever'],
  [0, 'at once'],
  [700, '0.7 µs'],
  [2_500_000, '2.5 ms'],
  [45_000_000_000, '45 s'],
  [45_002_600_000, '45.003 s'],
];

for (const [ns, text] of times) {
  test(`${ns} ns is printed as ${text}`, (t) => t.is(duration(ns), text));
}

const fits = (text: string): string[] => text.split('\n').filter((line) => line.length > 100);

test('the overview of all drivers fits 100 columns', (t) => {
  const all = driverNames.map((driver) => verdict({ driver, verdict: 'refused: ETXTBSY' }));
  const text = overview(all);
  t.deepEqual(fits(text), []);
  t.is(text.split('\n').length, 2);
});

test('a line per cell fits 100 columns', (t) => {
  const long: Partial<CellVerdict> = {
    policy: 'wait-uninterruptible',
    driver: 'rdma-on-demand',
    behaviour: 'exits-device-first',
    verdict: 'refused: EOPNOTSUPP',
    outcome: { end: 'ok', tookNs: 199_999_000_000, steps: 1 },
  };
  const text = fullTable([verdict(long), verdict({ na: 'no peer', verdict: 'n/a' })]);
  t.deepEqual(fits(text), []);
  t.is(text.split('\n').length, 2, 'what was not measured has no line');
});

test('the overview shows the worst', (t) => {
  const safe = verdict({});
  const hung = verdict({ verdict: 'hung' });
  const stray = verdict({ verdict: 'stray DMA' });
  t.is(worstOf([safe]), 'safe');
  t.is(worstOf([hung, safe]), 'hung');
  t.is(worstOf([safe, stray, hung]), 'STRAY');
  t.is(worstOf([]), 'n/a');
});

test('a cell that is safe for its bytes says what befell the holder', (t) => {
  const safe = verdict({});
  const taken = verdict({ holder: 'lost pins' });
  const killed = verdict({ holder: 'running+SIGKILL' });
  const failed = verdict({
    verdict: 'refused: EBUSY',
    outcome: { end: 'EBUSY', tookNs: 0, steps: 1 },
  });
  const hung = verdict({ verdict: 'hung', holder: 'lost pins' });
  const order = [safe, failed, taken, killed, hung];
  for (const [i, word] of ['safe', 'EBUSY', 'taken', 'killed', 'hung'].entries()) {
    t.is(worstOf(order.slice(0, i + 1)), word);
  }
  t.is(
    worstOf([verdict({ driver: 'v4l2-dmabuf', holder: 'SIGBUS' })]),
    'safe',
    'no DMA of its own',
  );
});

test('a pin that was refused and an operation that was refused are told apart', (t) => {
  t.is(worstOf([verdict({ pin: 'EPERM', verdict: 'refused: EPERM' })]), 'denied');
  const outcome = { end: 'EPERM', tookNs: 0, steps: 1 };
  t.is(worstOf([verdict({ outcome, verdict: 'refused: EPERM' })]), 'EPERM');
});

test('who never ends is stuck for ever', (t) => {
  t.is(longestStuck(verdict({ stuck: { reader: 1, writer: null, stat: 2 } })), null);
  t.is(longestStuck(verdict({ stuck: { reader: 1, writer: 3, stat: 2 } })), 3);
  const hung = { end: 'hung', tookNs: 200e9, steps: 0 };
  const stuck = { reader: 199.999e9, writer: 3, stat: 0 };
  t.is(longestStuck(verdict({ outcome: hung, stuck })), null, 'a kill ended it');
  t.is(longestStuck(verdict({ outcome: hung, stuck: { ...stuck, reader: 3 } })), 3);
});

test('a stray byte is given by file, block and place', (t) => {
  const text = strayText({
    atNs: 0,
    device: 'rdma0',
    access: 'write',
    file: '/other',
    meant: '/data',
    pfn: 17608,
    pgoff: 37,
    firstByte: 8,
    value: 0xdd,
    len: 4088,
  });
  t.is(text, '/other block 17608 byte 8 = 0xdd');
});
