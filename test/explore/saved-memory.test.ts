// Goal: bytes are put back, and of a device file all that anybody writes to. Method: every byte
// between the parts of a device is zero and stays so; every byte of the parts comes back.

import test from 'ava';
import { SavedMemory } from '../../lib/explore/saved-memory.js';
import { headerParts, layoutOf } from '../../lib/mm/dax-info-block.js';
import { PAGE_SIZE } from '../../lib/units.js';
import { memoryMachine } from '../support/mm-fixture.js';

test('views are put back, and nothing beside them', (t) => {
  const bytes = new Uint8Array(16);
  const memory = new SavedMemory();
  memory.addView(bytes.subarray(4, 8));
  memory.addView(new Uint8Array(0));
  bytes.fill(1);
  memory.restore();
  t.deepEqual([...bytes], [1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
});

test('shared memory without a region is put back whole', (t) => {
  const buffer = new SharedArrayBuffer(8);
  new Uint8Array(buffer).fill(3);
  const memory = new SavedMemory();
  memory.addShared(buffer, null);
  new Uint8Array(buffer).fill(9);
  memory.restore();
  t.deepEqual([...new Uint8Array(buffer)], Array<number>(8).fill(3));
});

test('the parts before the data are in order, do not meet, and hold all that is not zero', (t) => {
  for (const size of [2, 3, 700].map((nr) => nr * PAGE_SIZE)) {
    const layout = layoutOf(size);
    let end = 0;
    for (const { pos, len } of headerParts(layout)) {
      t.true(pos >= end && len > 0);
      end = pos + len;
    }
    t.true(end <= layout.dataPos);
  }
  const { env } = memoryMachine({ ramPages: 4, pmemPages: 6 });
  const { pages } = env;
  const { basePfn, nrPages, place } = pages.regions.find(({ kind }) => kind === 'pmem')!;
  const all = Uint32Array.from({ length: nrPages }, (_, i) => basePfn + i);
  pages.pinPages(all, 0, nrPages);
  for (const pfn of all) pages.setFlags(pfn, 1);
  const bytes = Uint8Array.from(new Uint8Array(place.buffer)).subarray(0, place.dataPos);
  for (const { pos, len } of headerParts(layoutOf(nrPages * PAGE_SIZE))) {
    bytes.fill(0, pos, pos + len);
  }
  t.true(bytes.every((byte) => byte === 0));
  pages.unpinPages(all, 0, nrPages);
});
