// Goal: lookups by address answer as a plain list would, and new mappings go right below the last.

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import type { VMA } from '../../lib/mm/vma.js';
import { MMAP_BASE, VmaTree } from '../../lib/mm/vma-tree.js';
import { PAGE_SIZE, posOf } from '../../lib/units.js';

const fake = (start: number, nr: number): VMA => ({ start, end: start + posOf(nr) }) as VMA;

testProp(
  'at, overlapping and findGap agree with a plain list',
  [
    fc.array(fc.record({ nr: fc.integer({ min: 1, max: 8 }), drop: fc.boolean() }), {
      minLength: 1,
    }),
  ],
  (t, acts) => {
    const tree = new VmaTree();
    const list: VMA[] = [];
    for (const { nr, drop } of acts) {
      if (drop && list.length > 1) tree.remove(list.splice(nr % list.length, 1)[0]!);
      const start = tree.findGap(posOf(nr));
      t.true(list.every((vma) => vma.end <= start || vma.start >= start + posOf(nr)));
      const vma = fake(start, nr);
      tree.insert(vma);
      list.push(vma);
      for (const addr of [start - 1, start, vma.end - 1, vma.end]) {
        t.is(
          tree.at(addr),
          list.find((v) => addr >= v.start && addr < v.end),
        );
      }
      const met = list.filter((v) => v.start < start + 9 * PAGE_SIZE && v.end > start - PAGE_SIZE);
      const sorted = met.sort((a, b) => a.start - b.start);
      t.deepEqual(tree.overlapping(start - PAGE_SIZE, start + 9 * PAGE_SIZE), sorted);
    }
    t.is(tree.size, list.length);
    t.deepEqual([...tree].length, list.length);
  },
);

test('the first mapping lies below the base, the next below it, a gap is used again', (t) => {
  const tree = new VmaTree();
  const a = fake(tree.findGap(posOf(2)), 2);
  t.is(a.end, MMAP_BASE);
  tree.insert(a);
  const b = fake(tree.findGap(posOf(3)), 3);
  t.is(b.end, a.start);
  tree.insert(b);
  tree.remove(a);
  t.is(tree.findGap(posOf(2)), a.start);
  t.is(tree.findGap(posOf(3)), b.start - posOf(3));
  t.throws(() => tree.insert(fake(b.start, 1)), { message: /overlap/ });
  t.throws(() => tree.remove(a), { message: /in no tree/ });
  t.true(
    isErrno(
      t.throws(() => tree.findGap(MMAP_BASE)),
      'ENOMEM',
    ),
  );
});
