// Goal: a row is held to its bound from the right side, and says so in words.

import test from 'ava';
import { keeps, type Row, rowText } from '../../lib/bench/row.js';

const rows: [Row, boolean][] = [
  [{ name: 'no bound', value: 1e9, unit: 'ns' }, true],
  [{ name: 'below', value: 7.9, unit: 'ns/page', bound: 8 }, true],
  [{ name: 'at', value: 8, unit: 'ns/page', bound: 8 }, true],
  [{ name: 'above', value: 8.1, unit: 'ns/page', bound: 8 }, false],
  [{ name: 'small share', value: 79.9, unit: '% of memcpy', bound: 80 }, false],
  [{ name: 'large share', value: 80, unit: '% of memcpy', bound: 80 }, true],
  [{ name: 'slow rate', value: 59, unit: '/s', bound: 60 }, false],
  [{ name: 'no figure', value: NaN, unit: 'ns', bound: 60 }, false],
];

for (const [row, kept] of rows) {
  test(`${row.name}: ${kept ? 'the bound is kept' : 'the bound is missed'}`, (t) => {
    t.is(keeps(row), kept);
    t.is(rowText(row).includes('MISSED'), !kept);
    t.true(rowText(row).includes(row.unit));
  });
}
