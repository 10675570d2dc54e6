// Goal: what is held has a name, is held once, and is given back once.

import test from 'ava';
import { Balance } from '../../lib/driver/balance.js';

test('objects are listed by name, oldest first, until they are released', (t) => {
  const balance = new Balance();
  const [a, b] = [{}, {}];
  balance.acquire(a, 'mapping', 'first');
  balance.acquire(b, 'pages', 'second');
  t.deepEqual(balance.list(), [
    { kind: 'mapping', label: 'first' },
    { kind: 'pages', label: 'second' },
  ]);
  t.is(balance.count('pages'), 1);
  t.deepEqual(balance.objects('mapping'), [a]);
  balance.release(a);
  t.false(balance.holds(a));
  t.is(balance.count(), 1);
});

test('holding twice and releasing twice are mistakes of ours', (t) => {
  const balance = new Balance();
  const a = {};
  balance.acquire(a, 'pages', 'a');
  t.throws(() => balance.acquire(a, 'pages', 'a'), { message: /held already/ });
  balance.release(a);
  t.throws(() => balance.release(a), { message: /does not hold/ });
});
