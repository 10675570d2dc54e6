// Goal: what is written to an overlay is read from it and never reaches what lies under it.

import test from 'ava';
import { overlayPartition } from '../../lib/fs/overlay-partition.js';
import { memoryPartition } from './memory-partition.js';

test('writes and zeros are seen, across blocks, and the partition stays', (t) => {
  const under = memoryPartition(4);
  under.bytes.fill(9);
  const over = overlayPartition(under);
  over.write(0, 4090, new Uint8Array(10).fill(1));
  over.zero(2, 1);
  t.deepEqual([...over.read(0, 4089, 12)], [9, ...Array<number>(10).fill(1), 9]);
  t.is(over.read(2, 100, 1)[0], 0);
  t.is(over.read(3, 100, 1)[0], 9);
  t.true(under.bytes.every((b) => b === 9));
});
