// Goal: a token is its schedule and nothing else, and a damaged one is refused.

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { decodeToken, encodeToken, slug } from '../../lib/explore/index.js';
import { trimmed } from '../../lib/explore/token.js';

testProp(
  'a token decodes to what was encoded, but for zeros at the end',
  [fc.array(fc.integer({ min: 0, max: 300 })), fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/)],
  (t, choices, name) => {
    const token = encodeToken(name, choices, choices);
    t.regex(token, /^[\w.-]+$/);
    const back = decodeToken(token);
    t.is(back.scenario, name);
    t.deepEqual(back.choices, trimmed(choices));
  },
);

test('zeros cost nothing: a token is as long as its preemptions', (t) => {
  const choices = [...Array<number>(500).fill(0), 1, ...Array<number>(500).fill(0)];
  t.true(encodeToken('x', choices, choices).length < 20);
});

test('what is no token, was changed, or is of another version is EINVAL', (t) => {
  const token = encodeToken('bug', [0, 0, 1, 0, 2], [1, 2, 3, 4, 5]);
  const changed = token.replace('bug', 'bag');
  for (const text of ['', 'bug', changed, token.replace('.1.', '.9.'), `${token}0`]) {
    t.throws(() => decodeToken(text), { name: 'Errno', code: 'EINVAL' }, text);
  }
  t.deepEqual(decodeToken(` ${token}\n`).choices, [0, 0, 1, 0, 2]);
});

test('any title makes a name', (t) => {
  t.is(slug('Truncate never frees a page under DMA!'), 'truncate-never-frees-a-page-under-dma');
  t.is(slug('…'), 'race');
});
