// Goal: a set of blocks counts each once and shows them as a bitmap has them.

import test from 'ava';
import { BITMAP_BITS } from '../../lib/fs/format.js';
import { BlockSet } from '../../lib/fs/fsck-inodes.js';

test('blocks are in the set when they were added, in the part of their bitmap block', (t) => {
  const set = new BlockSet();
  for (const block of [0, 9, BITMAP_BITS, BITMAP_BITS + 7]) set.add(block);
  t.is(set.count, 4);
  t.true(set.has(9) && set.has(BITMAP_BITS + 7));
  t.false(set.has(8) || set.has(5 * BITMAP_BITS));
  t.deepEqual([...set.part(0).subarray(0, 2)], [1, 2]);
  t.deepEqual([...set.part(1).subarray(0, 2)], [0x81, 0]);
  t.true(set.part(4).every((b) => b === 0));
});
