// Goal: pages of a device live as long as anybody uses them, and no longer.

import test from 'ava';
import { PageBlock } from '../../lib/driver/page-block.js';

function block() {
  const freed: number[] = [];
  const told: PageBlock[] = [];
  const b = new PageBlock(
    'frame',
    Uint32Array.of(5, 6),
    (pfn) => freed.push(pfn),
    (own) => told.push(own),
  );
  return { b, freed, told };
}

test('free() gives the pages back at once when nobody else uses them', (t) => {
  const { b, freed, told } = block();
  t.is(b.len, 8192);
  b.free();
  t.deepEqual(freed, [5, 6]);
  t.deepEqual(told, [b]);
  t.is(b.state, 'GONE');
  t.throws(() => b.free(), { message: /freed twice/ });
});

test('a user keeps freed pages alive until its put', (t) => {
  const { b, freed } = block();
  b.get();
  t.is(b.nrUsers, 1);
  b.free();
  t.is(b.state, 'ORPHANED');
  t.deepEqual(freed, []);
  b.put();
  t.deepEqual(freed, [5, 6]);
  t.throws(() => b.get(), { message: /get of freed pages/ });
});
