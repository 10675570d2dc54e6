// Goal: pages move between the lists as mm/swap.c moves them, and reclaim sees the oldest first.

import test from 'ava';
import type { Lru } from '../../lib/mm/lru.js';
import { pageFlags } from '../../lib/mm/page-flags.js';
import type { PageSpace } from '../../lib/mm/page.js';
import { memoryMachine } from '../support/mm-fixture.js';

function threePages(): { pages: PageSpace; lru: Lru; pfns: [number, number, number] } {
  const { pages, allocator } = memoryMachine().env;
  const pfns: [number, number, number] = [
    allocator.allocPage(),
    allocator.allocPage(),
    allocator.allocPage(),
  ];
  for (const pfn of pfns) pages.lru.add(pfn);
  return { pages, lru: pages.lru, pfns };
}

test('the oldest come first; what was rotated comes last', (t) => {
  const { lru, pfns } = threePages();
  const [a, b, c] = pfns;
  t.deepEqual(lru.oldest(2), [a, b]);
  lru.rotate(a);
  t.deepEqual(lru.oldest(9), [b, c, a]);
  lru.remove(c);
  lru.remove(c);
  t.deepEqual(lru.oldest(9), [b, a]);
  t.throws(() => lru.add(a), { message: /already/ });
});

test('the second access makes a page active', (t) => {
  const { lru, pages, pfns } = threePages();
  const [a] = pfns;
  lru.markAccessed(a);
  t.is(lru.nrActive, 0);
  lru.markAccessed(a);
  t.deepEqual([lru.nrActive, lru.nrInactive], [1, 2]);
  t.true(pages.hasFlags(a, pageFlags.active));
  t.false(pages.hasFlags(a, pageFlags.referenced));
  t.is(pages.vmstat.counters.pgactivate, 1);
});

test('active pages age: those used since go round once more', (t) => {
  const { lru, pages, pfns } = threePages();
  const [a, b, c] = pfns;
  for (const pfn of pfns) lru.activate(pfn);
  pages.setFlags(a, pageFlags.referenced);
  lru.shrinkActive(2);
  t.deepEqual(lru.oldest(9), [b]);
  lru.shrinkActive(9);
  t.deepEqual(lru.oldest(9), [b, c, a]);
  t.is(pages.vmstat.counters.pgdeactivate, 3);
  lru.remove(a);
  t.throws(() => lru.activate(a), { message: /not on the LRU/ });
});
