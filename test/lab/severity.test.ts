// Goal: of two endings the worse one is kept.

import test from 'ava';
import { compareEndings, rankOf, verdictOf } from '../../lib/lab/severity.js';
import { verdict } from './verdict-fixture.js';

const safe = verdict({});
const late = verdict({ outcome: { end: 'ok', tookNs: 5, steps: 1 } });
const hung = verdict({ outcome: { end: 'hung', tookNs: 5, steps: 1 } });
const stray = verdict({ corruptedBytes: 1 });
const refused = verdict({ pin: 'EPERM' });
const stuck = verdict({ holderStuck: ['exit'] });

test('from best to worst', (t) => {
  const order = [refused, safe, late, hung, stray];
  for (const [i, e] of order.entries()) {
    for (const worse of order.slice(i + 1)) t.true(compareEndings(worse, e) > 0);
  }
});

test('verdicts in words', (t) => {
  t.is(verdictOf(safe), 'safe');
  t.is(verdictOf(hung), 'hung');
  t.is(verdictOf(stuck), 'hung: exit');
  t.is(verdictOf(stray), 'stray DMA');
  t.is(verdictOf(refused), 'refused: EPERM');
  t.is(verdictOf(verdict({ outcome: { end: 'EBUSY', tookNs: 0, steps: 1 } })), 'refused: EBUSY');
  t.is(rankOf(verdict({ holder: 'SIGKILL' })), 'holder hurt');
  t.is(verdictOf(verdict({ holder: 'SIGKILL' })), 'safe', 'no byte went astray');
});
