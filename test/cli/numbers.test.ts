// Goal: a number on the command line is digits that are exact, and nothing that JavaScript would
// also take for one.

import test from 'ava';
import { positive, wholeNumber } from '../../lib/cli/numbers.js';

test('whole numbers are digits', (t) => {
  t.is(wholeNumber('0'), 0);
  t.is(wholeNumber('9007199254740991'), Number.MAX_SAFE_INTEGER);
  for (const bad of ['', ' 1', '0x10', '1e3', '-1', '1.5', 'NaN', '9007199254740992']) {
    t.throws(() => wholeNumber(bad), { message: /whole number/ }, bad);
  }
});

test('some are at least 1', (t) => {
  t.is(positive('1'), 1);
  t.throws(() => positive('0'), { message: /from 1 on/ });
});
