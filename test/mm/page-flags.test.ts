// Goal: flags are bits of their own, and fit into the word that a page has for them.

import test from 'ava';
import { pageFlags } from '../../lib/mm/page-flags.js';

test('each flag is one bit of sixteen, and no two are the same', (t) => {
  const bits = Object.values(pageFlags);
  t.true(bits.every((bit) => bit > 0 && bit < 2 ** 16 && (bit & (bit - 1)) === 0));
  t.is(new Set(bits).size, bits.length);
});
