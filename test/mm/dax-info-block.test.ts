// Goal: an info block is read back as it was written, and nothing else is read at all.

import test from 'ava';

import {
  checkSize,
  decodeInfoBlock,
  encodeInfoBlock,
  layoutOf,
  NR_SLOTS,
  SLOT_SIZE,
} from '../../lib/mm/dax-info-block.js';
import { GiB, KiB, MiB, PAGE_SIZE } from '../../lib/units.js';

const sizes = [64 * KiB, 2 * MiB, 16 * MiB - PAGE_SIZE, 16 * MiB, 5 * GiB, 1024 * GiB];

for (const size of sizes) {
  test(`the parts of a device of ${size} bytes follow one another and do not overlap`, (t) => {
    checkSize(size);
    const layout = layoutOf(size);
    const parts: [number, number][] = [
      [0, PAGE_SIZE],
      [layout.openersPos, NR_SLOTS * SLOT_SIZE],
      [layout.mountPos, 4],
      [layout.talliesPos, NR_SLOTS * layout.nrGroups * 8],
      [layout.summaryPos, layout.nrGroups * 8],
      [layout.countersPos, layout.nrPages * 8],
      [layout.metaPos, layout.nrPages * 32],
      [layout.dataPos, size],
      [layout.fileLen, 0],
    ];
    parts.reduce(([pos, len], next) => {
      t.true(pos + len <= next[0]);
      return next;
    });
    t.is(layout.fileLen % PAGE_SIZE, 0);
    t.deepEqual(decodeInfoBlock(encodeInfoBlock(layout), 'x'), layout);
  });
}

test('two devices of one size have different names', (t) => {
  const layout = layoutOf(MiB);
  t.notDeepEqual(encodeInfoBlock(layout), encodeInfoBlock(layout));
});

test('a block in which any one bit changed is not read', (t) => {
  const block = encodeInfoBlock(layoutOf(MiB));
  for (let pos = 0; pos < PAGE_SIZE; pos += pos < 128 ? 1 : 97) {
    const damaged = block.slice();
    damaged[pos] = (damaged[pos] ?? 0) ^ (1 << (pos & 7));
    t.throws(() => decodeInfoBlock(damaged, '/dev/pmem'), {
      code: 'EUCLEAN',
      message: /\/dev\/pmem/,
    });
  }
  t.throws(() => decodeInfoBlock(block.subarray(1), 'x'), { code: 'EUCLEAN' });
});

test('a checksum does not make a wrong block right', (t) => {
  // A block whose positions are another size's: valid in itself, but nothing that we would write.
  const odd = encodeInfoBlock({ ...layoutOf(MiB), dataPos: 8192 });
  t.throws(() => decodeInfoBlock(odd, 'x'), { code: 'EUCLEAN', message: /positions/ });
  const bad = encodeInfoBlock({ ...layoutOf(MiB), size: 12345 });
  t.throws(() => decodeInfoBlock(bad, 'x'), { code: 'EUCLEAN', message: /size 12345/ });
});
