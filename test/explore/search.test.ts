// Goal: figures are told as people read them.

import test from 'ava';
import { counted, grouped, stopped } from '../../lib/explore/search.js';

test('numbers are grouped, nouns are counted', (t) => {
  t.deepEqual([1, 999, 1000, 1234567].map(grouped), ['1', '999', '1,000', '1,234,567']);
  t.is(counted(1, 'schedule'), '1 schedule');
  t.is(counted(3412, 'schedule'), '3,412 schedules');
});

test('what stopped a search is told', (t) => {
  t.regex(stopped({ schedules: 2, failures: 1 }, 'all'), /at the first failure, not complete/);
  t.regex(stopped({ schedules: 2, failures: 0 }, 'all'), /by the budget, not complete/);
});
